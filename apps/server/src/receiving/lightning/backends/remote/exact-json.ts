import { z } from 'zod';

/**
 * Parses JSON without losing digits: an integer that a double can not hold exactly becomes a bigint
 * (ECMA-262, JSON.parse source text access). Millisatoshis pass 2^53 at 90,000 BTC.
 * @throws {SyntaxError}
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** A 64-bit integer, as the numbers and the strings of the nodes' interfaces have it. */
export const int64 = z
  .union([z.string().regex(/^-?\d{1,20}$/), z.int(), z.bigint()])
  .transform((value) => BigInt(value));

export const hex32 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/)
  .transform((text) => text.toLowerCase());

/** `800000x12x1` of BOLT 7 from the number that LND writes. Null for 0: there is none yet. */
export function shortChannelIdOf(number: bigint): string | null {
  if (number === 0n) return null;
  return `${number >> 40n}x${(number >> 16n) & 0xffffffn}x${number & 0xffffn}`;
}
