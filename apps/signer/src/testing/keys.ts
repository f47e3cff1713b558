import { masterKey, newWords, readBackup } from '../vault/root-key.ts';
import { cosignerKey, HARDENED } from '../wallets.ts';

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
