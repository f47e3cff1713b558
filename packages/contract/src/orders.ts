import { z } from 'zod';
import {
  currencyCode,
  decimalText,
  personText,
  satsText,
  timestamp,
  txidText,
  uuidText,
  webUrl,
} from './fields.ts';
import { orderStatuses, paymentReviews } from './order-view.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** A payer needs a minute to open a wallet. */
export const MIN_ORDER_EXPIRY_SECONDS = 60;
/** A price promised for longer than a month is no price; open-ended requests are made anew. */
export const MAX_ORDER_EXPIRY_SECONDS = 2_592_000;
export const MAX_METADATA_ENTRIES = 50;
export const MAX_METADATA_VALUE_LENGTH = 500;

export const externalIdText = personText({ min: 1, max: 200 }).meta({
  description: "The shop's own name for the order; need not be unique",
  examples: ['cart-7781'],
});

/** Flat and bounded: it is copied into each event. */
export const metadataSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'a name of 1 to 64 letters, digits, "_", "." or "-"'),
    personText({ max: MAX_METADATA_VALUE_LENGTH }),
  )
  .refine(
    (entries) => Object.keys(entries).length <= MAX_METADATA_ENTRIES,
    `at most ${MAX_METADATA_ENTRIES} entries are possible`,
  )
  .meta({
    description: 'Your own notes, name to text; returned as they are',
    maxProperties: MAX_METADATA_ENTRIES,
    examples: [{ table: '12' }],
  });

export const createOrderSchema = z
  .strictObject({
    amount: decimalText.meta({
      description: 'The price in `currency`, as text; at most as many decimals as it has',
      examples: ['19.90'],
    }),
    currency: currencyCode,
    externalId: externalIdText.optional(),
    description: personText({ max: 500 })
      .optional()
      .meta({ description: 'Shown to the payer', examples: ['Two coffees'] }),
    metadata: metadataSchema.optional(),
    expiresInSeconds: z
      .int()
      .min(MIN_ORDER_EXPIRY_SECONDS)
      .max(MAX_ORDER_EXPIRY_SECONDS)
      .optional()
      .meta({ description: "How long the price holds; by default as the store's settings say" }),
    redirectUrl: webUrl.optional().meta({ description: 'Where the payer goes afterwards' }),
    customerId: uuidText.optional().meta({
      description: 'Whose order it is, of the customers under /v1/compliance/customers',
    }),
  })
  .meta({ id: 'CreateOrder' });
export type CreateOrder = z.infer<typeof createOrderSchema>;

export const orderStatusSchema = z.enum(orderStatuses).meta({
  id: 'OrderStatus',
  description:
    'PENDING: nothing has arrived. UNCONFIRMED: enough has arrived, confirmations are missing. ' +
    'CONFIRMED: confirmed within tolerance. OVERPAID: confirmed with more than tolerance. ' +
    'UNDERPAID: something has arrived, not enough. EXPIRED: nothing arrived in time. ' +
    'INVALID: cancelled. REFUNDED: all that was received is paid back.',
});

export const paymentStates = [
  'seen',
  'included',
  'confirmed',
  'final',
  'replaced',
  'dropped',
] as const;
export type PaymentState = (typeof paymentStates)[number];

export const paymentSchema = z
  .strictObject({
    id: uuidText,
    method: z.enum(['onchain', 'lightning']),
    txid: txidText.nullable().meta({ description: 'null for a payment by Lightning' }),
    vout: z.int().min(0).nullable(),
    paymentHash: txidText
      .nullable()
      .meta({ description: 'Of the Lightning invoice that was paid; null for one on chain' }),
    amountSats: satsText,
    state: z.enum(paymentStates).meta({
      description:
        'seen: in the mempool. included: in a block. confirmed: as many confirmations as the ' +
        'order needs. final: 100 confirmations, or paid by Lightning. replaced, dropped: no ' +
        'longer counts.',
    }),
    review: z.enum(paymentReviews).meta({
      description:
        'none: nothing to say. pending: it is being checked and does not count as confirmed ' +
        'before that is over. returned: it counts for no order and can be paid back.',
    }),
    late: z.boolean().meta({ description: 'It arrived after the order had expired' }),
    confirmations: z.int().min(0).meta({ description: 'Always 0 by Lightning, which needs none' }),
    height: z.int().min(0).nullable(),
    blockHash: txidText.nullable(),
    replacedByTxid: txidText.nullable(),
    firstSeenAt: timestamp,
  })
  .meta({ id: 'Payment' });
