import { createHash, createHmac, hash } from 'node:crypto';
import { ripemd160 } from '@noble/hashes/legacy.js';

// The runtime's own SHA-2 is several times faster than any written in JavaScript, and a block's
// merkle root needs thousands of them. RIPEMD-160 is not in every build of OpenSSL.

/** SHA-256 of the bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return plain(hash('sha256', bytes, 'buffer'));
}

/** SHA-256 applied twice, as Bitcoin names its blocks and transactions. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return sha256(hash('sha256', bytes, 'buffer'));
}

/** {@link hash256} of several pieces as if they were one. */
export function hash256OfParts(parts: readonly Uint8Array[]): Uint8Array {
  return hash256(Buffer.concat(parts));
}

/** RIPEMD-160 of SHA-256: the 20 bytes inside P2PKH, P2SH and P2WPKH scripts. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes));
}

/** Tagged hash of BIP340: SHA-256(SHA-256(tag) ‖ SHA-256(tag) ‖ message). */
export function taggedHash(tag: string, message: Uint8Array): Uint8Array {
  const tagHash = sha256(new TextEncoder().encode(tag));
  return plain(createHash('sha256').update(tagHash).update(tagHash).update(message).digest());
}

/** HMAC-SHA512: 64 bytes. */
export function hmacSha512(key: Uint8Array, message: Uint8Array): Uint8Array {
  return plain(createHmac('sha512', key).update(message).digest());
}

/** A plain view: a Buffer would behave differently in comparisons, slices and JSON. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
