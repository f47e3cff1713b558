import { createBase58check } from '@scure/base';
import { sha256 } from '../hashes.ts';

const base58check = createBase58check(sha256);

/** Fewest words that are taken for a seed phrase: BIP39 begins at 12, and one may be missing. */
const MIN_SEED_WORDS = 11;
/** Size of a BIP32 extended key, and where its key data begins. */
const EXTENDED_KEY_BYTES = 78;
const KEY_DATA_OFFSET = 45;

/**
 * Tells whether the text holds something that can spend, as far as its shape shows: extended
 * private keys (also SLIP132 and mistyped ones), WIF, BIP38, codex32, raw 32-byte keys, seed
 * phrases. It errs on the side of yes.
 */
export function holdsPrivateKey(text: string): boolean {
  const words = text.trim().split(/\s+/);
  if (words.length >= MIN_SEED_WORDS && words.every((word) => /^\p{L}+$/u.test(word))) return true;
  // 64 hexadecimal digits are a private key anywhere but in tr(), where they are a public key.
  const mayHoldXOnlyKey = text.includes('tr(');
  return text.split(/[^0-9A-Za-z]+/).some((token) => isPrivateToken(token, mayHoldXOnlyKey));
}

function isPrivateToken(token: string, mayHoldXOnlyKey: boolean): boolean {
  if (/^[a-z]prv[0-9a-z]{16}/i.test(token)) return true;
  if (/^[59][1-9A-HJ-NP-Za-km-z]{50}$/.test(token)) return true; // WIF, uncompressed
  if (/^[KLc][1-9A-HJ-NP-Za-km-z]{51}$/.test(token)) return true; // WIF, compressed
  if (/^6P[1-9A-HJ-NP-Za-km-z]{56}$/.test(token)) return true; // BIP38
  if (/^ms1[0-9a-z]{45,}$/i.test(token)) return true; // BIP93
  if (/^(0x)?[0-9a-f]{64}$/i.test(token)) return !mayHoldXOnlyKey;
  return isPrivateExtendedKey(token);
}

/** An extended key of whatever version is private when its key data begins with zero (BIP32). */
function isPrivateExtendedKey(token: string): boolean {
  if (token.length < 105 || token.length > 115) return false;
  try {
    const bytes = base58check.decode(token);
    return bytes.length === EXTENDED_KEY_BYTES && bytes[KEY_DATA_OFFSET] === 0;
  } catch {
    return false;
  }
}
