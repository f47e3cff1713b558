import { HDKey } from '@scure/bip32';
import { type Network, networks } from '@quittance/bitcoin';
import { createBase58check } from '@scure/base';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  entropyToMnemonic,
  generateMnemonic,
  mnemonicToSeedSync,
  validateMnemonic,
} from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { SignerSetupError } from '../errors.ts';
import type { RootSecret } from './vault.ts';

const base58check = createBase58check(sha256);
/** BIP32: version, depth, fingerprint, child number, chain code, key. */
const EXTENDED_KEY_BYTES = 78;
const DEPTH_OFFSET = 4;
const KEY_DATA_OFFSET = 45;
/** 24 words. */
const ENTROPY_BITS = 256;

/** The master key of BIP32. The caller wipes it with `wipePrivateData`. */
export function masterKey(root: RootSecret, network: Network): HDKey {
  const { extendedPublicVersion, extendedPrivateVersion } = networks[network];
  const versions = { private: extendedPrivateVersion, public: extendedPublicVersion };
  if (root.kind === 'seed') return HDKey.fromMasterSeed(root.bytes, versions);
  return HDKey.fromExtendedKey(base58check.encode(root.bytes), versions);
}

/** New words. They are the backup: whoever has them has the money. */
export function newWords(): string {
  return generateMnemonic(wordlist, ENTROPY_BITS);
}

/** Words that stand for given entropy; for tests with known vectors. */
export function wordsOf(entropy: Uint8Array): string {
  return entropyToMnemonic(entropy, wordlist);
}

/**
 * Reads what a person keeps as a backup: BIP39 words (English), or an extended private key of the
 * master. No message repeats any of it.
 * @throws {SignerSetupError}
 */
export function readBackup(
  text: string,
  { network, bip39Passphrase = '' }: { network: Network; bip39Passphrase?: string },
): RootSecret {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (/^[a-zA-Z]{4}[1-9A-HJ-NP-Za-km-z]{100,110}$/.test(trimmed)) {
    if (bip39Passphrase !== '') {
      throw new SignerSetupError('a BIP39 passphrase belongs to words, not to an extended key');
    }
    return readMasterKey(trimmed, network);
  }
  return readWords(trimmed.toLowerCase(), bip39Passphrase);
}

function readWords(text: string, bip39Passphrase: string): RootSecret {
  const words = text.split(' ');
  if (![12, 15, 18, 21, 24].includes(words.length)) {
    throw new SignerSetupError(
      `a seed has 12, 15, 18, 21 or 24 words; these are ${text === '' ? 0 : words.length}`,
    );
  }
  const wrong = words.flatMap((word, i) => (wordlist.includes(word) ? [] : [i + 1]));
  if (wrong.length > 0) {
    const which = wrong.length === 1 ? `word ${wrong[0]} is` : `words ${wrong.join(', ')} are`;
    throw new SignerSetupError(`${which} not in the English list of BIP39: check the spelling`);
  }
  if (!validateMnemonic(text, wordlist)) {
    throw new SignerSetupError(
      "the words' checksum does not fit: one is another word of the list, or their order is wrong",
    );
  }
  return { kind: 'seed', bytes: mnemonicToSeedSync(text, bip39Passphrase) };
}

function readMasterKey(text: string, network: Network): RootSecret {
  const bytes = decode(text);
  if (bytes.length !== EXTENDED_KEY_BYTES) throw notAKey();
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const { extendedPrivateVersion } = networks[network];
  if (version !== extendedPrivateVersion) {
    const others = Object.values(networks).filter(
      (each) => each.extendedPrivateVersion === version,
    );
    const [other] = others;
    if (other === undefined) throw notAKey();
    const name = other.network === 'mainnet' ? 'mainnet' : 'a test network';
    throw new SignerSetupError(`this extended key is for ${name}, the vault for ${network}`);
  }
  if (bytes[KEY_DATA_OFFSET] !== 0) {
    throw new SignerSetupError('this is an extended public key: it can not sign');
  }
  if (bytes[DEPTH_OFFSET] !== 0) {
    throw new SignerSetupError(
      'this extended key is not a master key (its depth is not 0): give the root of the wallet',
    );
  }
  return { kind: 'master-key', bytes };
}

function decode(text: string): Uint8Array {
  try {
    return base58check.decode(text);
  } catch {
    throw new SignerSetupError('the extended key has a typing mistake: its checksum does not fit');
  }
}

function notAKey(): SignerSetupError {
  return new SignerSetupError('this is neither BIP39 words nor an extended private key (xprv)');
}
