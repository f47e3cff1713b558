import * as nodeCrypto from 'node:crypto';
import { argon2id } from '@noble/hashes/argon2.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** Cost of one guess at the passphrase (RFC 9106): stored with the vault. */
export type KdfCost = { memoryKiB: number; passes: number };

/**
 * 64 MiB and three passes, RFC 9106's second choice: about 0.2 s with the runtime's own Argon2 and
 * a few seconds in plain JavaScript.
 */
export const DEFAULT_COST: KdfCost = { memoryKiB: 65_536, passes: 3 };
/** What a vault may ask of the machine that unlocks it. */
export const MAX_COST: KdfCost = { memoryKiB: 1_048_576, passes: 16 };

const KEY_BYTES = 32;

/** Argon2id of a passphrase. Node has it from 24.7 on; older ones take the audited JavaScript. */
export function stretch(passphrase: Uint8Array, salt: Uint8Array, cost: KdfCost): Uint8Array {
  const { memoryKiB: memory, passes } = cost;
  if (typeof nodeCrypto.argon2Sync === 'function') {
    const key = nodeCrypto.argon2Sync('argon2id', {
      ...{ message: passphrase, nonce: salt, parallelism: 1 },
      ...{ tagLength: KEY_BYTES, memory, passes },
    });
    return new Uint8Array(key.buffer, key.byteOffset, key.byteLength);
  }
  return stretchInJavaScript(passphrase, salt, cost);
}

/** The same in plain JavaScript. */
export function stretchInJavaScript(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { memoryKiB, passes }: KdfCost,
): Uint8Array {
  return argon2id(passphrase, salt, { t: passes, m: memoryKiB, p: 1, dkLen: KEY_BYTES });
}

/** A key of its own for each purpose, from a secret that is random already (RFC 5869). */
export function derive(secret: Uint8Array, salt: Uint8Array, purpose: string): Uint8Array {
  return hkdf(sha256, secret, salt, new TextEncoder().encode(`quittance-signer/${purpose}`), 32);
}
