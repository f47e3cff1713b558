import { randomBytes } from 'node:crypto';
import { toHex } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import {
  type Chip,
  eventsOf,
  foreignInvoice,
  giveLightning,
  issueCard,
  lnurlGet,
  nextLink,
  programChip,
  tap,
} from '../support/drawing.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let shiftMs = 0;
const clock = { nowMs: () => Date.now() + shiftMs };
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  store = await api.createMerchant('Store');
  await giveLightning(api.database, { merchantId: store.id, sats: 10_000_000n });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function send(method: string, path: string, body?: unknown, key = store.key) {
  return await api.send(method, path, { key, ...(body === undefined ? {} : { body }) });
}

async function pay(k1: string, amountMsat: bigint) {
  const pr = foreignInvoice({ amountMsat, createdAtMs: clock.nowMs() });
  return (await lnurlGet(api, '/lnurl/withdraw-callback', { k1, pr })).body;
}

/** A tap and a payment, as at a till. */
async function tapAndPay(chip: Chip, sats: bigint) {
  const { body } = await tap(api, chip);
  if (body.tag !== 'withdrawRequest') return body;
  return await pay(body.k1, sats * 1_000n);
}

async function toldOf(cardId: string) {
  const events = await eventsOf(api.database, store.id, 'card.');
  return events
    .filter(({ data }) => data['cardId'] === cardId)
    .map(({ type, data }) => (data['reason'] === null ? type : `${type} ${data['reason']}`));
}

test('a card is tapped and pays; its reading, its limits and its events are on record', async () => {
  const { id, chip } = await issueCard(api, store, {
    perPaymentMaxSats: '500',
    dailyLimitSats: '700',
  });
  const tapped = await tap(api, chip);
  expect(tapped.body).toMatchObject({
    tag: 'withdrawRequest',
    minWithdrawable: 1_000,
    maxWithdrawable: 500_000,
  });
  expect(await pay(tapped.body.k1, 400_000n)).toEqual({ status: 'OK' });
  const card = (await send('GET', `/v1/cards/${id}`)).body;
  expect(card).toMatchObject({
    state: 'active',
    lastCounter: 1,
    usedTodayMsat: '400000',
    pullPayment: { used: { amount: '0.00000400' }, remaining: { amount: '0.00099600' } },
  });
  const draws = `/v1/pull-payments/${card.pullPayment.id}/draws?card_id=${id}`;
  const [draw] = (await send('GET', draws)).body.data;
  const payout = (await send('GET', `/v1/payouts/${draw.payoutId}`)).body;
  expect(payout).toMatchObject({ state: 'approved', source: 'card', method: 'lightning' });
  await send('POST', `/v1/payouts/${draw.payoutId}/cancel`);
  expect((await send('GET', `/v1/cards/${id}`)).body).toMatchObject({
    usedTodayMsat: '0',
    pullPayment: { used: { amount: '0.00000000' } },
  });
  expect(await toldOf(id)).toEqual(['card.tapped', 'card.refused cancelled']);
});

test('a terminal learns what the card pays at most, never what is left on it', async () => {
  const { chip } = await issueCard(api, store, { balance: { amount: '1000', currency: 'SAT' } });
  expect((await tap(api, chip)).body.maxWithdrawable).toBe(1_000_000);
  expect(await tapAndPay(chip, 900n)).toEqual({ status: 'OK' });
  expect((await tap(api, chip)).body.maxWithdrawable).toBe(1_000_000);
  expect(await tapAndPay(chip, 200n)).toMatchObject({ reason: 'Not so much is left.' });
});

