import { type Currency, formatDecimal, isCurrency, MAX_INT64 } from '@quittance/kernel';

/** A currency that needs a rate. An order in BTC needs none. */
export type FiatCurrency = Exclude<Currency, 'BTC'>;

/** Decimals that a price keeps: 65123.45 EUR per BTC is 6512345000000n. */
export const RATE_DECIMALS = 8;
const RATE_SCALE = 10n ** BigInt(RATE_DECIMALS);

/**
 * What one whole bitcoin costs, exactly: an integer count of 10⁻⁸ of the currency's major unit
 * (not of its minor unit, so that yen, dollars and dinars read alike). Always above zero and, so
 * that the database's 64-bit column holds it, at most 2⁶³−1 (92 milliard units per BTC).
 */
export interface Rate {
  readonly currency: FiatCurrency;
  readonly pricePerBtcE8: bigint;
}

export type ParsedPrice =
  | { readonly ok: true; readonly pricePerBtcE8: bigint }
  | { readonly ok: false; readonly reason: string };

/** Exchanges write at most some twenty decimals; longer text is not a price. */
const PRICE = /^([0-9]{1,11})(?:\.([0-9]{1,30}))?$/;

/**
 * Reads a price as exchanges write it ("65123.45"), without ever passing through a float. Decimals
 * beyond the eighth are cut: towards the lower price, as the spread is, so in the merchant's
 * favour. A sign, an exponent, zero or a value outside the range of {@link Rate} is no price.
 */
export function parsePrice(text: string): ParsedPrice {
  const match = PRICE.exec(text);
  if (match === null) return { ok: false, reason: 'the price is not a plain decimal number' };
  const [, whole = '0', fraction = ''] = match;
  const kept = fraction.slice(0, RATE_DECIMALS).padEnd(RATE_DECIMALS, '0');
  const pricePerBtcE8 = BigInt(whole) * RATE_SCALE + BigInt(kept);
  if (pricePerBtcE8 === 0n) return { ok: false, reason: 'the price is zero' };
  if (pricePerBtcE8 > MAX_INT64) return { ok: false, reason: 'the price is too large' };
  return { ok: true, pricePerBtcE8 };
}

/** Writes a price with all its decimals ("65123.45000000"), for people and for the order. */
export function formatPrice(pricePerBtcE8: bigint): string {
  return formatDecimal(pricePerBtcE8, RATE_DECIMALS);
}

export function isFiatCurrency(code: string): code is FiatCurrency {
  return isCurrency(code) && code !== 'BTC';
}
