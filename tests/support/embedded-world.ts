import type { LightningNode } from '../../apps/server/src/receiving/lightning/lightning-node.ts';
import { type LightningNetwork, startLightning, type TestLightningNode } from './lightning.ts';
import { startRegtest } from './regtest.ts';

export type EmbeddedWorld = {
  readonly network: LightningNetwork;
  /** What a wallet service or another node's interface stands in front of. */
  readonly alice: TestLightningNode;
  readonly bob: TestLightningNode;
  readonly carol: TestLightningNode;
  readonly backing: LightningNode;
  stop(): Promise<void>;
};

/** alice — bob — carol, with the channels that the contract of Lightning nodes asks for. */
export async function startEmbeddedWorld(): Promise<EmbeddedWorld> {
  const regtest = await startRegtest();
  const network = await startLightning(regtest, {
    ...{ names: ['alice', 'bob', 'carol'], channels: null },
  });
  const [alice, bob, carol] = [network.get('alice'), network.get('bob'), network.get('carol')];
  await network.openChannel(alice, bob, { capacitySats: 4_000_000n });
  await network.openChannel(bob, carol, { capacitySats: 500_000n });
  return {
    ...{ network, alice, bob, carol, backing: alice.node },
    async stop() {
      await network.stop();
      await regtest.stop();
    },
  };
}
