import { secp256k1 } from '@noble/curves/secp256k1.js';
import { toHex } from '@quittance/kernel';
import { base32nopad } from '@scure/base';
import { hash256 } from '../hashes.ts';

/** What Lightning nodes put before a message that they sign, so that it can be nothing else. */
const PREFIX = 'Lightning Signed Message:';
/** A header that tells which key made it, and 64 bytes. */
const SIGNATURE_BYTES = 65;
/** 27 as `signmessage` of Bitcoin Core begins, and 4 for a compressed key. */
const FIRST_HEADER = 31;

/** z-base-32: letters that are told apart when read aloud, and the same five bits in RFC 4648. */
const LETTERS = 'ybndrfg8ejkmcpqxot1uwisza345h769';
const RFC_4648 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Whether a Lightning node signed a message, as LND, Core Lightning, Eclair and LDK sign
 * (`signmessage`): the public key is recovered from the signature.
 * @param claim.node the node's public key in hexadecimal
 * @param claim.signature z-base-32
 */
export function verifyNodeMessage(claim: {
  node: string;
  message: string;
  signature: string;
}): boolean {
  const bytes = decode(claim.signature.trim().toLowerCase());
  if (bytes?.length !== SIGNATURE_BYTES) return false;
  const recovery = (bytes[0] ?? 0) - FIRST_HEADER;
  if (recovery < 0 || recovery > 3) return false;
  const digest = hash256(new TextEncoder().encode(PREFIX + claim.message));
  const recoverable = Uint8Array.of(recovery, ...bytes.subarray(1));
  try {
    const key = secp256k1.recoverPublicKey(recoverable, digest, { prehash: false });
    return toHex(key) === claim.node.toLowerCase();
  } catch {
    // No key can have made it.
    return false;
  }
}

function decode(text: string): Uint8Array | null {
  const letters = Array.from(text, (letter) => RFC_4648[LETTERS.indexOf(letter)]);
  if (letters.includes(undefined)) return null;
  try {
    return base32nopad.decode(letters.join(''));
  } catch {
    return null;
  }
}
