import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { openStateReader } from '../../../../../tests/support/state.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
  verifyJournal,
} from '../../accounting/ledger/index.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const MAINNET = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4';

let testDatabase: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
});
afterAll(async () => {
  // A missing rate is logged, because it is the operator's to mend.
  expect(api.errors.filter(({ code }) => code !== 'rate_unavailable')).toEqual([]);
  await api.close();
  await testDatabase.drop();
});

type Store = TestMerchant & { second: string; third: string };

/** A store with money in its ledger and keys of three people. */
async function openStore(availableSats: bigint): Promise<Store> {
  const merchant = await api.createMerchant('Payer');
  if (availableSats > 0n) await earn(merchant.id, availableSats);
  const keyOf = async (name: string) => {
    const scopes = ['payouts:read', 'payouts:write', 'payouts:approve'];
    // Of the administrator, so that each is another person's.
    const made = await api.send('POST', `/v1/merchants/${merchant.id}/api-keys`, {
      key: api.adminKey,
      body: { name, scopes },
    });
    return String(made.body.secret);
  };
  return { ...merchant, second: await keyOf('second'), third: await keyOf('third') };
}

async function earn(merchantId: string, amountSats: bigint): Promise<void> {
  const [paymentId, orderId] = [randomUUID(), randomUUID()];
  const args = { merchantId, paymentId, orderId, epoch: 0, amountSats, atMs: Date.now() };
  const settled = { ...args, dueSats: amountSats, excessSats: 0n };
  await api.database.asSystem((tx) =>
    postTransfers(tx, [paymentSeen(args), paymentConfirmed(args), orderSettled(settled)]),
  );
}

const create = (key: string, more: object = {}, headers: Record<string, string> = {}) =>
  api.send('POST', '/v1/payouts', {
    key,
    headers,
    body: { destination: ADDRESS, amount: '100000', currency: 'SAT', ...more },
  });
const decide = (key: string, id: string, what: string, body?: unknown) =>
  api.send('POST', `/v1/payouts/${id}/${what}`, { key, body });

async function ledgerOf({
  key,
}: Store): Promise<Record<string, { posted: string; available: string; creditsPending: string }>> {
  const { body } = await api.send('GET', '/v1/ledger/balances', { key });
  return Object.fromEntries(body.data.map((row: { code: string }) => [row.code, row]));
}

async function eventTypes(merchantId: string): Promise<string[]> {
  const rows = await api.database.asSystem((tx) =>
    tx.query<{ type: string }>(
      `SELECT type FROM event WHERE merchant_id = $1 AND type LIKE 'payout.%' ORDER BY seq`,
      [merchantId],
    ),
  );
  return rows.map(({ type }) => type);
}

test('approval reserves the amount, and cancelling frees it', async () => {
  const store = await openStore(250_000n);
  const made = await create(store.key);
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    state: 'awaiting_approval',
    amountSats: '100000',
    amountBtc: '0.00100000',
  });
  expect((await ledgerOf(store))['payouts.in_transit']).toBeUndefined();
  const approved = await decide(store.second, made.body.id, 'approve');
  expect(approved.body).toMatchObject({ state: 'approved', approvals: [{ approver: null }] });
  expect(await ledgerOf(store)).toMatchObject({
    'merchant.available': { posted: '250000000', available: '150000000' },
    'payouts.in_transit': { posted: '0', creditsPending: '100000000' },
  });
  const cancelled = await decide(store.key, made.body.id, 'cancel');
  expect(cancelled.body.state).toBe('cancelled');
  expect(await ledgerOf(store)).toMatchObject({
    'merchant.available': { available: '250000000' },
    'payouts.in_transit': { posted: '0', creditsPending: '0' },
  });
  expect((await decide(store.key, made.body.id, 'approve')).status).toBe(409);
  expect(await eventTypes(store.id)).toEqual([
    'payout.created',
    'payout.approved',
    'payout.cancelled',
  ]);
  const verified = await api.database.asSystem((tx) => verifyJournal(tx, { bookId: store.id }));
  expect(verified.ok).toBe(true);
});