export type Payment = z.infer<typeof paymentSchema>;

/** The price of a bitcoin that an order was locked at, with what explains it later. */
export const lockedRateSchema = z
  .strictObject({
    currency: currencyCode,
    pricePerBtc: decimalText.meta({ description: 'Price of one bitcoin, spread included' }),
    source: z.string().meta({ examples: ['median of bitstamp, coinbase, kraken'] }),
    spreadBps: z.int().min(0).meta({ description: 'Hundredths of a per cent taken off the price' }),
    observedAt: timestamp.meta({ description: 'When its oldest observation was made' }),
    rounding: z
      .enum(['up', 'down', 'half-even'])
      .meta({ description: 'How the satoshis were rounded' }),
  })
  .meta({ id: 'LockedRate' });
export type LockedRate = z.infer<typeof lockedRateSchema>;

export const orderSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    externalId: z.string().nullable(),
    description: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    redirectUrl: z.string().nullable(),
    customerId: uuidText.nullable(),
    status: orderStatusSchema,
    expired: z.boolean().meta({ description: 'The time for paying is over, whatever the status' }),
    priceAmount: decimalText,
    priceCurrency: currencyCode,
    rate: lockedRateSchema.nullable().meta({ description: 'null when priced in BTC' }),
    dueSats: satsText,
    dueBtc: decimalText,
    toleranceBelowSats: satsText.meta({ description: 'Paid when due less this has arrived' }),
    toleranceAboveSats: satsText.meta({ description: 'Overpaid beyond due plus this' }),
    receivedSats: satsText.meta({ description: 'What counts, confirmed or not' }),
    confirmedSats: satsText.meta({ description: 'The confirmed part of receivedSats' }),
    remainingSats: satsText.meta({ description: 'Due less received, never below zero' }),
    excessSats: satsText.meta({ description: 'Received above due, beyond the tolerance' }),
    lateSats: satsText.meta({ description: 'Arrived after expiry and held for your decision' }),
    reviewSats: satsText.meta({
      description:
        'Of what arrived, being checked (docs/risk.md): part of receivedSats, not of confirmedSats',
    }),
    refundedSats: satsText.meta({
      description: 'Of what was received, paid back. The status is REFUNDED once nothing is left',
    }),
    refundingSats: satsText.meta({ description: 'Of what was received, promised to be paid back' }),
    requiredConfirmations: z.int().min(0),
    latePolicy: z.enum(['hold', 'accept']),
    address: z.string(),
    bip21: z.string().meta({ description: 'Payment link for what is still to be paid' }),
    lightning: z
      .strictObject({
        bolt11: z.string(),
        offer: z
          .string()
          .nullable()
          .meta({
            description:
              'A BOLT 12 offer for the same, to be paid once; it is in `bip21` as `lno` (BIP 321). ' +
              'null: the node makes none. Its payment has another hash',
          }),
        paymentHash: txidText,
        amountSats: satsText,
        expiresAt: timestamp,
      })
      .nullable()
      .meta({
        description:
          'The open invoice for what is still to be paid. null: there is none; the payer’s page ' +
          'and createOrderLightningInvoice ask the node for one',
      }),
    checkoutUrl: z.string().meta({ description: 'Page for the payer' }),
    payments: z
      .array(paymentSchema)
      .meta({ description: 'The newest 50, oldest first; the sums count all' }),
    createdAt: timestamp,
    expiresAt: timestamp,
    cancelledAt: timestamp.nullable(),
    lateAcceptedAt: timestamp.nullable(),
    updatedAt: timestamp,
    version: z.int().min(1).meta({ description: 'Grows with each change' }),
  })
  .meta({ id: 'Order' });
export type Order = z.infer<typeof orderSchema>;

export const orderListQuerySchema = pageQuerySchema.extend({
  status: orderStatusSchema.optional(),
  external_id: externalIdText.optional(),
});

export const orderPageSchema = pageOf(orderSchema).meta({ id: 'OrderPage' });
export type OrderPage = z.infer<typeof orderPageSchema>;
