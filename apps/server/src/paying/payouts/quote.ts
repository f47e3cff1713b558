import type { Uuid } from '@quittance/kernel';
import type { FiatCurrency, Quote, RateRule, Rates } from '../../receiving/rates/index.ts';
import { fiatOf, type TermsInput } from './terms.ts';

export type QuoteDeps = {
  rates: Pick<Rates, 'quote'>;
  readRateRule: (merchantId: Uuid) => Promise<RateRule>;
};

/**
 * The price that a payout in a fiat currency is converted at; null for bitcoin. The spread of the
 * store's rule protects it when it receives; taken off here it would make every payout too large.
 * @throws {RateUnavailableError}
 */
export async function quoteFor(
  deps: QuoteDeps,
  merchantId: Uuid,
  input: Pick<TermsInput, 'currency'>,
): Promise<Quote | null> {
  const currency = fiatOf(input);
  if (currency === null) return null;
  return await quoteCurrency(deps, merchantId, currency);
}

export async function quoteCurrency(
  deps: QuoteDeps,
  merchantId: Uuid,
  currency: FiatCurrency,
): Promise<Quote> {
  const rule = await deps.readRateRule(merchantId);
  return await deps.rates.quote(currency, withoutSpread(rule));
}

function withoutSpread(rule: RateRule): RateRule {
  const { fallback } = rule;
  return {
    ...rule,
    spreadBps: 0,
    fallback:
      fallback === 'refuse' ? fallback : fallback.map((other) => ({ ...other, spreadBps: 0 })),
  };
}
