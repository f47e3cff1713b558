import { HDKey } from '@scure/bip32';

/** Versions of tpub and tprv, which regtest shares with the other test chains (BIP32). */
const TEST_VERSIONS = { public: 0x043587cf, private: 0x04358394 };

/** A public wpkh descriptor of a wallet made from `seed`; another seed, another wallet. */
export function regtestDescriptor(seed: number): string {
  const bytes = new Uint8Array(32).fill(seed & 0xff);
  bytes[0] = (seed >>> 8) & 0xff;
  const account = HDKey.fromMasterSeed(bytes, TEST_VERSIONS).derive("m/84'/1'/0'");
  return `wpkh(${account.publicExtendedKey}/<0;1>/*)`;
}
