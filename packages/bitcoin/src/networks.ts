/** The chains that Quittance can run on. Testnet 3 is left out: testnet 4 (BIP94) replaces it. */
export type Network = 'mainnet' | 'testnet4' | 'signet' | 'regtest';

export interface NetworkParameters {
  readonly network: Network;
  /** Human-readable part of segwit addresses (BIP173). */
  readonly bech32Hrp: 'bc' | 'tb' | 'bcrt';
  /** Version byte of base58 addresses that pay to a public key's hash. */
  readonly p2pkhVersion: number;
  /** Version byte of base58 addresses that pay to a script's hash. */
  readonly p2shVersion: number;
  /** Version byte of private keys in wallet import format: known in order to refuse them. */
  readonly wifVersion: number;
  /** Version of BIP32 extended public keys: spells "xpub" or "tpub". */
  readonly extendedPublicVersion: number;
  /** Version of BIP32 extended private keys: known in order to refuse them. */
  readonly extendedPrivateVersion: number;
  /** Hash of block 0 as nodes display it, so that a node can be matched with the configuration. */
  readonly genesisHash: string;
  /** Chain name in bitcoind's `getblockchaininfo`. */
  readonly nodeChain: 'main' | 'testnet4' | 'signet' | 'regtest';
  /** Easiest proof of work that a block may have, in the compact form of a header's `bits`. */
  readonly powLimitBits: number;
}

/** The test chains share the address and key versions; only regtest has its own segwit prefix. */
const TEST_VERSIONS = {
  p2pkhVersion: 0x6f,
  p2shVersion: 0xc4,
  wifVersion: 0xef,
  extendedPublicVersion: 0x043587cf,
  extendedPrivateVersion: 0x04358394,
} as const;

/** Parameters of each network (Bitcoin Core: kernel/chainparams.cpp; testnet 4: BIP94). */
export const networks: Readonly<Record<Network, NetworkParameters>> = {
  mainnet: {
    network: 'mainnet',
    bech32Hrp: 'bc',
    p2pkhVersion: 0x00,
    p2shVersion: 0x05,
    wifVersion: 0x80,
    extendedPublicVersion: 0x0488b21e,
    extendedPrivateVersion: 0x0488ade4,
    genesisHash: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
    nodeChain: 'main',
    powLimitBits: 0x1d00ffff,
  },
  testnet4: {
    network: 'testnet4',
    bech32Hrp: 'tb',
    ...TEST_VERSIONS,
    genesisHash: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043',
    nodeChain: 'testnet4',
    powLimitBits: 0x1d00ffff,
  },
  signet: {
    network: 'signet',
    bech32Hrp: 'tb',
    ...TEST_VERSIONS,
    genesisHash: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
    nodeChain: 'signet',
    powLimitBits: 0x1e0377ae,
  },
  regtest: {
    network: 'regtest',
    bech32Hrp: 'bcrt',
    ...TEST_VERSIONS,
    genesisHash: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    nodeChain: 'regtest',
    powLimitBits: 0x207fffff,
  },
};

/** Tells whether `name` is a network that Quittance knows. */
export function isNetwork(name: string): name is Network {
  return Object.hasOwn(networks, name);
}

/** The network whose first block has this hash (displayed form), or null. */
export function networkOfGenesis(genesisHash: string): Network | null {
  const found = Object.values(networks).find((each) => each.genesisHash === genesisHash);
  return found?.network ?? null;
}
