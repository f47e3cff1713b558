import type { FiatCurrency } from './rate.ts';
import type { Rejection } from './quote.ts';

/**
 * There is no fresh price that satisfies the store's rule. The caller may try again later; it must
 * not fall back on an older price.
 */
export class RateUnavailableError extends Error {
  override name = 'RateUnavailableError';
  readonly code = 'rate_unavailable';
  readonly currency: FiatCurrency;
  /** Per source why it did not serve, in the order in which the sources were tried. */
  readonly reasons: readonly Rejection[];

  constructor(currency: FiatCurrency, reasons: readonly Rejection[]) {
    const list = reasons.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
    super(`there is no fresh price of bitcoin in ${currency} (${list || 'no source is set up'})`);
    this.currency = currency;
    this.reasons = reasons;
  }
}

/** The amount is more bitcoin than will ever exist at this rate, or more than an amount can hold. */
export class AmountOutOfRangeError extends Error {
  override name = 'AmountOutOfRangeError';
  readonly code = 'amount_out_of_range';
}
