import { systemClock } from '@quittance/kernel';
import { startEmbeddedWorld } from '../../../../../../../tests/support/embedded-world.ts';
import { startRelay } from '../../../../../../../tests/support/nwc-relay.ts';
import { startWallet } from '../../../../../../../tests/support/nwc-wallet.ts';
import { systemRandom } from '../../../../platform/random.ts';
import { lightningContract } from '../contract-suite.ts';
import { openNwcNode } from './index.ts';

lightningContract(
  'a wallet service (NIP-47, in front of an embedded node)',
  async () => {
    const world = await startEmbeddedWorld();
    let relay = await startRelay();
    const { url } = relay;
    const wallet = await startWallet(relay, world.backing);
    const { connectionUri } = wallet;
    const node = await openNwcNode({
      connection: { connectionUri },
      ...{ network: 'regtest', clock: systemClock, random: systemRandom },
    });
    return {
      ...{ node, peer: world.bob, far: world.carol },
      async kill() {
        wallet.pause();
        await relay.stop();
        await world.alice.kill();
      },
      async start() {
        await world.alice.restart();
        await world.alice.untilUsable();
        relay = await startRelay(Number(new URL(url).port));
        await wallet.resume(relay);
      },
      async stop() {
        await node.close();
        wallet.stop();
        await relay.stop();
        await world.stop();
      },
    };
  },
  {
    failures: {
      // NIP-47 has no limit for fees.
      'a fee limit below the cheapest route': null,
      // It does not show channels, so the case can not see that the peer is away.
      'an own peer who is not connected': null,
    },
    // It tells one balance, no cause of what has failed before, and its invoices have an amount.
    without: ['held', 'refused while away', 'no amount'],
  },
);
