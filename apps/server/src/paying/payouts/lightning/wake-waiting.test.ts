import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { wakeWaitingPayouts } from './wake-waiting.ts';
import {
  type LightningStore,
  type LightningWorld,
  never,
  startLightningWorld,
} from './world.test-support.ts';

const ENOUGH = 1_000_000_000n;
let world: LightningWorld;
let store: LightningStore;
beforeAll(async () => {
  world = await startLightningWorld();
});
beforeEach(async () => {
  world.node.behaviour = { do: 'succeed' };
  world.node.isReachable = true;
  world.node.sendableMsat = ENOUGH;
  store = await world.openStore();
});
afterAll(async () => {
  expect(world.api.errors).toEqual([]);
  await world.stop();
});

/** A payout that was tried once, by a person's wish. */
async function triedOnce(strategy: object = { kind: 'tiered' }): Promise<string> {
  const { bolt11 } = world.node.invoice({ nowMs: world.clock.nowMs() });
  const { id } = (await world.create(store, bolt11, { lightning: { strategy } })).body;
  await world.decide(store, id, 'approve');
  await world.decide(store, id, 'pay');
  await world.work();
  return String(id);
}

const wake = async () => {
  world.advance(1_000);
  await wakeWaitingPayouts(world.deps, never);
  await world.work();
};

test.each([
  ['the channels can send again', () => (world.node.sendableMsat = 0n)],
  ['the node answers again', () => (world.node.isReachable = false)],
])('a payout that waited for our own side goes on as soon as %s', async (_what, take) => {
  take();
  const id = await triedOnce();
  await wake();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', attempts: 1 });
  world.node.sendableMsat = ENOUGH;
  world.node.isReachable = true;
  await world.work();
  expect((await world.payout(store, id)).state).toBe('approved');
  await wake();
  expect(await world.payout(store, id)).toMatchObject({ state: 'final', attempts: 2 });
});

test('a payout that failed further on waits as its strategy says', async () => {
  world.node.behaviour = { do: 'fail', failureClass: 'peer_offline' };
  const id = await triedOnce();
  world.node.behaviour = { do: 'succeed' };
  await wake();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', attempts: 1 });
});

test('what a person sends is not sent by itself', async () => {
  world.node.sendableMsat = 0n;
  const id = await triedOnce({ kind: 'manual' });
  world.node.sendableMsat = ENOUGH;
  await wake();
  expect(await world.payout(store, id)).toMatchObject({ state: 'approved', attempts: 1 });
});
