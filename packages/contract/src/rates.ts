import { z } from 'zod';
import { currencyCode, decimalText, timestamp } from './fields.ts';

export const rateQuoteSchema = z
  .strictObject({
    currency: currencyCode,
    pricePerBtc: decimalText.meta({ description: 'Price of one bitcoin, spread included' }),
    spreadBps: z.int().min(0),
    source: z.string(),
    observedAt: timestamp,
    quotedAt: timestamp,
    used: z.array(
      z.strictObject({ source: z.string(), pricePerBtc: decimalText, observedAt: timestamp }),
    ),
    rejected: z.array(z.strictObject({ source: z.string(), reason: z.string() })),
  })
  .meta({ id: 'RateQuote', description: 'The price that an order made now would be locked at' });
export type RateQuote = z.infer<typeof rateQuoteSchema>;
