import { currencies } from '@quittance/kernel';
import { z } from 'zod';
import { isFiatCurrency } from '../rate.ts';
import { decimalText, type Ticker, tickerSource, unixMilliseconds, unixSeconds } from './source.ts';

// Sources that compute a price out of several markets. They cover the currencies that no large
// exchange trades. They are slower and stricter about request rates than exchanges.

/** https://docs.coingecko.com/reference/simple-price: numbers, and the time they were computed. */
export const coingecko = tickerSource({
  name: 'coingecko',
  currencies: [
    ...(['AED', 'ARS', 'AUD', 'BHD', 'BRL', 'CAD', 'CHF', 'CLP', 'CNY', 'CZK', 'DKK'] as const),
    ...(['EUR', 'GBP', 'HKD', 'HUF', 'IDR', 'ILS', 'INR', 'JPY', 'KRW', 'KWD', 'MXN'] as const),
    ...(['MYR', 'NGN', 'NOK', 'NZD', 'PHP', 'PLN', 'SAR', 'SEK', 'SGD', 'THB', 'TRY'] as const),
    ...(['TWD', 'UAH', 'USD', 'VND', 'ZAR'] as const),
  ],
  url: (currency) =>
    'https://api.coingecko.com/api/v3/simple/price?ids=bitcoin' +
    `&vs_currencies=${currency.toLowerCase()}&include_last_updated_at=true&precision=8`,
  answer: (currency) => {
    const field = currency.toLowerCase();
    return z
      .object({
        bitcoin: z.object({ last_updated_at: unixSeconds }).catchall(decimalText),
      })
      .transform(({ bitcoin }, context): Ticker => {
        const price = bitcoin[field];
        if (typeof price === 'string') return { price, asOfMs: bitcoin.last_updated_at };
        context.addIssue({ code: 'custom', message: `the price in ${currency} is missing` });
        return z.NEVER;
      });
  },
});

/** https://developer.bitpay.com/reference/retrieve-the-rates-for-a-cryptocurrency-fiat-pair */
export const bitpay = tickerSource({
  name: 'bitpay',
  currencies: currencies.filter(isFiatCurrency),
  url: (currency) => `https://bitpay.com/rates/BTC/${currency}`,
  headers: { 'x-accept-version': '2.0.0' },
  answer: (currency) =>
    z
      .object({ data: z.object({ code: z.literal(currency), rate: decimalText }) })
      .transform(({ data }): Ticker => ({ price: data.rate })),
});

/** https://api.yadio.io: all its currencies at once. Where a country has a street rate, it is that. */
export const yadio = tickerSource({
  name: 'yadio',
  currencies: currencies.filter(isFiatCurrency),
  url: () => 'https://api.yadio.io/exrates/BTC',
  answer: (currency) =>
    z
      .object({
        base: z.literal('BTC'),
        BTC: z.record(z.string(), z.unknown()),
        timestamp: unixMilliseconds,
      })
      .transform(({ BTC: prices, timestamp }, context): Ticker => {
        const price = decimalText.safeParse(prices[currency]);
        if (price.success) return { price: price.data, asOfMs: timestamp };
        context.addIssue({ code: 'custom', message: `the price in ${currency} is missing` });
        return z.NEVER;
      }),
});
