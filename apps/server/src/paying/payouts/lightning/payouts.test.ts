import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type LightningStore,
  type LightningWorld,
  startLightningWorld,
} from './world.test-support.ts';

const AMOUNT = 100_000_000n;
/** One per cent and ten satoshis. */
const FEE_LIMIT = AMOUNT / 100n + 10_000n;
const BEFORE = {
  available: 1_000_000_000n,
  reserved: 0n,
  inTransit: 0n,
  channels: 0n,
  isSound: true,
};

let world: LightningWorld;
beforeAll(async () => {
  world = await startLightningWorld();
});
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  expect(world.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await world.stop();
});

/** A payout to an invoice, made and approved. */
async function approvedPayout(
  store: LightningStore,
  options: { expirySeconds?: number; more?: object } = {},
) {
  const { expirySeconds = 3_600, more } = options;
  const invoice = world.node.invoice({ nowMs: world.clock.nowMs(), expirySeconds });
  const made = await world.create(store, invoice.bolt11, more);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const { id } = made.body;
  expect((await world.decide(store, id, 'approve')).status).toBe(200);
  return { id: String(id), ...invoice };
}

function reset(): void {
  world.node.behaviour = { do: 'succeed' };
  world.node.isReachable = true;
  world.node.beforePay = async () => {};
  world.node.sendableMsat = 1_000_000_000n;
  world.node.given.length = 0;
}

test('a payout by invoice is paid, proved and booked with its fee, and what was set aside is free', async () => {
  reset();
  const store = await world.openStore();
  const { id, paymentHash } = await approvedPayout(store);
  expect(await world.book(store)).toEqual({
    ...BEFORE,
    available: BEFORE.available - AMOUNT - FEE_LIMIT,
    reserved: AMOUNT + FEE_LIMIT,
  });
  await world.decide(store, id, 'pay');
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'final', method: 'lightning', destinationKind: 'bolt11', walletId: null },
    ...{ amountMsat: '100000000', amountSats: '100000', attempts: 1, origin: 'manual' },
    lightning: { paymentHash, feeMsat: '1000', preimage: world.node.preimages.get(paymentHash) },
  });
  expect(await world.book(store)).toEqual({
    ...BEFORE,
    available: BEFORE.available - AMOUNT - 1_000n,
    channels: -AMOUNT - 1_000n,
  });
  expect((await world.events(store)).map(({ type }) => type)).toEqual([
    ...['payout.created', 'payout.approved', 'payout.in_flight', 'payout.final'],
  ]);
  expect(world.node.given).toHaveLength(1);
  expect(world.node.given[0]).toMatchObject({
    paymentHash,
    amountMsat: AMOUNT,
    maxFeeMsat: FEE_LIMIT,
  });
});

test('payout-expired-bolt11: at creation it is refused, and nothing is left behind', async () => {
  reset();
  const store = await world.openStore();
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() - 3_600_000 });
  const made = await world.create(store, bolt11);
  expect(made).toMatchObject({ status: 422, body: { code: 'invalid_destination' } });
  expect(made.body.detail).toContain('expired');
  expect(await world.book(store)).toEqual(BEFORE);
});

test('payout-expired-bolt11: while it waits for approval it fails by itself, and can not be approved', async () => {
  reset();
  const store = await world.openStore();
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs(), expirySeconds: 600 });
  const { id } = (await world.create(store, bolt11)).body;
  world.advance(595_000);
  expect(await world.decide(store, id, 'approve')).toMatchObject({ status: 409 });
  await world.work();
  const reason = { code: 'expired', retryable: false };
  expect(await world.payout(store, id)).toMatchObject({ state: 'failed', reason });
  expect((await world.events(store)).at(-1)).toMatchObject({
    ...{ type: 'payout.failed', data: { reason: 'expired' } },
  });
  expect(await world.book(store)).toEqual(BEFORE);
});

