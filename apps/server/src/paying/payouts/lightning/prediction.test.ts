import { lightningPredictionSchema } from '@quittance/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  advisePayout,
  forgetOldBuckets,
  learnFromAttempts,
  orderAttempts,
  trackAttempts,
} from '../../lightning/index.ts';
import { attemptDepsOf, createLightningPayments } from './run-due.ts';
import {
  type LightningStore,
  type LightningWorld,
  never,
  startLightningWorld,
} from './world.test-support.ts';

const AMOUNT = 100_000_000n;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Gives up after one attempt what is less likely than not. */
const IMPATIENT = {
  kind: 'tiered',
  prediction: { use: true, giveUpBelowPercent: 50, maxStretchPercent: 100 },
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

const learn = () => learnFromAttempts(world.deps, never);

/** A worker that asks past attempts, as the product's does. */
async function workAdvised(): Promise<void> {
  const deps: typeof world.deps = {
    ...world.deps,
    advise: (tx, payout, asked) =>
      advisePayout(tx, { ...payout, payoutId: payout.id, ...payout.lightning }, asked),
    order: orderAttempts,
  };
  const payments = createLightningPayments(deps);
  await payments.runDue(never);
  await payments.settle();
  await trackAttempts(attemptDepsOf(deps), never);
}

async function paid(store: LightningStore, strategy?: object): Promise<string> {
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() });
  const made = await world.create(
    store,
    bolt11,
    strategy === undefined ? {} : { lightning: { strategy } },
  );
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const id = String(made.body.id);
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  return id;
}

/** Several payouts to the same node that find no way there, an hour apart; each is cancelled. */
async function failSeveral(store: LightningStore, count: number): Promise<void> {
  world.node.behaviour = { do: 'fail', failureClass: 'no_route' };
  for (let n = 0; n < count; n++) {
    const id = await paid(store);
    await world.work();
    await world.decide(store, id, 'cancel');
    world.advance(60 * MINUTE_MS);
  }
}

