import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type LightningStore,
  type LightningWorld,
  startLightningWorld,
} from './world.test-support.ts';

let world: LightningWorld;
beforeAll(async () => {
  world = await startLightningWorld();
});
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  expect(world.logged.filter(({ level }) => level === 'error')).toEqual([]);
  await world.stop();
});

async function storeWithProcessor(settings: object = {}) {
  world.node.behaviour = { do: 'succeed' };
  world.node.given.length = 0;
  const store = await world.openStore();
  const body = { kind: 'lightning', ...settings };
  const made = await world.api.send('POST', '/v1/payout-processors', { key: store.key, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return { ...store, processorId: String(made.body.id) };
}

async function approved(store: LightningStore, amountMsat = 100_000_000n): Promise<string> {
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs(), amountMsat });
  const { id } = (await world.create(store, bolt11)).body;
  await world.decide(store, id, 'approve');
  return String(id);
}

const change = (store: { key: string; processorId: string }, body: object) =>
  world.api.send('PATCH', `/v1/payout-processors/${store.processorId}`, { key: store.key, body });

test('a processor pays what is approved at once, and says that it did', async () => {
  const store = await storeWithProcessor();
  const id = await approved(store);
  await world.work();
  const { processorId } = store;
  const origin = 'processor_auto';
  expect(await world.payout(store, id)).toMatchObject({ state: 'final', origin, processorId });
});

test('a pause stops it, and what it may not pay waits with the reason', async () => {
  const store = await storeWithProcessor({
    limits: { perPayoutMaxSats: '150000', perDayMaxSats: '250000' },
    paused: true,
  });
  const first = await approved(store);
  await world.work();
  expect((await world.payout(store, first)).state).toBe('approved');
  expect((await change(store, { paused: false })).status).toBe(200);
  const large = await approved(store, 160_000_000n);
  const second = await approved(store);
  const third = await approved(store);
  await world.work();
  await world.work();
  const states = await Promise.all([first, second, third].map((id) => world.payout(store, id)));
  expect(states.filter(({ state }) => state === 'final')).toHaveLength(2);
  const waiting = states.filter(({ state }) => state === 'approved');
  expect(waiting).toMatchObject([{ reason: { code: 'limit_per_day' } }]);
  expect(await world.payout(store, large)).toMatchObject({
    ...{ state: 'approved', reason: { code: 'limit_per_payout' } },
  });
  // A person may still have it paid.
  await world.decide(store, large, 'pay');
  await world.work();
  expect(await world.payout(store, large)).toMatchObject({ state: 'final', origin: 'manual' });
});

test('no more are under way than it may have, however many workers there are', async () => {
  const store = await storeWithProcessor({ concurrency: 2 });
  world.node.behaviour = { do: 'hold' };
  for (let i = 0; i < 5; i++) await approved(store, 1_000_000n);
  const { createLightningPayments } = await import('./run-due.ts');
  const workers = [1, 2, 3].map(() => createLightningPayments(world.deps));
  for (let round = 0; round < 3; round++) {
    await Promise.all(workers.map((worker) => worker.runDue(new AbortController().signal)));
    await Promise.all(workers.map((worker) => worker.settle()));
  }
  expect(world.node.given).toHaveLength(2);
});

test('deny-list, allow-list and kinds hold back, and say so', async () => {
  const store = await storeWithProcessor({
    destinations: { kinds: ['lightning_address'], allow: null, deny: ['bad.example'] },
  });
  const invoice = await approved(store);
  const made = await world.create(store, 'eve@bad.example', { amount: '100', currency: 'SAT' });
  await world.decide(store, made.body.id, 'approve');
  const resolve = world.world.resolve;
  const { bolt11, paymentHash } = world.node.invoice({
    ...{ nowMs: world.clock.nowMs(), amountMsat: 100_000n },
  });
  const expiresAtMs = world.clock.nowMs() + 3_600_000;
  const facts = { network: 'regtest', payee: null, amountMsat: 100_000n, expiresAtMs } as const;
  world.world.resolve = async () => ({ ok: true, invoice: { text: bolt11, paymentHash, facts } });
  await world.work();
  world.world.resolve = resolve;
  for (const id of [invoice, made.body.id]) {
    expect(await world.payout(store, id)).toMatchObject({
      ...{ state: 'approved', reason: { code: 'destination_not_allowed' }, attempts: 0 },
    });
  }
  expect(world.node.given).toEqual([]);
  const dry = `/v1/payout-processors/${store.processorId}/dry-run`;
  await world.decide(store, invoice, 'retry');
  const shown = await world.api.send('POST', dry, { key: store.key });
  expect(shown.body.payouts).toMatchObject([
    { payoutId: invoice, action: 'hold', reason: 'destination_not_allowed' },
  ]);
  expect((await world.payout(store, invoice)).attempts).toBe(0);
});

test('settings of the other kind, and strategies that contradict themselves, are refused', async () => {
  const store = await storeWithProcessor();
  expect((await change(store, { batchSize: 3 })).status).toBe(400);
  const tiers = [
    { pauses: 1, pauseSeconds: 60 },
    { pauses: 1, pauseSeconds: 5 },
  ];
  expect((await change(store, { strategy: { kind: 'tiered', tiers } })).status).toBe(400);
  const strategy = { kind: 'immediate', maxAttempts: 3 };
  const changed = await change(store, { strategy });
  expect(changed.body.strategy).toMatchObject({ kind: 'immediate', maxAttempts: 3 });
  const again = await world.api.send('POST', '/v1/payout-processors', {
    ...{ key: store.key, body: { kind: 'lightning' } },
  });
  expect(again.status).toBe(409);
});

test('a preview shows the schedule, and attempts tell their history to their own store alone', async () => {
  const store = await storeWithProcessor();
  const shown = await world.api.send('POST', '/v1/lightning/strategies/preview', {
    ...{ key: store.key, body: { strategy: { kind: 'tiered' } } },
  });
  expect(shown.status).toBe(200);
  expect(shown.body.attempts).toHaveLength(10);
  world.node.behaviour = { do: 'fail', failureClass: 'insufficient_capacity' };
  const id = await approved(store);
  await world.work();
  const read = (key: string) => world.api.send('GET', `/v1/payouts/${id}/attempts`, { key });
  expect((await read(store.key)).body.data).toMatchObject([
    { number: 1, state: 'failed', failure: { failureClass: 'insufficient_capacity' } },
  ]);
  const stranger = await world.openStore();
  expect((await read(stranger.key)).status).toBe(404);
});