test('payout-expired-bolt11: between attempts its money is free at the expiry, without one more attempt', async () => {
  reset();
  const store = await world.openStore();
  world.node.behaviour = { do: 'fail', failureClass: 'no_route' };
  const { id } = await approvedPayout(store, { expirySeconds: 600 });
  await world.decide(store, id, 'pay');
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'approved', reason: { code: 'no_route', retryable: true }, attempts: 1 },
  });
  expect((await world.book(store)).reserved).toBe(AMOUNT + FEE_LIMIT);
  // The strategy would try again two minutes later; the process was away until after the expiry.
  world.advance(601_000);
  await world.work();
  const after = await world.payout(store, id);
  expect(after).toMatchObject({ state: 'failed', reason: { code: 'expired' }, attempts: 1 });
  expect(after.reason.message).toContain('destination invoice expired');
  expect(await world.book(store)).toEqual(BEFORE);
  expect((await world.events(store)).at(-1)).toMatchObject({
    ...{ type: 'payout.failed', data: { reason: 'expired' } },
  });
  expect(world.node.given).toHaveLength(1);
});

test('payout-expired-bolt11: with an attempt in flight expiry waits for its outcome', async () => {
  reset();
  const store = await world.openStore();
  world.node.behaviour = { do: 'hold' };
  const { id, paymentHash } = await approvedPayout(store, { expirySeconds: 300 });
  await world.decide(store, id, 'pay');
  await world.work();
  expect((await world.payout(store, id)).state).toBe('in_flight');
  world.advance(3_600_000);
  await world.work();
  expect((await world.payout(store, id)).state).toBe('in_flight');
  expect((await world.book(store)).reserved).toBe(AMOUNT + FEE_LIMIT);
  world.node.end(paymentHash, 'succeed');
  world.advance(120_000);
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final', reason: null });
});

test('payout-lnurl-fetch-throws: a service that fails changes no money, and the attempt says why', async () => {
  reset();
  const store = await world.openStore();
  const made = await world.create(store, 'anna@shop.example', { amount: '5000', currency: 'SAT' });
  const { id } = made.body;
  await world.decide(store, id, 'approve');
  const held = await world.book(store);
  await world.decide(store, id, 'pay');
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'approved', reason: { code: 'not_resolved', retryable: true }, attempts: 1 },
    lightning: { paymentHash: null, expiresAt: null },
  });
  expect(await world.book(store)).toEqual(held);
  expect(await world.attempts(store, id)).toEqual([
    { number: 1, state: 'failed', failure_class: 'not_resolved', sends: 0 },
  ]);
  expect(world.node.given).toEqual([]);
  expect((await world.decide(store, id, 'cancel')).body.state).toBe('cancelled');
  expect(await world.book(store)).toEqual(BEFORE);
});

test('payout-lnurl-fetch-throws: not even a resolver with a fault of its own leaves it in flight', async () => {
  reset();
  const store = await world.openStore();
  const { resolve } = world.world;
  world.world.resolve = () => Promise.reject(new TypeError('a fault of our own'));
  const made = await world.create(store, 'anna@shop.example', { amount: '5000', currency: 'SAT' });
  const { id } = made.body;
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  await world.work();
  world.world.resolve = resolve;
  expect(world.logged.filter(({ level }) => level === 'error').splice(0)).toHaveLength(1);
  world.logged.length = 0;
  expect((await world.payout(store, id)).state).toBe('approved');
  expect(await world.attempts(store, id)).toEqual([]);
  await world.decide(store, id, 'cancel');
});

test('repaid-bolt11-success: an invoice that the node has paid before is never told as paid by us', async () => {
  reset();
  const store = await world.openStore();
  const { id, paymentHash, bolt11 } = await approvedPayout(store);
  const { api } = world.node;
  const outside = { timeoutMs: 1_000, waitMs: 1_000, maxFeeMsat: 0n };
  await api.pay({ destination: { bolt11 }, paymentHash, amountMsat: AMOUNT, ...outside });
  await world.decide(store, id, 'pay');
  await world.work();
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'failed', reason: { code: 'already_paid', retryable: false } },
    lightning: { preimage: null, feeMsat: '0' },
  });
  expect(await world.book(store)).toEqual(BEFORE);
  expect(world.node.given).toHaveLength(1);
});

