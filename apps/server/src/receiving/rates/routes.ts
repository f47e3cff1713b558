import { currencyCode, type RateQuote, rateQuoteSchema } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { formatPrice, isFiatCurrency } from './rate.ts';
import type { Quote, Rates } from './rates.ts';
import type { RateRule } from './rule.ts';

export type RateRouteDeps = {
  rates: Pick<Rates, 'quote'>;
  /** The rule in the merchant's settings. */
  readRateRule: (merchantId: Uuid) => Promise<RateRule>;
};

export function addRateRoutes(app: HttpApp, deps: RateRouteDeps): void {
  app.get(
    '/v1/rates/:currency',
    {
      config: needs('orders:read'),
      schema: {
        tags: ['Rates'],
        operationId: 'readRate',
        summary: 'Read the price that an order made now would get',
        params: z.strictObject({ currency: currencyCode }),
        response: answers(200, rateQuoteSchema),
      },
    },
    async (request) => {
      const { currency } = request.params;
      if (!isFiatCurrency(currency)) {
        throw new AppError('unknown_currency', `There is no exchange rate for ${currency}.`);
      }
      const rule = await deps.readRateRule(merchantOf(request));
      return toJson(await deps.rates.quote(currency, rule));
    },
  );
}

function toJson(quote: Quote): RateQuote {
  return {
    currency: quote.currency,
    pricePerBtc: formatPrice(quote.rate.pricePerBtcE8),
    spreadBps: quote.spreadBps,
    source: quote.source,
    observedAt: new Date(quote.observedAtMs).toISOString(),
    quotedAt: new Date(quote.quotedAtMs).toISOString(),
    used: quote.used.map(({ source, pricePerBtcE8, observedAtMs }) => ({
      source,
      pricePerBtc: formatPrice(pricePerBtcE8),
      observedAt: new Date(observedAtMs).toISOString(),
    })),
    rejected: quote.rejected.map(({ source, reason }) => ({ source, reason })),
  };
}