test('a replayed counter is refused, and so is every older one', async () => {
  const { id, chip } = await issueCard(api, store);
  const [first, second] = [nextLink(chip, 1), nextLink(chip, 5)];
  expect((await api.send('GET', first)).body.tag).toBe('withdrawRequest');
  const refusal = { status: 'ERROR', reason: expect.stringContaining('used already') };
  expect((await api.send('GET', first)).body).toEqual(refusal);
  expect((await api.send('GET', second)).body.tag).toBe('withdrawRequest');
  expect((await api.send('GET', first)).body).toEqual(refusal);
  expect((await api.send('GET', second)).body).toEqual(refusal);
  expect((await api.send('GET', nextLink(chip, 4))).body).toEqual(refusal);
  expect((await api.send('GET', nextLink(chip, 6))).body.tag).toBe('withdrawRequest');
  // However often it is shown again, it is told of once for each good reading.
  expect(await toldOf(id)).toEqual([
    'card.tapped',
    'card.refused card_replayed',
    'card.tapped',
    'card.refused card_replayed',
    'card.tapped',
  ]);
});

test('of terminals that show one reading at the same time, one wins', async () => {
  const { chip } = await issueCard(api, store);
  const link = nextLink(chip);
  const answers = await Promise.all(Array.from({ length: 10 }, () => api.send('GET', link)));
  const won = answers.filter(({ body }) => body.tag === 'withdrawRequest');
  expect(won).toHaveLength(1);
});

test('a wrong code, another card’s key and another store’s card are refused without a trace', async () => {
  const { id, chip } = await issueCard(api, store);
  const other = await issueCard(api, store);
  const stranger = await api.createMerchant('Stranger');
  const foreign = await issueCard(api, stranger);
  const unknown = { status: 'ERROR', reason: 'This card is not known here.' };
  const link = nextLink(chip);
  const flipped = link.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const wrong = [
    flipped,
    link.replace(/p=.{32}/, `p=${toHex(randomBytes(16))}`),
    // This card's number with the other card's key.
    nextLink({ ...chip, keys: { ...chip.keys, K2: other.chip.keys.K2 } }),
    // A chip of this store's issuer that was never programmed as a card.
    nextLink({ ...chip, uid: toHex(randomBytes(7)) }),
    // A good reading of another store's card, at this store's address, and the other way round.
    nextLink({ ...foreign.chip, path: chip.path }),
    nextLink({ ...chip, path: foreign.chip.path }),
    chip.path,
  ];
  for (const bad of wrong) expect((await api.send('GET', bad)).body, bad).toEqual(unknown);
  expect((await send('GET', `/v1/cards/${id}`)).body.lastCounter).toBeNull();
  expect(await toldOf(id)).toEqual([]);
  expect((await api.send('GET', link)).body.tag).toBe('withdrawRequest');
});

test('a card pays no more in a day than its limit, also when terminals race, and again the next day', async () => {
  const { id, chip } = await issueCard(api, store, { dailyLimitSats: '1000' });
  const taps = [];
  for (let i = 0; i < 6; i++) taps.push((await tap(api, chip)).body.k1);
  const answers = await Promise.all(taps.map((k1) => pay(k1, 300_000n)));
  expect(answers.filter(({ status }) => status === 'OK')).toHaveLength(3);
  for (const { status, reason } of answers) {
    if (status !== 'OK') expect(reason).toBe('This is more than the card pays today.');
  }
  expect((await send('GET', `/v1/cards/${id}`)).body.usedTodayMsat).toBe('900000');
  shiftMs += 86_400_000;
  expect(await tapAndPay(chip, 300n)).toEqual({ status: 'OK' });
  expect(await tapAndPay(chip, 1_001n)).toMatchObject({ reason: expect.stringContaining('today') });
});

test('cards that share a pull payment share its limit', async () => {
  const pull = await send('POST', '/v1/pull-payments', {
    ...{ name: 'Family', amount: '1000', currency: 'SAT', link: false },
  });
  expect(pull.body.links).toBeNull();
  const shared = { balance: undefined, pullPaymentId: pull.body.pullPayment.id };
  const [one, two] = [await issueCard(api, store, shared), await issueCard(api, store, shared)];
  expect(await tapAndPay(one.chip, 700n)).toEqual({ status: 'OK' });
  expect(await tapAndPay(two.chip, 700n)).toMatchObject({ reason: 'Not so much is left.' });
  expect(await tapAndPay(two.chip, 300n)).toEqual({ status: 'OK' });
});