test('the same invoice in a second payout is refused, for ever', async () => {
  reset();
  const store = await world.openStore();
  const { id, bolt11 } = await approvedPayout(store);
  const twice = () => world.create(store, bolt11.toUpperCase());
  expect(await twice()).toMatchObject({ status: 409, body: { code: 'invoice_taken' } });
  await world.decide(store, id, 'cancel');
  expect((await twice()).status).toBe(409);
  const both = world.node.invoice({ nowMs: world.clock.nowMs() }).bolt11;
  const answers = await Promise.all([1, 2, 3, 4].map(() => world.create(store, both)));
  const made = answers.filter(({ status }) => status === 201);
  const refused = answers.filter(({ body }) => body.code === 'invoice_taken');
  expect([made.length, refused.length]).toEqual([1, 3]);
});

test('an unknown outcome holds its money, is asked about and ends as the node says', async () => {
  reset();
  for (const how of ['succeed', 'fail'] as const) {
    const store = await world.openStore();
    world.node.behaviour = { do: 'lose_answer', what: 'hold' };
    const { id, paymentHash } = await approvedPayout(store, {
      more: { lightning: { strategy: { kind: 'immediate', maxAttempts: 1 } } },
    });
    await world.decide(store, id, 'pay');
    await world.payments.runDue(new AbortController().signal);
    await world.payments.settle();
    expect(await world.payout(store, id)).toMatchObject({
      ...{ state: 'unknown', reason: { code: 'timeout_unknown' } },
    });
    world.node.isReachable = false;
    world.advance(7_200_000);
    await world.work();
    expect((await world.payout(store, id)).state).toBe('unknown');
    expect((await world.decide(store, id, 'cancel')).status).toBe(409);
    expect((await world.book(store)).reserved).toBe(AMOUNT + FEE_LIMIT);
    world.node.isReachable = true;
    world.node.end(paymentHash, how);
    world.advance(120_000);
    await world.work();
    const after = await world.payout(store, id);
    expect(after.state).toBe(how === 'succeed' ? 'final' : 'failed');
    const book = await world.book(store);
    expect(book.reserved).toBe(0n);
    if (how === 'fail') expect(book).toEqual(BEFORE);
    expect(world.node.given.filter((each) => each.paymentHash === paymentHash)).toHaveLength(1);
  }
});

test('a request that never reached the node is sent again in time, and is dead only some time after it', async () => {
  reset();
  const store = await world.openStore();
  world.node.behaviour = { do: 'lose_request' };
  const sent = await approvedPayout(store, { expirySeconds: 600 });
  await world.decide(store, sent.id, 'pay');
  await world.work();
  expect((await world.payout(store, sent.id)).state).toBe('unknown');
  world.node.behaviour = { do: 'succeed' };
  world.advance(35_000);
  await world.work();
  expect((await world.payout(store, sent.id)).state).toBe('final');
  expect(await world.attempts(store, sent.id)).toMatchObject([{ state: 'succeeded', sends: 2 }]);

  world.node.behaviour = { do: 'lose_request' };
  const lost = await approvedPayout(store, { expirySeconds: 600 });
  await world.decide(store, lost.id, 'pay');
  await world.work();
  world.advance(595_000);
  for (let round = 0; round < 8; round++) {
    await world.work();
    world.advance(30_000);
  }
  expect((await world.payout(store, lost.id)).state).toBe('failed');
  expect(await world.attempts(store, lost.id)).toMatchObject([
    { failure_class: 'node_unavailable', sends: 1 },
  ]);
});

