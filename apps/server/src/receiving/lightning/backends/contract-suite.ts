import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failingCases } from './contract/failing.ts';
import { payingCases } from './contract/paying.ts';
import { receivingCases } from './contract/receiving.ts';
import type { ContractOptions, LightningWorld } from './contract/world.ts';

export type {
  ContractOptions,
  FailureCase,
  LightningWorld,
  WorldPeer,
} from './contract/world.ts';

/** Nodes start and fund channels. */
const START_MS = 120_000;
const TEST_MS = 90_000;

/**
 * What every backend must keep (ADR 0014), tried against real nodes. A test calls it at its top
 * level.
 */
export function lightningContract(
  name: string,
  makeWorld: () => Promise<LightningWorld>,
  options: ContractOptions = {},
): void {
  describe(`${name} keeps the contract of Lightning nodes:`, { timeout: TEST_MS }, () => {
    let world: LightningWorld | undefined;
    const current = (): LightningWorld => {
      if (world === undefined) throw new Error('the world was not made');
      return world;
    };
    beforeAll(async () => {
      world = await makeWorld();
    }, START_MS);
    afterAll(async () => {
      await world?.stop();
    }, START_MS);

    describe('the node', () => {
      test('says who and where it is', async () => {
        const info = await current().node.info();
        expect(info).toMatchObject({ network: 'regtest', synced: true });
        expect(info.nodeId).toMatch(/^0[23][0-9a-f]{64}$/);
        expect(info.blockHeight).toBeGreaterThan(100);
        expect(info.version).not.toBe('');
      });

      test('tells its channels so that sides and sums agree', async () => {
        const { node, peer } = current();
        const balances = await node.balances();
        expect(balances.inFlightMsat).toBe(0n);
        if (!node.capabilities.channels) return;
        const channels = await node.channels();
        expect(channels.map(({ peerId }) => peerId)).toContain(peer.nodeId);
        for (const channel of channels) {
          expect(channel.isActive).toBe(true);
          expect(typeof channel.isPublic).toBe('boolean');
          expect(channel.localMsat + channel.remoteMsat).toBeLessThanOrEqual(channel.capacityMsat);
          expect(channel.sendableMsat).toBeLessThanOrEqual(channel.localMsat);
          expect(channel.receivableMsat).toBeLessThanOrEqual(channel.remoteMsat);
        }
        const local = channels.reduce((sum, { localMsat }) => sum + localMsat, 0n);
        expect(balances.channelsMsat).toBe(local);
      });
    });
    receivingCases(current, options);
    payingCases(current, options);
    failingCases(current, options);
  });
}
