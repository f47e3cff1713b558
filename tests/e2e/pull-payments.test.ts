import { randomFillSync } from 'node:crypto';
import { decodeLnurl } from '@quittance/bitcoin';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PayoutChange } from '../../apps/server/src/paying/payouts/index.ts';
import { addPayerPages } from '../../apps/server/src/wiring/payer-pages.ts';
import { payoutListener } from '../../apps/server/src/wiring/paying/payout-listeners.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import {
  availableMsat,
  eventsOf,
  foreignInvoice,
  giveLightning,
  lnurlGet,
} from '../support/drawing.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** No rate can be had on the page: a limit in a currency is shown all the same. */
const rates = { quote: () => Promise.reject(new Error('no rate')) };
const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
let shiftMs = 0;
const clock = { nowMs: () => Date.now() + shiftMs };
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    ownerUrl: testDatabase.ownerUrl,
    clock,
    addRoutes: async ({ app }, database) => {
      const random = (target: Uint8Array) => randomFillSync(target);
      await addPayerPages(app, {
        ...{ database, clock, ids, random, network: 'regtest', socketsPerAddress: 1 },
        log: { warn() {} },
        drawing: { publicUrl: 'http://localhost', rates },
      });
    },
  });
  store = await api.createMerchant('Store');
  await giveLightning(api.database, { merchantId: store.id, sats: 10_000_000n });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function post(path: string, body?: unknown, key = store.key) {
  return await api.send('POST', path, { key, ...(body === undefined ? {} : { body }) });
}

async function create(body: Record<string, unknown> = {}) {
  const made = await post('/v1/pull-payments', {
    name: 'Expenses',
    amount: '1000',
    currency: 'SAT',
    ...body,
  });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body;
}

/** Scans the link: what the wallet is offered. */
async function offer(links: { lnurl: string }) {
  const read = decodeLnurl(links.lnurl);
  if (!read.ok) throw new Error(read.reason);
  return (await lnurlGet(api, read.url)).body;
}

async function withdraw(k1: string, pr: string) {
  return (await lnurlGet(api, '/lnurl/withdraw-callback', { k1, pr })).body;
}

async function read(id: string) {
  return (await api.send('GET', `/v1/pull-payments/${id}`, { key: store.key })).body;
}

async function drawsOf(id: string) {
  return (await api.send('GET', `/v1/pull-payments/${id}/draws`, { key: store.key })).body.data;
}

/** Ends a payout as its attempts would. */
async function endPayout(payoutId: string, state: 'final' | 'failed' | 'unknown') {
  const change: PayoutChange = {
    merchantId: store.id,
    payoutId,
    refundId: null,
    source: 'pull_payment',
    method: 'lightning',
    before: 'in_flight',
    state,
    reason: state === 'failed' ? 'no_route' : null,
    origin: 'processor_auto',
    amountSats: 1n,
    amountMsat: 1n,
    feeShareSats: 0n,
    feeMsat: 0n,
    preimage: null,
    spendId: null,
    txid: null,
  };
  const telling = { ids, nowMs: clock.nowMs() };
  await api.database.asSystem((tx) => payoutListener.payoutChanged(tx, telling, change));
}

test('a wallet draws what it asks for: a payout is made, approved, and counted at once', async () => {
  const { pullPayment, links } = await create();
  const offered = await offer(links);
  expect(offered).toMatchObject({
    tag: 'withdrawRequest',
    defaultDescription: 'Expenses',
    minWithdrawable: 1_000,
    maxWithdrawable: 1_000_000,
  });
  const before = await availableMsat(api.database, store.id);
  const pr = foreignInvoice({ amountMsat: 400_000n });
  expect(await withdraw(offered.k1, pr)).toEqual({ status: 'OK' });
  expect((await read(pullPayment.id)).used).toEqual({ amount: '0.00000400', currency: 'BTC' });
  const [draw] = await drawsOf(pullPayment.id);
  expect(draw).toMatchObject({ state: 'open', amountMsat: '400000', cardId: null, invoice: pr });
  const payout = (await api.send('GET', `/v1/payouts/${draw.payoutId}`, { key: store.key })).body;
  expect(payout).toMatchObject({ state: 'approved', source: 'pull_payment', method: 'lightning' });
  const reserved = before - (await availableMsat(api.database, store.id));
  expect(reserved >= 400_000n).toBe(true);
});

