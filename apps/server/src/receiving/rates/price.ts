import {
  assert,
  currencyDecimals,
  divide,
  MAX_INT64,
  MAX_SATS,
  type MinorUnits,
  type Sats,
  SATS_PER_BTC,
} from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import { type FiatCurrency, RATE_DECIMALS, type Rate } from './rate.ts';

/**
 * What a payer owes for a price in fiat, at the rate that is locked into the order. Rounds up to
 * the next satoshi, so that what is owed is never worth less than what was asked.
 * @param amountMinor in the smallest unit of the currency (cents for EUR), not negative
 * @throws {AppError} `amount_too_large` when that is more bitcoin than will exist
 * @example fiatToSats(29n, 'EUR', { rate: { currency: 'EUR', pricePerBtcE8: 10n ** 8n } }) === 29000000n
 */
export function fiatToSats(
  amountMinor: MinorUnits,
  currency: FiatCurrency,
  quote: { readonly rate: Rate },
): Sats {
  assert(quote.rate.currency === currency, 'fiatToSats: the rate is for another currency');
  assert(amountMinor >= 0n, 'fiatToSats: the amount is negative');
  const { satsPart, minorPart } = ratio(quote.rate);
  const sats = divide(amountMinor * satsPart, minorPart, 'up');
  if (sats > MAX_SATS) {
    throw new AppError('amount_too_large', 'the amount is more bitcoin than will ever exist');
  }
  return sats;
}

/**
 * What satoshis are worth at a rate, in the currency's smallest unit, rounded half to even: the
 * nearest amount, with no drift over many conversions. For showing and for reports, not for
 * deciding whether an order is paid: that compares satoshis.
 * @throws {AppError} `amount_too_large` when the result does not fit the database's 64-bit column
 */
export function satsToFiat(sats: Sats, quote: { readonly rate: Rate }): MinorUnits {
  assert(sats >= 0n, 'satsToFiat: the amount is negative');
  const { satsPart, minorPart } = ratio(quote.rate);
  const amountMinor = divide(sats * minorPart, satsPart, 'half-even');
  if (amountMinor > MAX_INT64) {
    throw new AppError('amount_too_large', `the amount is too large in ${quote.rate.currency}`);
  }
  return amountMinor;
}

/** `satsPart` satoshis are worth exactly `minorPart` of the currency's smallest unit. */
function ratio(rate: Rate): { satsPart: bigint; minorPart: bigint } {
  assert(rate.pricePerBtcE8 > 0n, 'ratio: the rate is not positive');
  return {
    satsPart: SATS_PER_BTC * 10n ** BigInt(RATE_DECIMALS),
    minorPart: rate.pricePerBtcE8 * 10n ** BigInt(currencyDecimals(rate.currency)),
  };
}
