import { AppError } from '../../platform/errors.ts';
import type { Rejection } from './quote.ts';
import type { FiatCurrency } from './rate.ts';

/** One round of refreshes: before that, the answer would be the same. */
const RETRY_AFTER_SECONDS = 30;

/**
 * There is no fresh price that satisfies the store's rule. The caller may try again later; it must
 * not fall back on an older price.
 */
export class RateUnavailableError extends AppError {
  override name = 'RateUnavailableError';
  readonly currency: FiatCurrency;
  /** Per source why it did not serve, in the order in which the sources were tried. */
  readonly reasons: readonly Rejection[];

  constructor(currency: FiatCurrency, reasons: readonly Rejection[]) {
    const list = reasons.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
    super('rate_unavailable', `there is no fresh price of bitcoin in ${currency} (${list})`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
    this.currency = currency;
    this.reasons = reasons;
  }
}
