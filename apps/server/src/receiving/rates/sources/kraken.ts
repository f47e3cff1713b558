import { z } from 'zod';
import type { FiatCurrency } from '../rate.ts';
import { decimalText, type Ticker, tickerSource } from './source.ts';

/** The names under which Kraken answers: the older pairs carry its X and Z prefixes. */
const ANSWERS_AS: Partial<Record<FiatCurrency, string>> = {
  AUD: 'XBTAUD',
  CAD: 'XXBTZCAD',
  CHF: 'XBTCHF',
  EUR: 'XXBTZEUR',
  GBP: 'XXBTZGBP',
  JPY: 'XXBTZJPY',
  USD: 'XXBTZUSD',
};

/** https://docs.kraken.com/api/docs/rest-api/get-ticker-information: `b` is [price, lots, volume]. */
export const kraken = tickerSource({
  name: 'kraken',
  currencies: ['AUD', 'CAD', 'CHF', 'EUR', 'GBP', 'JPY', 'USD'],
  url: (currency) => `https://api.kraken.com/0/public/Ticker?pair=XBT${currency}`,
  answer: (currency) =>
    z
      .object({
        // Kraken reports failures with status 200 and a list of errors.
        error: z.array(z.string()).max(0, 'Kraken reports an error'),
        result: z.record(z.string(), z.object({ b: z.tuple([decimalText], z.unknown()) })),
      })
      .transform(({ result }, context): Ticker => {
        const price = result[ANSWERS_AS[currency] ?? '']?.b[0];
        if (price !== undefined) return { price };
        context.addIssue({ code: 'custom', message: `the pair XBT${currency} is missing` });
        return z.NEVER;
      }),
});
