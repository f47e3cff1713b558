import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { armFaultPointForTest } from '../../../platform/fault-points.ts';
import { recoverAttempts, trackAttempts } from '../../lightning/index.ts';
import type { Behaviour } from './fake-node.test-support.ts';
import { attemptDepsOf, createLightningPayments } from './run-due.ts';
import { type LightningWorld, never, startLightningWorld } from './world.test-support.ts';

const AMOUNT = 100_000_000n;
const BEFORE = {
  available: 1_000_000_000n,
  ...{ reserved: 0n, inTransit: 0n, channels: 0n, isSound: true },
};
/** What a killed process leaves behind: everything that was committed, and nothing else. */
class Killed extends Error {}

let world: LightningWorld;
beforeAll(async () => {
  world = await startLightningWorld();
});
afterEach(() => armFaultPointForTest(null));
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  await world.stop();
});

const points = [
  'payout-told-uncommitted',
  'lightning-attempt-uncommitted',
  'lightning-attempt-committed',
  'lightning-sent-unsaved',
  'lightning-ended-uncommitted',
  'lightning-ended-saved',
  'lightning-again-committed',
  'lightning-tracked-unsaved',
] as const;
const behaviours: readonly Behaviour[] = [
  { do: 'succeed' },
  { do: 'fail', failureClass: 'no_route' },
  { do: 'hold' },
  { do: 'lose_answer', what: 'succeed' },
  { do: 'lose_answer', what: 'hold' },
  { do: 'lose_request' },
];

/** A worker that starts anew: nothing of the one before is remembered. */
async function restart(): Promise<void> {
  await recoverAttempts(world.deps);
  for (let round = 0; round < 12; round++) {
    const payments = createLightningPayments(world.deps);
    await payments.runDue(never);
    await payments.settle();
    await trackAttempts(attemptDepsOf(world.deps), never).catch(dead);
    world.advance(20_000);
  }
}

function dead(error: unknown): void {
  if (!(error instanceof Killed)) throw error;
}

test.each(points.flatMap((point) => behaviours.map((behaviour) => ({ point, behaviour }))))(
  'payout-crash-while-paying: killed at $point with a node that would $behaviour.do, it is paid once or not at all',
  async ({ point, behaviour }) => {
    world.node.behaviour = behaviour;
    world.node.given.length = 0;
    const store = await world.openStore();
    const { bolt11, paymentHash } = world.node.invoice({ nowMs: world.clock.nowMs() });
    const strategy = { kind: 'immediate', maxAttempts: 2, giveUpAfterSeconds: 300 };
    const { id } = (await world.create(store, bolt11, { lightning: { strategy } })).body;
    await world.decide(store, id, 'approve');
    await world.decide(store, id, 'pay');
    let struck = 0;
    armFaultPointForTest({
      name: point,
      strike: () => {
        struck++;
        throw new Killed(point);
      },
    });
    await restart();
    armFaultPointForTest(null);
    // What the node held has its end now, and whoever was killed is back.
    world.node.behaviour = { do: 'succeed' };
    if (world.node.payments.get(paymentHash)?.state === 'in_flight') {
      world.node.end(paymentHash, 'succeed');
    }
    for (let hour = 0; hour < 3; hour++) {
      await restart();
      world.advance(1_800_000);
    }
    const payout = await world.payout(store, id);
    const wasPaid = world.node.payments.get(paymentHash)?.state === 'succeeded';
    expect(payout.state, `${payout.reason?.code} after ${struck} kill(s)`).toBe(
      wasPaid ? 'final' : 'failed',
    );
    const book = await world.book(store);
    if (!wasPaid) expect(book).toEqual(BEFORE);
    else {
      const feeMsat = BigInt(payout.lightning.feeMsat);
      expect(book).toEqual({
        ...BEFORE,
        available: BEFORE.available - AMOUNT - feeMsat,
        channels: -AMOUNT - feeMsat,
      });
    }
    const attempts = await world.attempts(store, id);
    expect(attempts.filter(({ state }) => state === 'succeeded')).toHaveLength(wasPaid ? 1 : 0);
    expect(attempts.filter(({ state }) => state === 'open')).toHaveLength(0);
  },
);
