import { assert } from './assert.ts';

declare const unit: unique symbol;
/** Whole satoshis: 1 BTC = 100,000,000 sat. */
export type Sats = bigint & { readonly [unit]?: 'sat' };
/** Whole millisatoshis, the ledger's unit for bitcoin: 1 sat = 1,000 msat. */
export type Msats = bigint & { readonly [unit]?: 'msat' };
/** Smallest unit of a fiat currency as ISO 4217 defines it: cents for USD, yen for JPY. */
export type MinorUnits = bigint & { readonly [unit]?: 'minor' };

export type Rounding = 'down' | 'up' | 'half-even';

export const SATS_PER_BTC = 100_000_000n;
export const MSATS_PER_SAT = 1_000n;
/** No amount of bitcoin exceeds the 21 million that will exist (Bitcoin Core: MAX_MONEY). */
export const MAX_SATS: Sats = 2_100_000_000_000_000n;
/** Largest amount that the database's 64-bit column holds. */
export const MAX_INT64 = 9_223_372_036_854_775_807n;

/**
 * Divides two integers with the rounding that is named, correct for negative numerators too.
 * @throws {AssertionError} when `denominator` is not positive
 */
export function divide(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  assert(denominator > 0n, 'divide: the denominator must be positive');
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n) return quotient;
  const floor = remainder < 0n ? quotient - 1n : quotient;
  if (rounding === 'down') return floor;
  if (rounding === 'up') return floor + 1n;
  const twice = (numerator - floor * denominator) * 2n;
  if (twice !== denominator) return twice > denominator ? floor + 1n : floor;
  return floor % 2n === 0n ? floor : floor + 1n;
}

/** Multiplies by the ratio `numerator / denominator` with one rounding at the end. */
export function multiplyRatio(
  value: bigint,
  ratio: { numerator: bigint; denominator: bigint },
  rounding: Rounding,
): bigint {
  return divide(value * ratio.numerator, ratio.denominator, rounding);
}

export type ParsedDecimal = { ok: true; value: bigint } | { ok: false; reason: string };

/** Longest decimal text that is looked at; longer is refused before it is parsed. */
const MAX_DECIMAL_LENGTH = 40;
const DECIMAL = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/**
 * Reads a plain decimal ("12", "0.29") as an integer of its smallest unit, exactly: no sign, no
 * exponent, no separators, and no more decimals than the unit has.
 * @param scale number of decimals of the unit: 8 for BTC, 2 for USD, 0 for JPY
 */
export function parseDecimal(text: string, scale: number): ParsedDecimal {
  if (text.length > MAX_DECIMAL_LENGTH) return { ok: false, reason: 'the number is too long' };
  const match = DECIMAL.exec(text);
  if (match === null) {
    return { ok: false, reason: 'write a plain positive decimal number such as "12" or "0.29"' };
  }
  const [, whole = '0', fraction = ''] = match;
  if (fraction.length > scale) {
    return { ok: false, reason: `at most ${scale} decimals are possible here` };
  }
  const value = BigInt(whole + fraction.padEnd(scale, '0'));
  if (value > MAX_INT64) return { ok: false, reason: 'the number is too large' };
  return { ok: true, value };
}

/** Writes an integer of smallest units as a decimal with all its decimals: (29n, 2) → "0.29". */
export function formatDecimal(value: bigint, scale: number): string {
  const sign = value < 0n ? '-' : '';
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Writes satoshis as BTC with 8 decimals: 28999999n → "0.28999999". */
export function formatBtc(sats: Sats): string {
  return formatDecimal(sats, 8);
}
