import { z } from 'zod';

/** Longest number text: the largest 64-bit integer with room for decimals. */
const MAX_NUMBER_LENGTH = 40;
/** Bytes of a URL that every browser and proxy still takes. */
const MAX_URL_LENGTH = 2_000;
/** RFC 5321 §4.5.3.1.3: a path of 256 characters, its angle brackets included. */
const MAX_EMAIL_LENGTH = 254;

/** Whole satoshis as text, so that no reader takes it for a float. */
export const satsText = z
  .string()
  .max(MAX_NUMBER_LENGTH)
  .regex(/^(0|[1-9][0-9]*)$/, 'write whole satoshis as text such as "150000"')
  .meta({ description: 'Whole satoshis, as text', examples: ['150000'] });

/** Whole millisatoshis as text. */
export const msatsText = z
  .string()
  .max(MAX_NUMBER_LENGTH)
  .regex(/^(0|[1-9][0-9]*)$/, 'write whole millisatoshis as text such as "150000000"')
  .meta({ description: 'Whole millisatoshis, as text', examples: ['150000000'] });

/** A plain positive decimal: no sign, no exponent, no separators. */
export const decimalText = z
  .string()
  .max(MAX_NUMBER_LENGTH)
  .regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/, 'write a plain positive decimal such as "12" or "0.29"')
  .meta({ description: 'A plain decimal number, as text', examples: ['19.90'] });

/** An integer of an asset's smallest unit, negative where a balance may be. */
export const signedIntegerText = z
  .string()
  .max(MAX_NUMBER_LENGTH)
  .regex(/^(0|-?[1-9][0-9]*)$/, 'write a whole number as text')
  .meta({ description: 'A whole number of the smallest unit, as text', examples: ['-150000000'] });

/** ISO 4217, or BTC. Whether it is known is decided where it is used (unknown_currency). */
export const currencyCode = z
  .string()
  .regex(/^[A-Z]{3}$/, 'write a currency code such as "EUR" or "BTC"')
  .meta({ description: 'ISO 4217 code, or BTC', examples: ['EUR'] });

export const uuidText = z
  .string()
  .regex(
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    'write a UUID in lower case',
  )
  .meta({ format: 'uuid', examples: ['0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4'] });

export const timestamp = z.iso
  .datetime({ precision: 3 })
  .meta({ description: 'Time in UTC (RFC 3339)', examples: ['2026-01-31T12:00:00.000Z'] });

/** A time that a caller writes: seconds or milliseconds, any offset. */
export const timestampInput = z.iso
  .datetime({ offset: true })
  .max(40)
  .meta({ description: 'Time with offset (RFC 3339)', examples: ['2026-01-31T12:00:00Z'] });

export const txidText = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'write 64 lower-case hexadecimal digits')
  .meta({ description: 'Transaction or block id, hexadecimal as explorers show it' });

/** Links that a payer's browser may follow: never `javascript:`, `data:` or a local file. */
export const webUrl = z
  .url({ protocol: /^https?$/, error: 'write an address that begins with https:// or http://' })
  .max(MAX_URL_LENGTH)
  .meta({ description: 'Web address (http or https)', examples: ['https://shop.example/thanks'] });

/**
 * A plain mailbox: ASCII, no quotes, no comments, a domain with a dot. Nothing that fits can end a
 * header line or name a second recipient.
 */
export const emailText = z
  .string()
  .max(MAX_EMAIL_LENGTH)
  .regex(
    /^[A-Za-z0-9_+-]+([.][A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?[.])+[A-Za-z]{2,63}$/,
    'write an e-mail address such as "till@shop.example"',
  )
  .meta({ description: 'E-mail address', examples: ['till@shop.example'] });

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | JsonValue[]
  | { [name: string]: JsonValue };

/**
 * An object of any JSON, which this server itself has written. Not z.json(): its recursive schema
 * has no place in an OpenAPI document.
 */
export const jsonObject = z.record(z.string(), z.custom<JsonValue>());

/** A POST that needs no more than its path takes no body, or an empty object. */
export const noBodySchema = z.strictObject({}).nullish();

/**
 * Text for people: no control characters but tab and line feed, and no half of a surrogate pair,
 * since neither can be shown and PostgreSQL stores neither NUL nor a lone surrogate.
 */
export function personText(limits: { min?: number; max: number }) {
  return z
    .string()
    .min(limits.min ?? 0)
    .max(limits.max)
    .refine(isPersonText, 'control characters are not possible here');
}

function isPersonText(text: string): boolean {
  if (!text.isWellFormed()) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09 && code !== 0x0a) || code === 0x7f) return false;
  }
  return true;
}