test('an approval beyond the available balance is refused and leaves nothing behind', async () => {
  const store = await openStore(150_000n);
  const first = await create(store.key);
  const second = await create(store.key);
  expect((await decide(store.second, first.body.id, 'approve')).status).toBe(200);
  const refused = await decide(store.second, second.body.id, 'approve');
  expect(refused).toMatchObject({ status: 409, body: { code: 'insufficient_balance' } });
  expect(
    (await api.send('GET', `/v1/payouts/${second.body.id}`, { key: store.key })).body,
  ).toMatchObject({
    state: 'awaiting_approval',
    approvals: [],
    version: 1,
  });
  expect((await ledgerOf(store))['merchant.available']?.available).toBe('50000000');
});

test('of approvals that race for the same money only as many win as it covers', async () => {
  const store = await openStore(350_000n);
  const made = await Promise.all(Array.from({ length: 8 }, () => create(store.key)));
  const answers = await Promise.all(
    made.map(({ body }) => decide(store.second, body.id, 'approve')),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(answers.filter(({ body }) => body.code === 'insufficient_balance')).toHaveLength(5);
});

test('a daily limit holds for approvals that race', async () => {
  const store = await openStore(2_000_000n);
  const body = { perDayMaxSats: '250000' };
  expect((await api.send('PATCH', '/v1/payout-policy', { key: store.key, body })).status).toBe(200);
  const made = await Promise.all(Array.from({ length: 6 }, () => create(store.key)));
  const answers = await Promise.all(
    made.map(({ body: { id } }) => decide(store.second, id, 'approve')),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  expect(answers.filter(({ body: { code } }) => code === 'payout_limit_exceeded')).toHaveLength(4);
});

test('above the amount of a rule two different keys are needed, whoever made it', async () => {
  const store = await openStore(1_000_000n);
  const body = { approvalRules: [{ aboveSats: '99999', approvals: 2 }] };
  await api.send('PATCH', '/v1/payout-policy', { key: store.key, body });
  const { body: small } = await create(store.second, { amount: '99999' });
  expect(small.approvalsNeeded).toBe(1);
  const { body: made } = await create(store.second);
  expect(made.approvalsNeeded).toBe(2);
  for (let time = 0; time < 3; time++) {
    const own = await decide(store.second, made.id, 'approve');
    expect(own.body).toMatchObject({ state: 'awaiting_approval', approvals: [{}] });
    expect(own.body.approvals).toHaveLength(1);
  }
  const other = await decide(store.third, made.id, 'approve');
  expect(other.body.state).toBe('approved');
});

test('one person with two keys is one pair of eyes', async () => {
  const store = await openStore(1_000_000n);
  await api.send('PATCH', '/v1/payout-policy', {
    key: store.key,
    body: { approvalRules: [{ aboveSats: '0', approvals: 2 }] },
  });
  const { body: made } = await create(store.key);
  const signature = {
    approver: 'alice',
    expiresAt: '2027-01-01T00:00:00Z',
    signature: 'ab'.repeat(64),
  };
  await decide(store.second, made.id, 'approve', { signature });
  const again = await decide(store.third, made.id, 'approve', { signature });
  expect(again.body).toMatchObject({
    state: 'awaiting_approval',
    approvals: [{ approver: 'alice' }],
  });
});

test('keys that come from one another are one pair of eyes, however many there are', async () => {
  const store = await openStore(1_000_000n);
  const child = async (maker: string, scopes: string[]) => {
    const body = { name: 'made', scopes };
    const made = await api.send('POST', '/v1/api-keys', { key: maker, body });
    expect(made.status).toBe(201);
    return String(made.body.secret);
  };
  const one = await child(store.key, ['payouts:write', 'payouts:approve', 'keys:write']);
  const two = await child(one, ['payouts:write', 'payouts:approve']);
  await api.send('PATCH', '/v1/payout-policy', {
    key: store.key,
    body: {
      approvalRules: [{ aboveSats: '0', approvals: 2 }],
      creatorMayApprove: false,
    },
  });
  // Neither with a key that a maker has made nor with the one that made it.
  const { body: own } = await create(one);
  for (const key of [one, two, store.key]) {
    expect((await decide(key, own.id, 'approve')).status).toBe(403);
  }
  const { body: made } = await create(store.second);
  for (const key of [one, two, store.key, one]) {
    expect((await decide(key, made.id, 'approve')).body.state).toBe('awaiting_approval');
  }
  const listed = await api.send('GET', `/v1/payouts/${made.id}`, { key: store.key });
  expect(listed.body.approvals).toHaveLength(1);
  expect((await decide(store.third, made.id, 'approve')).body.state).toBe('approved');
});

test('where the policy says so the maker of a payout may not approve it', async () => {
  const store = await openStore(1_000_000n);
  await api.send('PATCH', '/v1/payout-policy', {
    key: store.key,
    body: { creatorMayApprove: false },
  });
  const { body: made } = await create(store.second);
  expect(await decide(store.second, made.id, 'approve')).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  });
  expect((await decide(store.third, made.id, 'approve')).body.state).toBe('approved');
});