test('one k1 is good for one invoice: the same again is answered and draws nothing more', async () => {
  const { pullPayment, links } = await create();
  const { k1 } = await offer(links);
  const pr = foreignInvoice({ amountMsat: 100_000n });
  expect(await withdraw(k1, pr)).toEqual({ status: 'OK' });
  expect(await withdraw(k1, pr)).toEqual({ status: 'OK' });
  expect(await withdraw(k1, pr.toUpperCase())).toEqual({ status: 'OK' });
  const other = foreignInvoice({ amountMsat: 100_000n });
  expect(await withdraw(k1, other)).toMatchObject({
    status: 'ERROR',
    reason: expect.stringContaining('used already'),
  });
  expect(await drawsOf(pullPayment.id)).toHaveLength(1);
});

test('an invoice is paid once, whatever k1 it comes with', async () => {
  const { pullPayment, links } = await create();
  const [one, two] = [await offer(links), await offer(links)];
  const pr = foreignInvoice({ amountMsat: 100_000n });
  expect(await withdraw(one.k1, pr)).toEqual({ status: 'OK' });
  expect(await withdraw(two.k1, pr)).toEqual({
    status: 'ERROR',
    reason: 'This invoice was used before. Make a new one.',
  });
  expect(await drawsOf(pullPayment.id)).toHaveLength(1);
  expect((await read(pullPayment.id)).used.amount).toBe('0.00000100');
});

test('what is wrong with an invoice is said, changes nothing and leaves the k1 good', async () => {
  const { pullPayment, links } = await create({ minDrawSats: '10', maxDrawSats: '500' });
  const { k1 } = await offer(links);
  const wrong: [string, string][] = [
    [foreignInvoice({ network: 'mainnet', amountMsat: 100_000n }), 'another network'],
    [foreignInvoice({ network: 'testnet', amountMsat: 100_000n }), 'another network'],
    [foreignInvoice({ amountMsat: null }), 'must name its amount'],
    [foreignInvoice({ amountMsat: 9_999n }), 'less than can be drawn'],
    [foreignInvoice({ amountMsat: 500_001n }), 'more than can be drawn at once'],
    [foreignInvoice({ amountMsat: 100_000n, createdAtMs: Date.now() - 700_000 }), 'expired'],
    [foreignInvoice({ amountMsat: 100_000n, expirySeconds: 10 }), 'expired'],
    ['lnbcrt1nonsense', 'can not be read'],
    ['', 'can not be read'],
    [`${foreignInvoice({ amountMsat: 100_000n }).slice(0, -1)}q`, 'can not be read'],
  ];
  const before = await availableMsat(api.database, store.id);
  for (const [pr, reason] of wrong) {
    const answer = await withdraw(k1, pr);
    expect(answer).toEqual({ status: 'ERROR', reason: expect.stringContaining(reason) });
  }
  expect(await availableMsat(api.database, store.id)).toBe(before);
  expect(await drawsOf(pullPayment.id)).toEqual([]);
  expect((await read(pullPayment.id)).used.amount).toBe('0.00000000');
  expect(await withdraw(k1, foreignInvoice({ amountMsat: 100_000n }))).toEqual({ status: 'OK' });
});

