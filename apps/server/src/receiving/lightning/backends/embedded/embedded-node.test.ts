import { startLightning } from '../../../../../../../tests/support/lightning.ts';
import { startRegtest } from '../../../../../../../tests/support/regtest.ts';
import { lightningContract } from '../contract-suite.ts';

lightningContract('the embedded node', async () => {
  const regtest = await startRegtest();
  const network = await startLightning(regtest, {
    names: ['alice', 'bob', 'carol'],
    channels: null,
  });
  const [alice, bob, carol] = [network.get('alice'), network.get('bob'), network.get('carol')];
  await network.openChannel(alice, bob, { capacitySats: 4_000_000n });
  await network.openChannel(bob, carol, { capacitySats: 500_000n });
  return {
    ...{ node: alice.node, peer: bob, far: carol },
    kill: alice.kill,
    async start() {
      await alice.restart();
      await alice.untilUsable();
    },
    async stop() {
      await network.stop();
      await regtest.stop();
    },
  };
});
