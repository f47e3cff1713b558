import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hash160, hash256 } from '../hashes.ts';
import { ByteWriter } from '../transaction-writer.ts';

const PREFIX = new TextEncoder().encode('Bitcoin Signed Message:\n');
/** 27 to 30 for keys of 65 bytes, 31 to 34 for compressed ones. */
const FIRST_HEADER = 27;
const COMPRESSED = 4;
export const LEGACY_SIGNATURE_BYTES = 65;

/** What `signmessage` signs. */
export function legacyMessageHash(message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  return hash256(new ByteWriter().vector(PREFIX).vector(text).finish());
}

/**
 * Verifies a signature of bitcoind's `signmessage`, which is for P2PKH addresses only: the key is
 * recovered from it, and must have the address's hash.
 */
export function verifyLegacyMessage(
  message: string,
  signature: Uint8Array,
  keyHash: Uint8Array,
): boolean {
  const header = (signature[0] ?? 0) - FIRST_HEADER;
  if (signature.length !== LEGACY_SIGNATURE_BYTES || header < 0 || header > 7) return false;
  const recovered = Uint8Array.of(header & 3, ...signature.subarray(1));
  try {
    const digest = legacyMessageHash(message);
    const key = secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
    const isCompressed = header >= COMPRESSED;
    const publicKey = secp256k1.Point.fromBytes(key).toBytes(isCompressed);
    return hash160(publicKey).every((byte, i) => byte === keyHash[i]);
  } catch {
    // No key fits such a signature.
    return false;
  }
}
