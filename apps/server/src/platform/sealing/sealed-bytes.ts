import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { assert } from '@quittance/kernel';

export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

export const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';
/** 96 bits is GCM's own length; random ones do not meet within any number of secrets of ours. */
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Which way it was sealed, so that another way can be told from it one day. */
const VERSION = 1;

/**
 * Seals bytes under a key of 32 bytes: nobody without it reads them, and nobody changes them or puts
 * them in another place unseen.
 * @param context what they belong to; they open for nothing else
 */
export function sealBytes(key: Uint8Array, bytes: Uint8Array, context: string): Uint8Array {
  assert(key.length === KEY_BYTES, 'sealBytes: the key has 32 bytes');
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv);
  cipher.setAAD(Buffer.from(context));
  const data = [cipher.update(bytes), cipher.final()];
  return Buffer.concat([Buffer.from([VERSION]), iv, cipher.getAuthTag(), ...data]);
}

/** @throws {UnsealError} when it was sealed under another key or for something else, or was changed */
export function unsealBytes(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  try {
    if (sealed[0] !== VERSION) throw new Error('sealed in another way');
    const iv = sealed.subarray(1, 1 + IV_BYTES);
    const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES));
    const data = sealed.subarray(1 + IV_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch (cause) {
    throw new UnsealError('what is sealed can not be opened with this key', { cause });
  }
}
