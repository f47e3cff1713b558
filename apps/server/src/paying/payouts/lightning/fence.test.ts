import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { armFaultPointForTest } from '../../../platform/fault-points.ts';
import { watchLatePayments } from '../../lightning/index.ts';
import { attemptDepsOf } from './run-due.ts';
import {
  type LightningStore,
  type LightningWorld,
  never,
  startLightningWorld,
} from './world.test-support.ts';

const AMOUNT = 100_000_000n;
const BEFORE = {
  available: 1_000_000_000n,
  ...{ reserved: 0n, inTransit: 0n, channels: 0n, isSound: true },
};
const PAID = {
  ...BEFORE,
  available: BEFORE.available - AMOUNT - 1_000n,
  channels: -AMOUNT - 1_000n,
};
const strategy = {
  ...{ kind: 'immediate', attemptTimeoutSeconds: 30, maxAttempts: 5, giveUpAfterSeconds: 3_600 },
};

let world: LightningWorld;
let store: LightningStore;
beforeAll(async () => {
  world = await startLightningWorld();
});
beforeEach(async () => {
  world.node.behaviour = { do: 'lose_request' };
  world.node.isReachable = true;
  world.node.given.length = 0;
  store = await world.openStore();
});
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  await world.stop();
});

/** A payout whose first request was lost on its way to the node. */
async function lost(more: object = {}) {
  const invoice = world.node.invoice({ nowMs: world.clock.nowMs() });
  const body = { lightning: { strategy: { ...strategy, ...more } } };
  const made = await world.create(store, invoice.bolt11, body);
  const id = String(made.body.id);
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  await world.work();
  expect((await world.payout(store, id)).state).toBe('unknown');
  return { id, ...invoice };
}

async function rounds(count: number, stepMs = 10_000): Promise<void> {
  for (let round = 0; round < count; round++) {
    world.advance(stepMs);
    await world.work();
  }
}

async function watch(): Promise<void> {
  world.advance(60_000);
  const alerts = { ids: world.deps.ids, clock: world.clock, readAudience: world.deps.readAudience };
  await watchLatePayments({ ...attemptDepsOf(world.deps), alerts }, never);
}

async function alerts() {
  return await world.api.database.asSystem((tx) =>
    tx.query<{ kind: string; severity: string }>(
      "SELECT kind, severity FROM alert WHERE merchant_id = $1 AND kind LIKE 'lightning_%'",
      [store.id],
    ),
  );
}

test('an attempt that never reached the node ends a minute after its own time, and another pays', async () => {
  const { id } = await lost();
  const startedMs = world.clock.nowMs();
  for (let round = 0; round < 30; round++) {
    await rounds(1, 5_000);
    const [first] = await world.attempts(store, id);
    if (first?.state !== 'open') break;
    world.node.behaviour = { do: 'lose_request' };
  }
  const tookMs = world.clock.nowMs() - startedMs;
  // 30 s of its own, 20 s in which an answer is waited for after the last sending, 60 s of fence.
  expect(tookMs).toBeGreaterThanOrEqual(90_000);
  expect(tookMs).toBeLessThanOrEqual(130_000);
  expect((await world.attempts(store, id))[0]).toMatchObject({
    ...{ state: 'failed', failure_class: 'node_unavailable' },
  });
  world.node.behaviour = { do: 'succeed' };
  await rounds(8);
  expect((await world.payout(store, id)).state).toBe('final');
  expect(world.node.given).toHaveLength(1);
  expect(await world.book(store)).toEqual(PAID);
  // What the second attempt has paid is not taken for the first one's.
  await watch();
  expect(await world.book(store)).toEqual(PAID);
  expect(await alerts()).toEqual([]);
});

