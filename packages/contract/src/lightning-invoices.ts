import { z } from 'zod';
import { personText, timestamp, uuidText } from './fields.ts';
import { msatText, paymentHashText } from './lightning-nodes.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** BOLT 11: a description of at most 639 bytes; 200 characters of three bytes each fit. */
const MAX_DESCRIPTION_LENGTH = 200;
/** A payer needs a minute to open a wallet. */
const MIN_EXPIRY_SECONDS = 60;
/** What a held payment may wait at most is bounded by the node; a day is what nodes allow. */
const MAX_EXPIRY_SECONDS = 86_400;
const DEFAULT_EXPIRY_SECONDS = 3_600;

export const lightningInvoiceStates = [
  'open',
  'held',
  'settling',
  'settled',
  'cancelling',
  'cancelled',
] as const;

export const createLightningInvoiceSchema = z
  .strictObject({
    amountMsat: msatText
      .nullable()
      .default(null)
      .meta({ description: 'null: the payer chooses' })
      .refine((text) => text === null || BigInt(text) > 0n, 'more than zero'),
    description: personText({ max: MAX_DESCRIPTION_LENGTH }).default(''),
    expirySeconds: z
      .int()
      .min(MIN_EXPIRY_SECONDS)
      .max(MAX_EXPIRY_SECONDS)
      .default(DEFAULT_EXPIRY_SECONDS),
    hold: z.boolean().default(false).meta({
      description: 'A payment waits until you settle or cancel it. Needs paymentHash',
    }),
    paymentHash: paymentHashText.optional().meta({
      description: 'SHA-256 of the preimage that you keep; with hold alone',
    }),
  })
  .refine(({ hold, paymentHash }) => hold === (paymentHash !== undefined), {
    message: 'paymentHash belongs to hold, and hold needs it',
    path: ['paymentHash'],
  })
  .meta({ id: 'CreateLightningInvoice' });
export type CreateLightningInvoice = z.input<typeof createLightningInvoiceSchema>;

export const settleLightningInvoiceSchema = z
  .strictObject({
    preimage: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'write 64 lower-case hexadecimal digits')
      .meta({ description: 'Its SHA-256 is the payment hash' }),
  })
  .meta({ id: 'SettleLightningInvoice' });

export const lightningInvoiceSchema = z
  .strictObject({
    id: uuidText,
    purpose: z.enum(['order', 'api', 'lnurl']).meta({
      description:
        'order: of an order. api: asked for by createLightningInvoice. lnurl: by a payer',
    }),
    orderId: uuidText.nullable(),
    paymentHash: paymentHashText,
    bolt11: z.string(),
    amountMsat: msatText.nullable().meta({ description: 'null: the payer chooses' }),
    receivedMsat: msatText,
    description: z.string(),
    hold: z.boolean(),
    state: z.enum(lightningInvoiceStates).meta({
      description:
        'open: can be paid. held: a payment waits for you. settling, cancelling: decided, the node ' +
        'has yet to do it. settled: paid. cancelled: can not be paid any more.',
    }),
    reason: z
      .enum(['superseded', 'expired', 'order_closed', 'asked', 'node_cancelled'])
      .nullable()
      .meta({ description: 'Why it was given up' }),
    metadata: z.record(z.string(), z.string()),
    createdAt: timestamp,
    expiresAt: timestamp,
    settledAt: timestamp.nullable(),
  })
  .meta({ id: 'LightningInvoice' });
export type LightningInvoiceJson = z.infer<typeof lightningInvoiceSchema>;

export const lightningInvoiceListQuerySchema = pageQuerySchema.extend({
  state: z.enum(lightningInvoiceStates).optional(),
  order_id: uuidText.optional(),
});
export const lightningInvoicePageSchema = pageOf(lightningInvoiceSchema).meta({
  id: 'LightningInvoicePage',
});

/** What happens to an invoice that belongs to no order; an order's are told of as its payments. */
export const lightningEventTypes = [
  /** A payment waits for the store's word. */
  'lightning.invoice_held',
  'lightning.invoice_settled',
  'lightning.invoice_cancelled',
] as const;
export type LightningEventType = (typeof lightningEventTypes)[number];

export const lightningEventDataSchema = z.object({
  invoiceId: z.uuid(),
  purpose: z.enum(['api', 'lnurl']),
  paymentHash: paymentHashText,
  amountMsat: msatText.nullable(),
  receivedMsat: msatText,
  description: z.string(),
  hold: z.boolean(),
  state: z.enum(lightningInvoiceStates),
  reason: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime(),
  /** One sentence for a person. */
  message: z.string(),
});
