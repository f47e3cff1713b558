import { systemClock } from '@quittance/kernel';
import { startClnRest } from '../../../../../../../tests/support/cln-rest.ts';
import { startEmbeddedWorld } from '../../../../../../../tests/support/embedded-world.ts';
import { systemRandom } from '../../../../platform/random.ts';
import { lightningContract } from '../contract-suite.ts';
import { openClnNode } from './index.ts';

lightningContract(
  'Core Lightning (its documented interface in front of an embedded node)',
  async () => {
    const world = await startEmbeddedWorld();
    const cln = await startClnRest(world.backing);
    const node = await openClnNode({
      connection: { url: cln.url, rune: cln.rune, certificate: null },
      ...{ network: 'regtest', clock: systemClock, random: systemRandom },
    });
    return {
      ...{ node, peer: world.bob, far: world.carol },
      async kill() {
        await cln.pause();
        await world.alice.kill();
      },
      async start() {
        await world.alice.restart();
        await world.alice.untilUsable();
        await cln.resume();
      },
      async stop() {
        await node.close();
        await cln.stop();
        await world.stop();
      },
    };
  },
  {
    // Core Lightning keeps no cause, and "failed" may be an attempt of a command that goes on: after
    // a restart it counts when no command of ours can still be trying (cln-payments.test.ts).
    without: ['refused while away'],
  },
);
