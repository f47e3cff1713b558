import { z } from 'zod';
import { currencyCode, decimalText, timestamp, uuidText } from './fields.ts';
import { orderStatusSchema } from './orders.ts';

/**
 * `amount` may also be written as a JSON number: the server keeps the number's source text, so
 * 0.29 is 0.29 and never the nearest binary fraction.
 */
export const classicCreateSchema = z
  .strictObject({ merchantId: uuidText, amount: decimalText, currency: currencyCode })
  .meta({ id: 'ClassicCreatePayment' });

export const classicCreatedSchema = z
  .strictObject({
    orderId: uuidText,
    address: z.string(),
    amount: z
      .string()
      .regex(/^[0-9]+\.[0-9]{8}$/)
      .meta({ description: 'BTC to pay' }),
    expiresAt: timestamp,
    qrCode: z
      .string()
      .startsWith('data:image/png;base64,')
      .meta({ description: 'PNG of the payment link' }),
  })
  .meta({ id: 'ClassicPayment' });

export const classicStatusSchema = z
  .strictObject({ orderId: uuidText, status: orderStatusSchema })
  .meta({ id: 'ClassicStatus' });
