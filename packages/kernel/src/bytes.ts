import { assert } from './assert.ts';

const HEX = /^(?:[0-9a-f]{2})*$/;

/** Each byte's two digits, since hashes are written all the time. */
const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Writes bytes as lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += PAIRS[bytes[i] ?? 0];
  return text;
}

/**
 * Reads lower-case hexadecimal.
 * @throws {AssertionError} on anything else: check untrusted text before
 */
export function fromHex(text: string): Uint8Array {
  assert(HEX.test(text), 'fromHex: not lower-case hexadecimal');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = 16 * digit(text.charCodeAt(2 * i)) + digit(text.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** The worth of a character "0" to "9" or "a" to "f". */
function digit(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}
