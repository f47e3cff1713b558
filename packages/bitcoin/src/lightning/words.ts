import { bech32 } from '@scure/base';
import { assert } from '@quittance/kernel';

/** Groups of five bits, 0 to 31, as bech32 carries them. */
export type Words = readonly number[];

const BITS_PER_WORD = 5;

/** Bytes of the words, or null when the bits left over at the end are not zeros (BIP173). */
export function wordsToBytes(words: Words): Uint8Array | null {
  const bytes = bech32.fromWordsUnsafe([...words]);
  return bytes instanceof Uint8Array ? bytes : null;
}

/** Words of the bytes, zeros appended up to the next whole word. */
export function bytesToWords(bytes: Uint8Array): number[] {
  return bech32.toWords(bytes);
}

/** Bytes of the words, zeros appended up to the next whole byte, as signatures cover them. */
export function packWords(words: Words): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * BITS_PER_WORD) / 8));
  for (const [index, word] of words.entries()) {
    const bit = index * BITS_PER_WORD;
    const at = bit >> 3;
    const shifted = word << (16 - BITS_PER_WORD - (bit & 7));
    bytes[at] = (bytes[at] ?? 0) | (shifted >> 8);
    if (at + 1 < bytes.length) bytes[at + 1] = (bytes[at + 1] ?? 0) | (shifted & 0xff);
  }
  return bytes;
}

/** Reads a big-endian number of at most 35 bits; null when there are more. */
export function wordsToNumber(words: Words): number | null {
  if (words.length > 7) return null;
  return words.reduce((value, word) => value * 32 + word, 0);
}

/** Writes a number big-endian, in as few words as possible (none for 0) or in exactly `length` of them. */
export function numberToWords(value: number, length?: number): number[] {
  assert(Number.isSafeInteger(value) && value >= 0, 'numberToWords: not a whole number');
  const words: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 32)) words.unshift(rest % 32);
  if (length === undefined) return words;
  assert(words.length <= length, 'numberToWords: the number needs more room');
  return [...Array<number>(length - words.length).fill(0), ...words];
}
