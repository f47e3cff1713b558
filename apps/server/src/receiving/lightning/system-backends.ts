import type { Clock, Random } from '@quittance/kernel';
import type { Backends } from './backends.ts';
import { openClnNode } from './backends/cln/index.ts';
import { createEmbeddedNode } from './backends/embedded/index.ts';
import { createLndNode } from './backends/lnd/index.ts';
import { openNwcNode } from './backends/nwc/index.ts';
import type { LightningInfo } from './lightning-node.ts';

/**
 * The clients of real nodes, by kind.
 * @param options.embeddedSocket of the node that this server has started; null: it has started none
 */
export function systemBackends(options: {
  network: string;
  embeddedSocket: string | null;
  clock: Clock;
  random: Random;
}): Backends {
  const { embeddedSocket: socketPath, clock, random } = options;
  const network = lightningNetworkOf(options.network);
  return {
    lnd: ({ url, macaroon, certificate = null }) =>
      createLndNode({ connection: { url, macaroon, certificate }, network, clock }),
    cln: ({ url, rune, certificate = null }) =>
      openClnNode({ connection: { url, rune, certificate }, network, clock, random }),
    nwc: ({ connectionUri }) =>
      openNwcNode({ connection: { connectionUri }, network, clock, random }),
    ...(socketPath === null ? {} : { embedded: () => createEmbeddedNode({ socketPath }) }),
  };
}

/** Nodes call every public test network testnet. */
export function lightningNetworkOf(network: string): LightningInfo['network'] {
  switch (network) {
    case 'mainnet':
    case 'signet':
    case 'regtest':
      return network;
    default:
      return 'testnet';
  }
}
