import type { PaymentOutcome } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type LightningNetwork,
  startLightning,
  type TestLightningNode,
  until,
} from '../support/lightning.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';

// What becomes of channels and of the money in them when the chain moves.

const CAPACITY_SATS = 1_000_000n;
/** The delay of LDK's own side after a forced close, and a few blocks for the sweep. */
const FORCED_CLOSE_BLOCKS = 160;
/** What closing costs at most at the fixed fee rate: two transactions of a few hundred bytes. */
const MOST_FEES_SATS = 5_000n;
let regtest: Regtest;
let network: LightningNetwork;
let alice: TestLightningNode;
let bob: TestLightningNode;

beforeAll(async () => {
  regtest = await startRegtest();
  network = await startLightning(regtest, { channels: null });
  [alice, bob] = [network.get('alice'), network.get('bob')];
}, 120_000);
afterAll(async () => {
  await network?.stop();
  await regtest?.stop();
}, 60_000);

const open = () => network.openChannel(alice, bob, { capacitySats: CAPACITY_SATS });
const onchain = async (node: TestLightningNode) => (await node.node.balances()).onchainSats;

async function payBob(amountMsat = 10_000_000n): Promise<void> {
  const { bolt11, paymentHash } = await bob.invoice({ amountMsat });
  const outcome = await alice.node.pay({
    ...{ destination: { bolt11 }, paymentHash, amountMsat, maxFeeMsat: 0n },
    ...{ timeoutMs: 30_000, waitMs: 30_000 },
  });
  expect(outcome).toMatchObject({ state: 'succeeded' });
}

async function untilInMempool(): Promise<void> {
  await until('a transaction in the mempool', async () => {
    const waiting = await regtest.rpc.call<string[]>('getrawmempool');
    return waiting.length > 0;
  });
}

/** Each side has got its part of the channel on the chain, less fees. */
async function expectBack(before: readonly bigint[], parts: readonly bigint[]): Promise<void> {
  for (const [i, node] of [alice, bob].entries()) {
    const gained = (await onchain(node)) - (before[i] ?? 0n);
    const part = parts[i] ?? 0n;
    expect(gained).toBeLessThanOrEqual(part);
    expect(gained).toBeGreaterThanOrEqual(part - MOST_FEES_SATS);
  }
}

describe('a channel', { timeout: 180_000 }, () => {
  test('goes on through a reorganisation, and through a restart of the chain’s node', async () => {
    await open();
    await payBob();
    await network.mine(6);
    const tip = await regtest.rpc.call<number>('getblockcount');
    const hash = await regtest.rpc.call<string>('getblockhash', [tip - 2]);
    await regtest.rpc.call('invalidateblock', [hash]);
    await network.mine(5);
    await payBob();
    // Has the node write what it knows: alone on its chain, it could get lost blocks from nobody.
    await regtest.rpc.call('gettxoutsetinfo');
    await regtest.crashNode();
    await payBob();
    await network.mine(1);
    await payBob();
    expect(await alice.node.channels()).toHaveLength(1);
  });

  test('that both sides close pays each its part into its wallet', async () => {
    const [channel] = await alice.node.channels();
    const before = [await onchain(alice), await onchain(bob)];
    await alice.client.call('close-channel', { channelId: channel?.id ?? '', force: false });
    await untilInMempool();
    await network.mine(1);
    const local = (channel?.localMsat ?? 0n) / 1_000n;
    await expectBack(before, [local, CAPACITY_SATS - local]);
    expect(await alice.node.channels()).toEqual([]);
    expect(await alice.node.balances()).toMatchObject({ channelsMsat: 0n, sendableMsat: 0n });
  });

  test('that is closed by force pays each its part into its wallet, after the delay', async () => {
    const before = [await onchain(alice), await onchain(bob)];
    const { id } = await open();
    const afterFunding = await onchain(alice);
    await payBob();
    // What funding the channel cost is no part of the closing.
    before[0] = afterFunding;
    const [channel] = await alice.node.channels();
    await alice.client.call('close-channel', { channelId: id, force: true });
    await untilInMempool();
    for (let blocks = 0; blocks < FORCED_CLOSE_BLOCKS; blocks += 10) await network.mine(10);
    const local = (channel?.localMsat ?? 0n) / 1_000n;
    await until('the sweep', async () => {
      await network.mine(1);
      return (await onchain(alice)) > afterFunding;
    });
    await expectBack(before, [local, CAPACITY_SATS - local]);
    const { closingSats } = await alice.client.call('balances', {});
    expect(closingSats).toBe('0');
  });

  test('that is public is found by others without any hint', async () => {
    const carol = await network.addNode('carol');
    await network.openChannel(alice, bob, { capacitySats: CAPACITY_SATS, isPublic: true });
    await network.openChannel(bob, carol, { capacitySats: CAPACITY_SATS, isPublic: true });
    let outcome: PaymentOutcome = { state: 'not_found' };
    const isPaid = async (): Promise<boolean> => {
      await network.mine(1);
      const { bolt11, paymentHash } = await carol.invoice({ withHints: false });
      outcome = await alice.node.pay({
        ...{ destination: { bolt11 }, paymentHash, amountMsat: 100_000n, maxFeeMsat: 5_000n },
        ...{ timeoutMs: 30_000, waitMs: 30_000 },
      });
      return outcome.state === 'succeeded';
    };
    await until('a payment over what gossip told', isPaid).catch(() => undefined);
    expect(outcome).toMatchObject({ state: 'succeeded' });
  });
});
