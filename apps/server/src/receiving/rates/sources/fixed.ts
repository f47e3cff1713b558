import { assert } from '@quittance/kernel';
import { type FiatCurrency, isFiatCurrency, parsePrice } from '../rate.ts';
import type { FixedRateSource } from './source.ts';

/**
 * Prices from the configuration, decimal text by currency: `{ EUR: '60000' }`.
 * @throws {AssertionError} on an unknown currency or a text that is no price: check at start
 */
export function fixedSource(prices: Readonly<Record<string, string>>): FixedRateSource {
  const byCurrency = new Map<FiatCurrency, bigint>();
  for (const [currency, text] of Object.entries(prices)) {
    assert(isFiatCurrency(currency), `fixed rates: ${currency} is not a fiat currency`);
    const price = parsePrice(text);
    assert(price.ok, `fixed rates: ${currency}: "${text}" is not a price`);
    byCurrency.set(currency, price.pricePerBtcE8);
  }
  return {
    kind: 'fixed',
    name: 'fixed',
    supports: (currency) => byCurrency.has(currency),
    pricePerBtcE8: (currency) => byCurrency.get(currency),
  };
}