test('busy-address-payout: an address may have any number of open payouts; a key makes one', async () => {
  const store = await openStore(1_000_000n);
  const headers = { 'idempotency-key': 'once' };
  const first = await create(store.key, {}, headers);
  const retry = await create(store.key, {}, headers);
  const second = await create(store.key, {}, { 'idempotency-key': 'twice' });
  expect(retry.body).toEqual(first.body);
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
  expect(second.body.destination).toBe(first.body.destination);
  for (const { body } of [first, second]) {
    expect((await decide(store.key, body.id, 'approve')).body.state).toBe('approved');
  }
  const other = await create(store.key, { amount: '1' }, headers);
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
});

test.each([
  ['an address of another network', { destination: MAINNET }, 422, 'invalid_destination'],
  [
    'a typing mistake',
    { destination: ADDRESS.replace('w508', 'w509') },
    422,
    'invalid_destination',
  ],
  [
    'a witness version without an owner',
    { destination: 'bcrt1pfeesnyr2tx' },
    422,
    'invalid_destination',
  ],
  ['dust', { amount: '293' }, 422, 'amount_too_small'],
  [
    'dust after the share of the fee',
    { amount: '1000', feeFrom: 'recipient', maxFeeShareSats: '707' },
    422,
    'amount_too_small',
  ],
  ['nothing', { amount: '0' }, 422, 'invalid_amount'],
  ['half a satoshi', { amount: '1000.5' }, 422, 'invalid_amount'],
  ['an exponent', { amount: '1e5' }, 400, 'invalid_request'],
  ['more than exists', { amount: '2100000000000001' }, 422, 'amount_too_large'],
  ['a currency that is none', { currency: 'XXX' }, 422, 'unknown_currency'],
  ['a currency without a rate', { currency: 'CHF', amount: '5' }, 503, 'rate_unavailable'],
  ['a fee for the recipient who bears none', { maxFeeShareSats: '5' }, 400, 'invalid_request'],
  ['a wallet that is not there', { walletId: randomUUID() }, 400, 'invalid_request'],
])('%s is refused with a code of its own', async (_, more, status, code) => {
  const store = await openStore(0n);
  expect(await create(store.key, more)).toMatchObject({ status, body: { code } });
  expect((await api.send('GET', '/v1/payouts', { key: store.key })).body.data).toEqual([]);
});

test('fiat is converted at a locked rate without the spread of the rule', async () => {
  const store = await openStore(0n);
  const rateRule = { sources: ['fixed'], minSources: 1, spreadBps: 1_000 };
  await api.send('PATCH', `/v1/merchants/${store.id}`, {
    key: store.key,
    body: { settings: { rateRule } },
  });
  const made = await create(store.key, { amount: '6.00', currency: 'EUR' });
  expect(made.body).toMatchObject({
    amountSats: '10000',
    price: {
      amount: '6.00',
      currency: 'EUR',
      rate: { pricePerBtc: '60000.00000000', spreadBps: 0 },
    },
  });
});

test('the summary says what the rows and the ledger say', async () => {
  const store = await openStore(500_000n);
  const made = await create(store.key);
  await create(store.key);
  await decide(store.key, made.body.id, 'approve');
  const { body } = await api.send('GET', '/v1/payouts/summary', { key: store.key });
  const state = (name: string) =>
    body.states.find((each: { state: string }) => each.state === name);
  expect(state('approved')).toMatchObject({ count: 1, amountSats: '100000' });
  expect(state('awaiting_approval')).toMatchObject({ count: 1, amountSats: '100000' });
  expect(state('failed')).toMatchObject({ count: 0, amountSats: '0', oldestSince: null });
  expect(body.ledger).toEqual({ availableSats: '400000', reservedSats: '100000' });
});