test('a card draws from a pull payment of its own store alone', async () => {
  const stranger = await api.createMerchant('Stranger');
  const body = { name: 'x', amount: '10', currency: 'SAT' };
  const theirs = await send('POST', '/v1/pull-payments', body, stranger.key);
  const { id: pullPaymentId } = theirs.body.pullPayment;
  const made = await send('POST', '/v1/cards', { name: 'x', pullPaymentId });
  expect(made.status).toBe(404);
  for (const bad of [{}, { pullPaymentId, balance: { amount: '1', currency: 'SAT' } }]) {
    expect((await send('POST', '/v1/cards', { name: 'x', ...bad })).status).toBe(400);
  }
});

test('a frozen card is refused, also between its tap and its payment, until it is thawed', async () => {
  const { id, chip } = await issueCard(api, store);
  const { k1 } = (await tap(api, chip)).body;
  expect((await send('PATCH', `/v1/cards/${id}`, { frozen: true })).body.state).toBe('frozen');
  expect(await pay(k1, 1_000n)).toMatchObject({ reason: 'This card is frozen.' });
  expect(await pay(k1, 1_000n)).toMatchObject({ reason: 'This card is frozen.' });
  expect((await tap(api, chip)).body).toMatchObject({ reason: 'This card is frozen.' });
  await send('PATCH', `/v1/cards/${id}`, { frozen: false });
  expect(await tapAndPay(chip, 1n)).toEqual({ status: 'OK' });
  // A terminal that asks again and again is told of once.
  expect(await toldOf(id)).toEqual([
    'card.tapped',
    'card.refused card_frozen',
    'card.refused card_frozen',
    'card.tapped',
  ]);
});

test('whoever may not approve payouts can freeze a card, and nothing that lets it pay more', async () => {
  const { id } = await issueCard(api, store);
  const clerk = await send('POST', '/v1/api-keys', { name: 'clerk', scopes: ['payouts:write'] });
  const key = clerk.body.secret;
  expect((await send('PATCH', `/v1/cards/${id}`, { frozen: true }, key)).status).toBe(200);
  for (const body of [{ frozen: false }, { dailyLimitSats: '5' }, { perPaymentMaxSats: null }]) {
    expect((await send('PATCH', `/v1/cards/${id}`, body, key)).status).toBe(403);
  }
  expect((await send('POST', `/v1/cards/${id}/wipe`, undefined, key)).status).toBe(403);
  expect((await send('POST', `/v1/cards/${id}/programming-link`, undefined, key)).status).toBe(403);
});

test('a wiped card is refused for ever; its owner gets its keys; the chip lives on with new ones', async () => {
  const { id, chip } = await issueCard(api, store);
  const { k1 } = (await tap(api, chip)).body;
  const wiped = (await send('POST', `/v1/cards/${id}/wipe`)).body;
  const { K0: k0, K1: k1Key, K2: k2, K3: k3, K4: k4 } = chip.keys;
  expect(wiped.keys).toEqual({ uid: chip.uid, k0, k1: k1Key, k2, k3, k4 });
  expect(wiped.card.state).toBe('wiped');
  expect(await pay(k1, 1_000n)).toMatchObject({ reason: expect.stringContaining('not in use') });
  expect((await tap(api, chip)).body).toMatchObject({
    reason: expect.stringContaining('not in use'),
  });
  expect((await send('PATCH', `/v1/cards/${id}`, { frozen: false })).status).toBe(409);
  expect((await send('POST', `/v1/cards/${id}/wipe`)).body.keys).toEqual(wiped.keys);

  const made = (
    await send('POST', '/v1/cards', {
      ...{ name: 'Again', balance: { amount: '10', currency: 'SAT' } },
    })
  ).body;
  const again = await programChip(api, made.programming.url, chip.uid);
  expect(again.keys.K0).not.toBe(chip.keys.K0);
  expect(again.keys.K2).not.toBe(chip.keys.K2);
  // The chip counts from the beginning; readings of its former life are of no use.
  expect((await tap(api, again)).body.tag).toBe('withdrawRequest');
  expect((await api.send('GET', nextLink(chip, 100))).body.reason).toContain('not in use');
  expect((await tap(api, again)).body.tag).toBe('withdrawRequest');
});

