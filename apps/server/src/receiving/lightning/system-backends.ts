import { lightningNetworkOf, type Network } from '@quittance/bitcoin';
import type { Clock, Random } from '@quittance/kernel';
import type { Backends } from './backends.ts';
import { openClnNode } from './backends/cln/index.ts';
import { createEmbeddedNode } from './backends/embedded/index.ts';
import { createLndNode } from './backends/lnd/index.ts';
import { openNwcNode } from './backends/nwc/index.ts';

/**
 * The clients of real nodes, by kind.
 * @param options.embeddedSocket of the node that this server has started; null: it has started none
 */
export function systemBackends(options: {
  network: Network;
  embeddedSocket: string | null;
  clock: Clock;
  random: Random;
}): Backends {
  const { embeddedSocket: socketPath, clock, random } = options;
  const common = { network: lightningNetworkOf(options.network), clock };
  return {
    lnd: ({ url, macaroon, certificate = null }) =>
      createLndNode({ ...common, connection: { url, macaroon, certificate } }),
    cln: ({ url, rune, certificate = null }) =>
      openClnNode({ ...common, random, connection: { url, rune, certificate } }),
    nwc: ({ connectionUri }) => openNwcNode({ ...common, random, connection: { connectionUri } }),
    ...(socketPath === null ? {} : { embedded: () => createEmbeddedNode({ socketPath, clock }) }),
  };
}
