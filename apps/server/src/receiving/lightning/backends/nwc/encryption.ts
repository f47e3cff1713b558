import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { chacha20 } from '@noble/ciphers/chacha.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Random } from '@quittance/kernel';

/** How the content of events is encrypted: NIP-44 version 2, or NIP-04 for old wallet services. */
export type Encryption = 'nip44_v2' | 'nip04';

/** A message that can not be decrypted: damaged, of another key, or of an unknown version. */
export class DecryptionError extends Error {
  override name = 'DecryptionError';
}

const VERSION = 2;
const NONCE_LENGTH = 32;
const MAC_LENGTH = 32;
const MIN_PLAINTEXT = 1;
const MAX_PLAINTEXT = 65_535;
/** Version, nonce, the least of padded text (2 + 32), MAC. */
const MIN_PAYLOAD = 1 + NONCE_LENGTH + 34 + MAC_LENGTH;
const MAX_PAYLOAD = 1 + NONCE_LENGTH + 2 + 65_536 + MAC_LENGTH;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** x of the point that both sides can compute (NIP-44 and NIP-04 both take it unhashed). */
export function sharedX(secret: string, publicKey: string): Uint8Array {
  const point = secp256k1.getSharedSecret(
    Buffer.from(secret, 'hex'),
    Buffer.from(`02${publicKey}`, 'hex'),
  );
  return point.subarray(1, 33);
}

/** NIP-44: HKDF-extract with the salt "nip44-v2". */
export function conversationKey(secret: string, publicKey: string): Uint8Array {
  return createHmac('sha256', 'nip44-v2').update(sharedX(secret, publicKey)).digest();
}

export function encryptNip44(key: Uint8Array, text: string, random: Random): string {
  const plain = Buffer.from(text, 'utf8');
  if (plain.length < MIN_PLAINTEXT || plain.length > MAX_PLAINTEXT) {
    throw new RangeError(`NIP-44 takes ${MIN_PLAINTEXT} to ${MAX_PLAINTEXT} bytes`);
  }
  const nonce = random(new Uint8Array(NONCE_LENGTH));
  const padded = Buffer.alloc(2 + paddedLength(plain.length));
  padded.writeUInt16BE(plain.length);
  padded.set(plain, 2);
  const keys = messageKeys(key, nonce);
  const sealed = chacha20(keys.cipher, keys.nonce, padded);
  const mac = macOf(keys.mac, nonce, sealed);
  return Buffer.concat([Uint8Array.of(VERSION), nonce, sealed, mac]).toString('base64');
}

/** @throws {DecryptionError} */
export function decryptNip44(key: Uint8Array, payload: string): string {
  if (payload.startsWith('#')) throw new DecryptionError('unknown version of NIP-44');
  // Node's base64 reader leaves out what it does not know.
  if (!BASE64.test(payload) || payload.length % 4 !== 0) throw new DecryptionError('not base64');
  const bytes = Buffer.from(payload, 'base64');
  if (bytes.length < MIN_PAYLOAD || bytes.length > MAX_PAYLOAD) {
    throw new DecryptionError('the message has a wrong length');
  }
  if (bytes[0] !== VERSION) throw new DecryptionError('unknown version of NIP-44');
  const nonce = bytes.subarray(1, 1 + NONCE_LENGTH);
  const sealed = bytes.subarray(1 + NONCE_LENGTH, -MAC_LENGTH);
  const keys = messageKeys(key, nonce);
  if (!timingSafeEqual(macOf(keys.mac, nonce, sealed), bytes.subarray(-MAC_LENGTH))) {
    throw new DecryptionError('the message was changed, or is for another key');
  }
  const padded = Buffer.from(chacha20(keys.cipher, keys.nonce, sealed));
  const length = padded.readUInt16BE();
  const plain = padded.subarray(2, 2 + length);
  if (length === 0 || plain.length !== length || padded.length !== 2 + paddedLength(length)) {
    throw new DecryptionError('wrong padding');
  }
  return utf8(plain);
}

/** NIP-44, "calc_padded_len": hides the length among those of its size. Exported for its vectors. */
export function paddedLength(length: number): number {
  if (length <= 32) return 32;
  const nextPower = 2 ** (Math.floor(Math.log2(length - 1)) + 1);
  const chunk = nextPower <= 256 ? 32 : nextPower / 8;
  return chunk * (Math.floor((length - 1) / chunk) + 1);
}

function messageKeys(
  key: Uint8Array,
  nonce: Uint8Array,
): { cipher: Uint8Array; nonce: Uint8Array; mac: Uint8Array } {
  const expanded = hkdfExpand(key, nonce, 76);
  return {
    cipher: expanded.subarray(0, 32),
    nonce: expanded.subarray(32, 44),
    mac: expanded.subarray(44, 76),
  };
}

/** RFC 5869 §2.3. Node's hkdfSync does extract and expand in one, which is not what is needed. */
function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  let previous: Uint8Array = new Uint8Array(0);
  for (let count = 1; blocks.length * 32 < length; count++) {
    previous = createHmac('sha256', key)
      .update(previous)
      .update(info)
      .update(Uint8Array.of(count))
      .digest();
    blocks.push(previous);
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function macOf(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(nonce).update(sealed).digest();
}

/** NIP-04: AES-256-CBC without a MAC. Only for wallet services that know nothing else. */
export function encryptNip04(shared: Uint8Array, text: string, random: Random): string {
  const iv = random(new Uint8Array(16));
  const cipher = createCipheriv('aes-256-cbc', shared, iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `${sealed.toString('base64')}?iv=${Buffer.from(iv).toString('base64')}`;
}

/** @throws {DecryptionError} */
export function decryptNip04(shared: Uint8Array, payload: string): string {
  const [sealed = '', iv = ''] = payload.split('?iv=');
  try {
    const decipher = createDecipheriv('aes-256-cbc', shared, Buffer.from(iv, 'base64'));
    return utf8(Buffer.concat([decipher.update(Buffer.from(sealed, 'base64')), decipher.final()]));
  } catch (error) {
    throw new DecryptionError('the message can not be decrypted', { cause: error });
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new DecryptionError('the message is not text', { cause: error });
  }
}
