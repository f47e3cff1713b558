import type { Network } from '../networks.ts';

/**
 * The chains as Lightning tells them apart (BOLT 11, prefixes of BIP173). Both test networks share
 * `tb`, so an invoice can not say which of them it means.
 */
export type LightningNetwork = 'mainnet' | 'testnet' | 'signet' | 'regtest';

const prefixes: Readonly<Record<LightningNetwork, string>> = {
  mainnet: 'bc',
  testnet: 'tb',
  signet: 'tbs',
  regtest: 'bcrt',
};

/** What follows `ln` at the beginning of an invoice. */
export function invoicePrefix(network: LightningNetwork): string {
  return prefixes[network];
}

/** The network with this prefix, or null when it is not Bitcoin's. */
export function networkOfPrefix(prefix: string): LightningNetwork | null {
  for (const network of ['mainnet', 'testnet', 'signet', 'regtest'] as const) {
    if (prefixes[network] === prefix) return network;
  }
  return null;
}

/** How Lightning names the chain that Quittance runs on. */
export function lightningNetworkOf(network: Network): LightningNetwork {
  return network === 'testnet4' ? 'testnet' : network;
}

/** A chain whose addresses look like those of `network`. */
export function addressNetworkOf(network: LightningNetwork): Network {
  return network === 'testnet' ? 'testnet4' : network;
}