test('two workers and a person never have two attempts of a payout', async () => {
  reset();
  const store = await world.openStore();
  world.node.behaviour = { do: 'hold' };
  const { id } = await approvedPayout(store);
  const { createLightningPayments } = await import('./run-due.ts');
  const others = [1, 2, 3].map(() => createLightningPayments(world.deps));
  await world.decide(store, id, 'pay');
  const signal = new AbortController().signal;
  await Promise.all([world.payments, ...others].map((each) => each.runDue(signal)));
  await Promise.all([world.payments, ...others].map((each) => each.settle()));
  expect(world.node.given).toHaveLength(1);
  expect(await world.attempts(store, id)).toHaveLength(1);
});

test('a proof that does not fit the hash is no success', async () => {
  reset();
  const store = await world.openStore();
  const { id, paymentHash } = await approvedPayout(store);
  const preimage = world.node.preimages.get(paymentHash) ?? '';
  world.node.preimages.set(paymentHash, 'ff'.repeat(32));
  await world.decide(store, id, 'pay');
  await world.work();
  expect((await world.payout(store, id)).state).toBe('unknown');
  world.node.preimages.set(paymentHash, preimage);
  world.node.end(paymentHash, 'succeed');
  world.advance(120_000);
  await world.work();
  expect((await world.payout(store, id)).state).toBe('final');
});

test('too little to send is said before sending; it costs no attempt of the strategy', async () => {
  reset();
  const store = await world.openStore();
  world.node.sendableMsat = 5n;
  const { id } = await approvedPayout(store);
  await world.decide(store, id, 'pay');
  await world.work();
  const reason = { code: 'insufficient_local_balance', retryable: true };
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', reason });
  world.node.sendableMsat = 1_000_000_000n;
  world.advance(300_000);
  await world.work();
  expect((await world.payout(store, id)).state).toBe('final');
});

/** The seed's Boltcard case: 100 sat to somebody who can only be reached by a channel nobody knows. */
async function boltcard(strategy: object, expirySeconds: number) {
  reset();
  world.node.behaviour = { do: 'fail', failureClass: 'no_route' };
  const store = await world.openStore();
  const invoice = world.node.invoice({
    ...{ nowMs: world.clock.nowMs(), expirySeconds, amountMsat: 100_000n },
  });
  const made = await world.create(store, invoice.bolt11, { lightning: { strategy } });
  const { id } = made.body;
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  const startMs = world.clock.nowMs();
  for (let second = 0; second < 20_000; second += 10) {
    await world.work();
    const { state } = await world.payout(store, id);
    if (state === 'failed') break;
    expect(state).toBe('approved');
    const { not_before } = await world.nextTry(store, id);
    world.advance(Math.max(1_000, not_before - world.clock.nowMs()));
  }
  return { store, id, heldMs: world.clock.nowMs() - startMs, tries: world.node.given.length };
}

test('boltcard-balance-stuck: the tiered strategy tries early and later, and ends at its maximum', async () => {
  const { store, id, heldMs, tries } = await boltcard({ kind: 'tiered' }, 86_400);
  expect(await world.payout(store, id)).toMatchObject({ reason: { code: 'too_many_attempts' } });
  expect(tries).toBe(10);
  // Three pauses of two minutes, six of ten.
  expect(heldMs).toBeLessThanOrEqual((3 * 120 + 6 * 600 + 30) * 1_000);
  expect(await world.book(store)).toEqual(BEFORE);
});

test('boltcard-balance-stuck: the tiered strategy ends when the invoice does, not later', async () => {
  const { store, id, heldMs, tries } = await boltcard({ kind: 'tiered' }, 900);
  expect(await world.payout(store, id)).toMatchObject({ reason: { code: 'expired' } });
  expect(tries).toBeLessThan(10);
  expect(heldMs).toBeLessThanOrEqual(900_000);
  expect(await world.book(store)).toEqual(BEFORE);
});

test('boltcard-balance-stuck: fast-fail gives the money back within its budget', async () => {
  const strategy = { kind: 'fast_fail', budgetSeconds: 20 };
  const { store, id, heldMs } = await boltcard(strategy, 3_600);
  expect((await world.payout(store, id)).state).toBe('failed');
  expect(heldMs).toBeLessThanOrEqual(20_000);
  expect(await world.book(store)).toEqual(BEFORE);
});