test('while the node does not answer nothing ends, however long: the fence needs its word, twice', async () => {
  const { id } = await lost();
  world.node.isReachable = false;
  await rounds(60);
  expect((await world.attempts(store, id)).at(-1)).toMatchObject({ number: 1, state: 'open' });
  world.node.isReachable = true;
  await rounds(1);
  expect((await world.attempts(store, id)).at(-1)).toMatchObject({ number: 1, state: 'open' });
  await rounds(12);
  expect((await world.attempts(store, id))[0]).toMatchObject({ state: 'failed' });
});

test('a worker that stood still after the commit sends nothing late, and the payout is tried again', async () => {
  world.node.behaviour = { do: 'succeed' };
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() });
  const made = await world.create(store, bolt11, { lightning: { strategy } });
  const id = String(made.body.id);
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  // Between the commit and the sending its process is suspended for as long as the attempt may last.
  armFaultPointForTest({
    name: 'lightning-attempt-committed',
    strike: () => {
      armFaultPointForTest(null);
      world.advance(31_000);
    },
  });
  await world.work();
  expect(world.node.given).toHaveLength(0);
  expect(await world.attempts(store, id)).toMatchObject([
    { state: 'failed', failure_class: 'node_unavailable' },
  ]);
  await rounds(8);
  expect(await world.payout(store, id)).toMatchObject({ state: 'final', attempts: 2 });
  expect(world.node.given).toHaveLength(1);
});

test('what arrives after its payout has failed is booked once, makes it paid, and is an alert', async () => {
  const { id, paymentHash } = await lost({ giveUpAfterSeconds: 40 });
  await rounds(20);
  expect((await world.payout(store, id)).state).toBe('failed');
  expect(await world.book(store)).toEqual(BEFORE);
  world.node.end(paymentHash, 'succeed');
  await watch();
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'final', reason: null },
    lightning: { paymentHash, preimage: world.node.preimages.get(paymentHash) },
  });
  expect(await world.book(store)).toEqual(PAID);
  expect(await alerts()).toEqual([{ kind: 'lightning_late_payment', severity: 'critical' }]);
  await watch();
  await rounds(3);
  expect(await world.book(store)).toEqual(PAID);
  expect((await world.events(store)).map(({ type }) => type).slice(-2)).toEqual([
    ...['payout.failed', 'payout.final'],
  ]);
});

test('a payment of a fresh invoice beside one that arrives late: both are booked, and it is paid once', async () => {
  const hashes: string[] = [];
  const { resolve } = world.world;
  world.world.resolve = async () => {
    const { bolt11: text, paymentHash } = world.node.invoice({ nowMs: world.clock.nowMs() });
    hashes.push(paymentHash);
    const expiresAtMs = world.clock.nowMs() + 3_600_000;
    const facts = { network: 'regtest', payee: null, amountMsat: AMOUNT, expiresAtMs } as const;
    return { ok: true, invoice: { text, paymentHash, facts } };
  };
  const more = { amount: '0.00100000', currency: 'BTC', lightning: { strategy } };
  const made = await world.create(store, `someone${randomUUID().slice(0, 8)}@example.com`, more);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const id = String(made.body.id);
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  await world.work();
  for (let round = 0; round < 40 && hashes.length < 2; round++) {
    await rounds(1, 5_000);
    if ((await world.attempts(store, id))[0]?.state === 'failed') {
      world.node.behaviour = { do: 'hold' };
    }
  }
  const [first = '', second = ''] = hashes;
  await rounds(1);
  expect((await world.payout(store, id)).state).toBe('in_flight');
  world.node.end(first, 'succeed');
  await watch();
  // The second one can not be called back: it goes on, and what has left is booked.
  expect((await world.payout(store, id)).state).toBe('in_flight');
  expect(await world.book(store)).toMatchObject({ channels: PAID.channels, isSound: true });
  world.node.end(second, 'fail');
  await rounds(8);
  expect(await world.payout(store, id)).toMatchObject({
    ...{ state: 'final', lightning: { paymentHash: first } },
  });
  expect(await world.book(store)).toEqual(PAID);
  world.world.resolve = resolve;
});