async function prediction(store: LightningStore, query = '') {
  const answer = await world.api.send('GET', `/v1/lightning/prediction${query}`, {
    key: store.key,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return lightningPredictionSchema.parse(answer.body);
}

async function bucketRows(store: LightningStore) {
  return await world.api.database.asSystem((tx) =>
    tx.query<{ scope: string; key: string; successes: number; failures: number }>(
      `SELECT scope, key, successes, failures FROM prediction_bucket
        WHERE merchant_id = $1 ORDER BY scope, key, band`,
      [store.id],
    ),
  );
}

test('an attempt is learnt once, and shown with its recipient and how good estimates were', async () => {
  world.node.behaviour = { do: 'succeed' };
  const store = await world.openStore();
  expect(await bucketRows(store)).toEqual([]);
  await paid(store);
  await world.work();
  await learn();
  const once = await bucketRows(store);
  expect(once.map(({ scope }) => scope)).toEqual(['destination', 'destination', 'overall']);
  expect(once.every(({ successes, failures }) => successes === 1 && failures === 0)).toBe(true);
  await Promise.all([learn(), learn()]);
  expect(await bucketRows(store)).toEqual(once);
  const recipient = once[0]?.key ?? '';
  const { estimate, calibration } = await prediction(
    store,
    `?destination=${recipient}&amountSats=100000`,
  );
  expect(estimate).toMatchObject({ destination: recipient, confidence: 'low', recentAttempts: 1 });
  expect(calibration).toMatchObject({ attempts: 1, successRate: 1 });
  expect((await prediction(store)).estimate).toBeNull();
});

test('a store sees its own history only', async () => {
  const [one, other] = [await world.openStore(), await world.openStore()];
  world.node.behaviour = { do: 'succeed' };
  await paid(other);
  await world.work();
  await learn();
  expect((await prediction(one)).calibration.attempts).toBe(0);
  expect((await prediction(other)).calibration.attempts).toBe(1);
});

test('what never left us is no experience with the recipient', async () => {
  const store = await world.openStore();
  world.node.behaviour = { do: 'succeed' };
  world.node.sendableMsat = 1n;
  const id = await paid(store);
  await world.work();
  expect(await world.attempts(store, id)).toMatchObject([{ sends: 0, state: 'failed' }]);
  await world.decide(store, id, 'cancel');
  world.node.sendableMsat = 1_000_000_000n;
  await learn();
  expect(await bucketRows(store)).toEqual([]);
});

test('without history it is tried as ever; with bad history once, and its money is free at once', async () => {
  const store = await world.openStore();
  world.node.behaviour = { do: 'fail', failureClass: 'no_route' };
  const first = await paid(store);
  await workAdvised();
  expect(await world.attempts(store, first)).toHaveLength(1);
  await workAdvised();
  expect((await world.payout(store, first)).state).toBe('approved');
  await world.decide(store, first, 'cancel');
  await failSeveral(store, 30);
  await learn();
  const before = (await world.book(store)).available;
  const hopeless = await paid(store, IMPATIENT);
  await workAdvised();
  await workAdvised();
  expect(await world.payout(store, hopeless)).toMatchObject({
    ...{ state: 'failed', attempts: 1, reason: { code: 'unlikely' } },
  });
  expect(await world.book(store)).toMatchObject({ available: before, reserved: 0n });
  world.node.behaviour = { do: 'succeed' };
  const better = await paid(store, IMPATIENT);
  await workAdvised();
  // However bad its history, a payment is tried.
  expect((await world.payout(store, better)).state).toBe('final');
});

test('a time that getting an invoice has used up is not given to the attempt', async () => {
  const store = await world.openStore();
  const { resolve } = world.world;
  const strategy = { kind: 'fast_fail', budgetSeconds: 30 };
  const destination = 'anna@shop.example';
  const send = async (takesMs: number, expirySeconds: number) => {
    world.node.behaviour = { do: 'succeed' };
    world.node.given.length = 0;
    const nowMs = world.clock.nowMs();
    const { bolt11, paymentHash } = world.node.invoice({ nowMs, expirySeconds });
    world.world.resolve = async () => {
      world.advance(takesMs);
      const expiresAtMs = nowMs + expirySeconds * 1_000;
      const facts = { network: 'regtest' as const, payee: null, amountMsat: AMOUNT, expiresAtMs };
      return { ok: true, invoice: { text: bolt11, paymentHash, facts } };
    };
    const more = { amount: '100000', currency: 'SAT', lightning: { strategy } };
    const made = await world.create(store, destination, more);
    const id = String(made.body.id);
    await world.decide(store, id, 'approve');
    await world.decide(store, id, 'pay');
    await world.work();
    return id;
  };
  const slow = await send(10_000, 3_600);
  expect(world.node.given[0]?.timeoutMs).toBeLessThanOrEqual(20_000);
  expect((await world.payout(store, slow)).state).toBe('final');
  const tooSlow = await send(29_001, 3_600);
  expect(world.node.given).toEqual([]);
  await world.work();
  expect(await world.payout(store, tooSlow)).toMatchObject({ state: 'failed', attempts: 0 });
  const short = await send(1, 16);
  expect(world.node.given).toEqual([]);
  expect(await world.attempts(store, short)).toMatchObject([{ failure_class: 'not_resolved' }]);
  world.world.resolve = resolve;
  await world.decide(store, short, 'cancel');
});

/** A store with a processor that pays one at a time. */
async function oneAtATime(): Promise<LightningStore & { processorId: string }> {
  const store = await world.openStore();
  const body = { kind: 'lightning', concurrency: 1, paused: true };
  const made = await world.api.send('POST', '/v1/payout-processors', { key: store.key, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return { ...store, processorId: String(made.body.id) };
}

async function approved(
  store: LightningStore,
  invoice: Partial<Parameters<typeof world.node.invoice>[0]> = {},
): Promise<string> {
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs(), ...invoice });
  const made = await world.create(store, bolt11);
  await world.decide(store, made.body.id, 'approve');
  return made.body.id;
}

test('when not all can be begun, the likely goes before the unlikely that has waited longer', async () => {
  const store = await oneAtATime();
  await failSeveral(store, 5);
  await learn();
  world.node.behaviour = { do: 'hold' };
  const unlikely = await approved(store);
  world.advance(1_000);
  const likely = await approved(store, { payeeKey: new Uint8Array(32).fill(0x77) });
  const path = `/v1/payout-processors/${store.processorId}`;
  await world.api.send('PATCH', path, { key: store.key, body: { paused: false } });
  await workAdvised();
  expect((await world.payout(store, likely)).state).toBe('in_flight');
  expect((await world.payout(store, unlikely)).state).toBe('approved');
});

test('a channel that could not carry makes another recipient behind it unlikely', async () => {
  const store = await world.openStore();
  const shortChannelId = '700x1x0';
  const hop = {
    ...{ nodeId: `02${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}` },
    ...{ shortChannelId, feeBaseMsat: 0n, feeProportionalMillionths: 0, cltvExpiryDelta: 40 },
  };
  const behind = (fill: number) =>
    world.node.invoice({
      ...{ nowMs: world.clock.nowMs(), routeHints: [[hop]] },
      payeeKey: new Uint8Array(32).fill(fill),
    }).bolt11;
  const elsewhere = world.node.invoice({
    ...{ nowMs: world.clock.nowMs(), payeeKey: new Uint8Array(32).fill(0x66) },
  }).bolt11;
  const firstOf = async (destinations: readonly string[]) => {
    const nowMs = world.clock.nowMs();
    const due = destinations.map((destination, i) => {
      return { destination, amountMsat: AMOUNT, dueAtMs: nowMs - 1_000 + i, expiresAtMs: null };
    });
    const ask = world.api.database.asSystem((tx) => orderAttempts(tx, store.id, { due, nowMs }));
    return (await ask)[0]?.destination;
  };
  const other = behind(0x55);
  expect(await firstOf([other, elsewhere])).toBe(other);
  world.node.behaviour = { do: 'fail', failureClass: 'insufficient_capacity', at: shortChannelId };
  const made = await world.create(store, behind(0x44));
  await world.decide(store, made.body.id, 'approve');
  await world.decide(store, made.body.id, 'pay');
  await world.work();
  await world.decide(store, made.body.id, 'cancel');
  await learn();
  expect(await firstOf([other, elsewhere])).toBe(elsewhere);
});

test('what nobody has touched for two months is forgotten', async () => {
  const store = await world.openStore();
  world.node.behaviour = { do: 'succeed' };
  await paid(store);
  await world.work();
  await learn();
  await forgetOldBuckets(world.deps);
  expect(await bucketRows(store)).not.toEqual([]);
  world.advance(61 * DAY_MS);
  await forgetOldBuckets(world.deps);
  expect(await bucketRows(store)).toEqual([]);
});