test('a k1 that is too old, or nobody’s, draws nothing', async () => {
  const { pullPayment, links } = await create();
  const { k1 } = await offer(links);
  shiftMs += 301_000;
  const pr = foreignInvoice({ amountMsat: 1_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(k1, pr)).toMatchObject({ reason: expect.stringContaining('too long') });
  for (const bad of ['0'.repeat(64), 'x', '', `${k1}0`, k1.toUpperCase()]) {
    expect(await withdraw(bad, pr)).toMatchObject({ status: 'ERROR' });
  }
  expect(await drawsOf(pullPayment.id)).toEqual([]);
});

test('draws that race never take more than the limit, and what they take adds up', async () => {
  const { pullPayment, links } = await create({ amount: '1000', currency: 'SAT' });
  const offers = await Promise.all(Array.from({ length: 12 }, () => offer(links)));
  const answers = await Promise.all(
    offers.map(({ k1 }) =>
      withdraw(k1, foreignInvoice({ amountMsat: 150_000n, createdAtMs: clock.nowMs() })),
    ),
  );
  expect(answers.filter(({ status }) => status === 'OK')).toHaveLength(6);
  for (const answer of answers) {
    if (answer.status !== 'OK') expect(answer.reason).toBe('Not so much is left.');
  }
  expect(await read(pullPayment.id)).toMatchObject({
    used: { amount: '0.00000900' },
    remaining: { amount: '0.00000100' },
  });
  expect(await drawsOf(pullPayment.id)).toHaveLength(6);
});

test('one k1 that many wallets use at once draws once', async () => {
  const { pullPayment, links } = await create();
  const { k1 } = await offer(links);
  const invoices = Array.from({ length: 8 }, () =>
    foreignInvoice({ amountMsat: 50_000n, createdAtMs: clock.nowMs() }),
  );
  const answers = await Promise.all(invoices.map((pr) => withdraw(k1, pr)));
  expect(answers.filter(({ status }) => status === 'OK')).toHaveLength(1);
  expect(await drawsOf(pullPayment.id)).toHaveLength(1);
});

test('a failed draw gives the limit back at once, an unknown one keeps it, a paid one too', async () => {
  const { pullPayment, links } = await create();
  const draw = async () => {
    const { k1 } = await offer(links);
    const pr = foreignInvoice({ amountMsat: 300_000n, createdAtMs: clock.nowMs() });
    expect(await withdraw(k1, pr)).toEqual({ status: 'OK' });
    const [{ payoutId }] = await drawsOf(pullPayment.id);
    return { k1, pr, payoutId };
  };
  const used = async () => (await read(pullPayment.id)).used.amount;
  const unknown = await draw();
  await endPayout(unknown.payoutId, 'unknown');
  expect(await used()).toBe('0.00000300');
  const failed = await draw();
  expect(await used()).toBe('0.00000600');
  await endPayout(failed.payoutId, 'failed');
  await endPayout(failed.payoutId, 'failed');
  expect(await used()).toBe('0.00000300');
  expect(await withdraw(failed.k1, failed.pr)).toMatchObject({
    status: 'ERROR',
    reason: expect.stringContaining('did not get through'),
  });
  await endPayout(unknown.payoutId, 'final');
  expect(await used()).toBe('0.00000300');
  const states = (await drawsOf(pullPayment.id)).map((each: { state: string }) => each.state);
  expect(states).toEqual(['failed', 'paid']);
  const told = (await eventsOf(api.database, store.id, 'pull_payment.'))
    .filter(({ data }) => data['pullPaymentId'] === pullPayment.id)
    .map(({ type }) => type);
  expect(told.sort()).toEqual([
    'pull_payment.draw_failed',
    'pull_payment.draw_paid',
    'pull_payment.drawn',
    'pull_payment.drawn',
  ]);
});

test('cancelling the payout of a draw gives its limit back', async () => {
  const { pullPayment, links } = await create();
  const { k1 } = await offer(links);
  await withdraw(k1, foreignInvoice({ amountMsat: 700_000n, createdAtMs: clock.nowMs() }));
  const [{ payoutId }] = await drawsOf(pullPayment.id);
  const cancelled = await post(`/v1/payouts/${payoutId}/cancel`);
  expect(cancelled.status).toBe(200);
  expect((await read(pullPayment.id)).remaining.amount).toBe('0.00001000');
});

test('a limit in a currency is reckoned at the rate of the draw, rounded against the holder', async () => {
  // One bitcoin costs 60,000 EUR here: 1 EUR is 1,667 sat, rounded up.
  const { pullPayment, links } = await create({ amount: '1.00', currency: 'EUR' });
  const offered = await offer(links);
  expect(offered.maxWithdrawable).toBe(1_666_000);
  const first = foreignInvoice({ amountMsat: 1_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(offered.k1, first)).toEqual({ status: 'OK' });
  expect((await read(pullPayment.id)).used).toEqual({ amount: '0.01', currency: 'EUR' });
  const [draw] = await drawsOf(pullPayment.id);
  expect(draw).toMatchObject({ takes: { amount: '0.01', currency: 'EUR' } });
  expect(draw.rate).toMatchObject({ currency: 'EUR', pricePerBtc: '60000.00000000' });
  const again = await offer(links);
  const tooMuch = foreignInvoice({ amountMsat: 1_666_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(again.k1, tooMuch)).toMatchObject({ reason: 'Not so much is left.' });
});

test('with a period the limit is fresh with the next one, and a late failure returns to its own', async () => {
  const { pullPayment, links } = await create({ period: 'day' });
  const first = await offer(links);
  await withdraw(first.k1, foreignInvoice({ amountMsat: 1_000_000n, createdAtMs: clock.nowMs() }));
  const [{ payoutId }] = await drawsOf(pullPayment.id);
  expect(await offer(links)).toMatchObject({ reason: 'Not so much is left.' });
  shiftMs += 86_400_000;
  const second = await offer(links);
  expect(second.maxWithdrawable).toBe(1_000_000);
  await withdraw(second.k1, foreignInvoice({ amountMsat: 600_000n, createdAtMs: clock.nowMs() }));
  await endPayout(payoutId, 'failed');
  expect((await read(pullPayment.id)).used.amount).toBe('0.00000600');
});

test('what has ended, has not begun or waits for approval is not drawn from', async () => {
  const reason = async (links: { lnurl: string }) => (await offer(links)).reason;
  const archived = await create();
  const { k1 } = await offer(archived.links);
  await post(`/v1/pull-payments/${archived.pullPayment.id}/archive`);
  expect(await reason(archived.links)).toBe('This has ended.');
  const pr = foreignInvoice({ amountMsat: 1_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(k1, pr)).toMatchObject({ reason: 'This has ended.' });
  const at = (ms: number) => new Date(clock.nowMs() + ms).toISOString();
  const later = await create({ startsAt: at(60_000), expiresAt: at(120_000) });
  expect(await reason(later.links)).toBe('This has not begun yet.');
  shiftMs += 61_000;
  expect((await offer(later.links)).tag).toBe('withdrawRequest');
  shiftMs += 60_000;
  expect(await reason(later.links)).toBe('The time for this is over.');
});

test('four eyes look at a pull payment as at a payout of its whole limit', async () => {
  const other = await api.createMerchant('Careful');
  await giveLightning(api.database, { merchantId: other.id, sats: 1_000_000n });
  const rules = [{ aboveSats: '500', approvals: 2 }];
  await api.send('PATCH', '/v1/payout-policy', {
    key: other.key,
    body: { approvalRules: rules },
  });
  const body = { name: 'Large', amount: '501', currency: 'SAT' };
  const made = (await post('/v1/pull-payments', body, other.key)).body;
  expect(made.pullPayment).toMatchObject({ state: 'awaiting_approval', approvalsNeeded: 2 });
  expect((await offer(made.links)).reason).toBe('This has not been approved yet.');
  const path = `/v1/pull-payments/${made.pullPayment.id}/approve`;
  expect((await post(path, undefined, other.key)).body.state).toBe('awaiting_approval');
  const key = { name: 'second', scopes: ['payouts:approve', 'payouts:read'] };
  // A key that the first one made is the same person's.
  const own = await post('/v1/api-keys', key, other.key);
  expect((await post(path, undefined, own.body.secret)).body.state).toBe('awaiting_approval');
  const second = await post(`/v1/merchants/${other.id}/api-keys`, key, api.adminKey);
  expect((await post(path, undefined, second.body.secret)).body.state).toBe('active');
  expect((await offer(made.links)).tag).toBe('withdrawRequest');
  const small = (await post('/v1/pull-payments', { ...body, amount: '500' }, other.key)).body;
  expect(small.pullPayment.state).toBe('active');
});

test('a key that may not approve payouts makes no pull payment, card or link', async () => {
  const narrow = await post('/v1/api-keys', { name: 'clerk', scopes: ['payouts:write'] });
  const key = narrow.body.secret;
  const limit = { amount: '10', currency: 'SAT' };
  const made = await create();
  const calls = [
    ['/v1/pull-payments', { name: 'x', ...limit }],
    ['/v1/cards', { name: 'x', balance: limit }],
    [`/v1/pull-payments/${made.pullPayment.id}/new-link`, undefined],
  ] as const;
  for (const [path, body] of calls) {
    const answer = await post(path, body, key);
    expect([answer.status, answer.body.code], path).toEqual([403, 'forbidden']);
  }
});

test('the store’s own troubles are not told to who draws, and draw nothing', async () => {
  const poor = await api.createMerchant('Poor');
  const body = { name: 'x', amount: '1000', currency: 'SAT' };
  const made = (await post('/v1/pull-payments', body, poor.key)).body;
  const { k1 } = await offer(made.links);
  const pr = foreignInvoice({ amountMsat: 500_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(k1, pr)).toEqual({
    status: 'ERROR',
    reason: 'This can not be paid now. Try again later.',
  });
  const path = `/v1/pull-payments/${made.pullPayment.id}`;
  const after = await api.send('GET', path, { key: poor.key });
  expect(after.body.used.amount).toBe('0.00000000');
});

test('a new link ends the old one; a secret is in no answer but the first', async () => {
  const { pullPayment, links } = await create();
  const renewed = (await post(`/v1/pull-payments/${pullPayment.id}/new-link`)).body;
  expect((await offer(links)).reason).toBe('This link is not known.');
  expect((await offer(renewed.links)).tag).toBe('withdrawRequest');
  const secret = renewed.links.url.split('/').at(-1);
  const listed = await api.send('GET', '/v1/pull-payments', { key: store.key });
  expect(JSON.stringify(listed.body)).not.toContain(secret);
});

/** The page of a link, for people. */
async function page(url: string): Promise<{ status: number; html: string; policy: string }> {
  const response = await fetch(api.baseUrl + new URL(url).pathname);
  const policy = response.headers.get('content-security-policy') ?? '';
  return { status: response.status, html: await response.text(), policy };
}

test('the page shows what is left, and a link with which a wallet on the device draws at once', async () => {
  const { pullPayment, links } = await create({ name: 'Prize <b>' });
  const shown = await page(links.url);
  expect(shown.status).toBe(200);
  expect(shown.html).toContain('Prize &lt;b>');
  expect(shown.html).toContain('0.00001000');
  expect(shown.policy).toContain("default-src 'none'");
  const [, here = ''] = /href="lightning:(lnurl1[a-z0-9]+)"/.exec(shown.html) ?? [];
  const fast = decodeLnurl(here);
  if (!fast.ok) throw new Error(fast.reason);
  // LUD-08: what the wallet would have asked for stands in the link, and can still be asked for.
  const query = new URL(fast.url).searchParams;
  expect(query.get('tag')).toBe('withdrawRequest');
  expect(query.get('maxWithdrawable')).toBe('1000000');
  expect(new URL(query.get('callback') ?? '').pathname).toBe('/lnurl/withdraw-callback');
  const { pathname, search } = new URL(fast.url);
  expect((await api.send('GET', pathname + search)).body.tag).toBe('withdrawRequest');
  const pr = foreignInvoice({ amountMsat: 1_000_000n, createdAtMs: clock.nowMs() });
  expect(await withdraw(query.get('k1') ?? '', pr)).toEqual({ status: 'OK' });
  const after = await page(links.url);
  expect(after.html).toContain('http-equiv="refresh"');
  expect(after.html).not.toContain('href="lightning:');
  await post(`/v1/pull-payments/${pullPayment.id}/archive`);
  expect((await page(links.url)).html).toContain('This has ended');
});

test('the page says what is left where no rate can be had, and nothing of a link that is nobody’s', async () => {
  const { links } = await create({ amount: '5.00', currency: 'EUR' });
  const shown = await page(links.url);
  expect(shown.html).toContain('€5.00');
  expect(shown.html).toContain('Not possible just now');
  expect(shown.html).not.toContain('href="lightning:');
  expect((await page(`http://localhost/pull/${'A'.repeat(43)}`)).status).toBe(404);
  expect((await page('http://localhost/pull/x')).status).toBe(404);
});

test('wallets in browsers may ask, and every error has the shape of LNURL', async () => {
  for (const path of [
    '/lnurl/withdraw/nonsense',
    `/lnurl/withdraw/${'A'.repeat(43)}`,
    '/lnurl/withdraw-callback',
    '/lnurl/withdraw-callback?k1=a&k1=b&pr=x',
    '/.well-known/lnurlp/nobody',
    '/lnurl/pay/nobody?amount=1000',
    '/lnurl/verify/x',
    '/boltcard/aaaaaaaaaaaa?p=1&c=2',
    '/boltcard/x',
    // What can not even be stored, or is not what it looks like.
    '/.well-known/lnurlp/%00',
    '/lnurl/pay/%00?amount=1000',
    '/lnurl/withdraw/%00',
    '/lnurl/withdraw-callback?k1=%00&pr=%00',
    `/lnurl/withdraw-callback?k1=${'0'.repeat(64)}&pr=${'l'.repeat(9_000)}`,
    '/lnurl/withdraw-callback?k1[]=a&pr[x]=y',
    '/boltcard/%00?p=%00&c=%00',
    `/boltcard/aaaaaaaaaaaa?p=${'0'.repeat(32)}&c=${'0'.repeat(16)}`,
    '/lnurl/verify/%00',
  ]) {
    const answer = await api.send('GET', path);
    expect(answer.status, path).toBe(200);
    expect(answer.body, path).toEqual({ status: 'ERROR', reason: expect.any(String) });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  }
  expect(api.errors).toEqual([]);
});
