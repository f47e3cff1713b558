import { sha256 } from '@noble/hashes/sha2.js';
import { createBase58check } from '@scure/base';
import { masterKey, newWords, readBackup } from '../vault/root-key.ts';
import { cosignerKey, HARDENED } from '../wallets.ts';

const base58check = createBase58check(sha256);
/** Of private keys on test networks in the wallet import format (chainparams of Bitcoin Core). */
const TEST_KEY_VERSION = 0xef;
/** Says that the public key is a compressed one. */
const COMPRESSED = 0x01;

/** A seed that is thrown away, with its key for a multisig wallet (BIP48). Regtest. */
export function testSeed(): {
  words: string;
  /** "[fingerprint/48h/1h/0h/2h]tpub…/<0;1>/*". */
  publicKey: string;
  /** The same with the private key, for another program to sign with. */
  privateKey: string;
} {
  const words = newWords();
  const master = masterKey(readBackup(words, { network: 'regtest' }), 'regtest');
  const publicKey = cosignerKey(master, 'regtest');
  const path = [48, 1, 0, 2].map((step) => step + HARDENED);
  const account = path.reduce((node, step) => node.deriveChild(step), master);
  const privateKey = publicKey.replace(/tpub[^/]+/, account.privateExtendedKey);
  return { words, publicKey, privateKey };
}

/**
 * The keys of a seed's first P2WPKH wallet (BIP84), in the wallet import format: what the owner's
 * other software has. Regtest.
 */
export function walletKeys(words: string): (place: { branch: 0 | 1; index: number }) => string {
  const master = masterKey(readBackup(words, { network: 'regtest' }), 'regtest');
  const account = [84, 1, 0].reduce((node, step) => node.deriveChild(step + HARDENED), master);
  return ({ branch, index }) => {
    const { privateKey } = account.deriveChild(branch).deriveChild(index);
    if (privateKey === null) throw new Error('a private node has a private key');
    return base58check.encode(Uint8Array.of(TEST_KEY_VERSION, ...privateKey, COMPRESSED));
  };
}