test('a programming link is for one chip, until the first tap, for an hour', async () => {
  const body = { name: 'New', balance: { amount: '10', currency: 'SAT' } };
  const { card, programming } = (await send('POST', '/v1/cards', body)).body;
  const path = new URL(programming.url).pathname;
  expect(programming.deepLink).toBe(
    `boltcard://program?url=${encodeURIComponent(programming.url)}`,
  );
  const program = (uid: string) => api.send('POST', path, { body: { UID: uid } });
  const uid = toHex(randomBytes(7));
  for (const bad of ['', 'xyz', `${uid}00`]) expect((await program(bad)).status).toBe(400);
  const chip = await programChip(api, programming.url, uid);
  // A torn write is tried again: the same keys for the same chip, and none for another.
  expect((await programChip(api, programming.url, uid)).keys).toEqual(chip.keys);
  expect((await program(toHex(randomBytes(7)))).status).toBe(409);
  expect((await tap(api, chip)).body.tag).toBe('withdrawRequest');
  expect((await program(uid)).status).toBe(404);
  expect((await send('POST', `/v1/cards/${card.id}/programming-link`)).status).toBe(409);

  const late = (await send('POST', '/v1/cards', body)).body;
  const renewed = (await send('POST', `/v1/cards/${late.card.id}/programming-link`)).body;
  expect(
    (
      await api.send('POST', new URL(late.programming.url).pathname, {
        body: { UID: uid },
      })
    ).status,
  ).toBe(404);
  shiftMs += 3_600_000;
  expect(
    (
      await api.send('POST', new URL(renewed.programming.url).pathname, {
        body: { UID: uid },
      })
    ).status,
  ).toBe(404);
});

test('a chip is one card at a time, and a card that was made for one chip takes no other', async () => {
  const { chip } = await issueCard(api, store);
  const body = { name: 'Second', balance: { amount: '10', currency: 'SAT' } };
  const second = (await send('POST', '/v1/cards', body)).body;
  const path = new URL(second.programming.url).pathname;
  expect((await api.send('POST', path, { body: { UID: chip.uid } })).status).toBe(409);
  expect((await send('POST', '/v1/cards', { ...body, uid: chip.uid })).status).toBe(409);
  const uid = toHex(randomBytes(7));
  const bound = (await send('POST', '/v1/cards', { ...body, uid })).body;
  const boundPath = new URL(bound.programming.url).pathname;
  expect((await api.send('POST', boundPath, { body: { UID: toHex(randomBytes(7)) } })).status).toBe(
    409,
  );
  // The older app asks without a number; the card knows its chip.
  const older = await api.send('GET', boundPath);
  expect(older.body).toMatchObject({
    protocol_name: 'create_bolt_card_response',
    protocol_version: 2,
    card_name: 'Second',
    lnurlw_base: expect.stringMatching(/^lnurlw:\/\/localhost\/boltcard\/[a-z2-7]{12}$/),
  });
  expect(older.body.k2).toBe((await programChip(api, bound.programming.url, uid)).keys.K2);
});

test('the keys of cards lie in the database sealed only', async () => {
  const { chip } = await issueCard(api, store);
  const rows = await api.database.asSystem((tx) =>
    tx.query<{ text: string }>(
      `SELECT to_jsonb(c)::text AS text FROM card c UNION ALL
       SELECT to_jsonb(i)::text FROM card_issuer i`,
    ),
  );
  expect(rows.length).toBeGreaterThan(2);
  for (const secret of [chip.uid, ...Object.values(chip.keys)]) {
    for (const { text } of rows) expect(text.includes(secret)).toBe(false);
  }
});