test('payouts are listed newest first, by state and by external id', async () => {
  const store = await openStore(500_000n);
  const ids: string[] = [];
  for (const externalId of ['a', 'b', 'a']) {
    ids.unshift((await create(store.key, { externalId })).body.id);
  }
  const list = async (query: string) =>
    (await api.send('GET', `/v1/payouts${query}`, { key: store.key })).body;
  const first = await list('?limit=2');
  expect(first.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
  expect(first.has_more).toBe(true);
  const rest = await list(`?starting_after=${ids[1]}`);
  expect(rest.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
  expect((await list('?external_id=a')).data).toHaveLength(2);
  await decide(store.key, ids[0] ?? '', 'approve');
  expect((await list('?state=approved')).data).toHaveLength(1);
});

const batch = (key: string, body: object) => api.send('POST', '/v1/payout-batches', { key, body });
const decideBatch = (key: string, id: string, what: string, body?: unknown) =>
  api.send('POST', `/v1/payout-batches/${id}/${what}`, { key, body });
const countPayouts = async (key: string) =>
  (await api.send('GET', '/v1/payouts?limit=100', { key })).body.data.length;

test('a batch becomes payouts only when it is accepted, all its lines or none', async () => {
  const store = await openStore(1_000_000n);
  const csv = `destination,amount\n${ADDRESS},0.001\n${ADDRESS},0.002\nnonsense,1\n${ADDRESS},0.001\n`;
  const dry = await batch(store.key, { csv, dryRun: true });
  expect(dry).toMatchObject({
    status: 201,
    body: { id: null, lines: 4, validLines: 3, duplicateLines: 1 },
  });
  const checked = await batch(store.key, { csv });
  expect(checked.body.verdict.map(({ ok }: { ok: boolean }) => ok)).toEqual([
    true,
    true,
    false,
    true,
  ]);
  const { id } = checked.body;
  expect(await countPayouts(store.key)).toBe(0);
  expect((await decideBatch(store.key, id, 'accept')).status).toBe(409);
  expect(await countPayouts(store.key)).toBe(0);
  const accepted = await decideBatch(store.key, id, 'accept', { acceptValid: true });
  expect(accepted.body).toMatchObject({ state: 'accepted' });
  // The repeated line is left out, too: it was not asked for.
  expect(await countPayouts(store.key)).toBe(2);
  expect((await decideBatch(store.key, id, 'accept', { acceptValid: true })).status).toBe(409);
  const approved = await decideBatch(store.second, id, 'approve');
  expect(approved.body).toEqual({ approved: 2 });
  expect((await ledgerOf(store))['merchant.available']?.available).toBe('700000000');
});

test('a batch that the balance does not cover is approved not even in part', async () => {
  const store = await openStore(250_000n);
  const payouts = Array.from({ length: 3 }, (_, n) => ({
    destination: ADDRESS,
    amount: `0.0010${n}`,
  }));
  const { body: checked } = await batch(store.key, { payouts });
  await decideBatch(store.key, checked.id, 'accept');
  const refused = await decideBatch(store.second, checked.id, 'approve');
  expect(refused).toMatchObject({ status: 409, body: { code: 'insufficient_balance' } });
  const list = await api.send('GET', '/v1/payouts?state=approved', { key: store.key });
  expect(list.body.data).toEqual([]);
});

test('a batch of ten thousand lines is checked, accepted and approved by two keys', async () => {
  const store = await openStore(10_000_000_000n);
  const body = { approvalRules: [{ aboveSats: '0', approvals: 2 }] };
  await api.send('PATCH', '/v1/payout-policy', { key: store.key, body });
  const lines = Array.from({ length: 10_000 }, (_, n) => `${ADDRESS},${100_000 + n},SAT`);
  const csv = `destination,amount,currency\n${lines.join('\n')}\n`;
  const { status, body: checked } = await batch(store.key, { csv });
  expect({ status, valid: checked.validLines }).toEqual({ status: 201, valid: 10_000 });
  expect((await decideBatch(store.key, checked.id, 'accept')).status).toBe(200);
  expect((await decideBatch(store.second, checked.id, 'approve')).body).toEqual({
    approved: 10_000,
  });
  expect((await decideBatch(store.second, checked.id, 'approve')).body).toEqual({ approved: 0 });
  expect((await decideBatch(store.third, checked.id, 'approve')).body).toEqual({
    approved: 10_000,
  });
  const { body: summary } = await api.send('GET', '/v1/payouts/summary', { key: store.key });
  expect(summary.ledger.reservedSats).toBe(checked.totalSats);
}, 120_000);

const processor = (key: string, body: object = {}) =>
  api.send('POST', '/v1/payout-processors', { key, body: { kind: 'onchain', ...body } });

test('a processor is careful by default, one for each wallet, and set up by who may change settings', async () => {
  const store = await openStore(0n);
  expect((await processor(store.second)).status).toBe(403);
  const made = await processor(store.key);
  expect(made).toMatchObject({ status: 201, body: { autoApprove: null, paused: false } });
  expect((await processor(store.key)).status).toBe(409);
  const path = `/v1/payout-processors/${made.body.id}`;
  const changed = await api.send('PATCH', path, { key: store.key, body: { paused: true } });
  expect(changed.body).toMatchObject({ paused: true, batchSize: 100 });
  const wrong = { destinations: { types: ['p2wpkh'], allow: [MAINNET], deny: [] } };
  expect(await api.send('PATCH', path, { key: store.key, body: wrong })).toMatchObject({
    status: 422,
    body: { code: 'invalid_destination', fields: [{ pointer: '/destinations/allow/0' }] },
  });
  expect((await api.send('DELETE', path, { key: store.key })).status).toBe(200);
  expect((await api.send('GET', path, { key: store.key })).status).toBe(404);
});

test('a small payout of a source that was named needs no approval, a large one does', async () => {
  const store = await openStore(1_000_000n);
  await processor(store.key, { autoApprove: { maxSats: '100000', sources: ['api'] } });
  const small = await create(store.key);
  expect(small.body).toMatchObject({ state: 'approved', approvalsNeeded: 0 });
  expect(small.body.approvals[0].by).toMatch(/^processor:/);
  expect((await ledgerOf(store))['merchant.available']?.available).toBe('900000000');
  expect((await create(store.key, { amount: '100001' })).body.state).toBe('awaiting_approval');
  const { body: checked } = await batch(store.key, {
    payouts: [{ destination: ADDRESS, amount: '0.001' }],
  });
  await decideBatch(store.key, checked.id, 'accept');
  const list = await api.send('GET', `/v1/payouts?batch_id=${checked.id}`, { key: store.key });
  expect(list.body.data[0].state).toBe('awaiting_approval');
});

test('a payout that needs no approval is refused when the balance does not cover it', async () => {
  const store = await openStore(50_000n);
  await processor(store.key, { autoApprove: { maxSats: '100000', sources: ['api'] } });
  expect(await create(store.key)).toMatchObject({
    status: 409,
    body: { code: 'insufficient_balance' },
  });
  expect(await countPayouts(store.key)).toBe(0);
});

test('a dry run says what would happen and leaves every row as it was', async () => {
  const store = await openStore(1_000_000n);
  const made = await processor(store.key, {
    limits: { perPayoutMaxSats: '150000', perDayMaxSats: null },
  });
  const small = await create(store.key);
  const large = await create(store.key, { amount: '150001' });
  for (const { body } of [small, large]) await decide(store.second, body.id, 'approve');
  const state = await openStateReader(testDatabase.ownerUrl);
  const before = await state.read(store.id);
  const dry = await api.send('POST', `/v1/payout-processors/${made.body.id}/dry-run`, {
    key: store.key,
  });
  expect(dry).toMatchObject({
    status: 200,
    body: {
      outcome: 'insufficient_funds',
      transaction: null,
      refused: [
        { payoutId: large.body.id, reason: 'limit_per_payout' },
        { payoutId: small.body.id, reason: 'insufficient_funds' },
      ],
    },
  });
  expect(await state.read(store.id)).toEqual(before);
  await state.close();
});

test('a payment by hand is asked for once, and only of what is approved', async () => {
  const store = await openStore(1_000_000n);
  const { body: made } = await create(store.key);
  expect((await decide(store.key, made.id, 'pay')).status).toBe(409);
  await decide(store.second, made.id, 'approve');
  expect((await decide(store.key, made.id, 'pay')).body.state).toBe('approved');
  expect((await decide(store.key, made.id, 'pay')).status).toBe(200);
  expect((await decide(store.key, made.id, 'cancel')).body.state).toBe('cancelled');
  expect((await decide(store.key, made.id, 'pay')).status).toBe(409);
});
