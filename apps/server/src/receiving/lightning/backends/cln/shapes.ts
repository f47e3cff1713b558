import { z } from 'zod';
import { hex32, int64 } from '../remote/exact-json.ts';

/** The parts that we use of what Core Lightning answers (its doc/schemas, v24.11 and later). */

/** Whole millisatoshis; versions before v23.08 wrote "1000msat". */
export const msat = z.union([
  int64,
  z
    .string()
    .regex(/^\d{1,20}msat$/)
    .transform((text) => BigInt(text.slice(0, -4))),
]);

export const nothing = z.unknown();

export const infoShape = z.object({
  id: z.string(),
  alias: z.string().default(''),
  network: z.string(),
  blockheight: z.number(),
  version: z.string(),
  address: z.array(z.object({ address: z.string().nullish(), port: z.number() })).default([]),
  warning_bitcoind_sync: z.string().nullish(),
  warning_lightningd_sync: z.string().nullish(),
});

export const helpShape = z.object({ help: z.array(z.object({ command: z.string() })) });

export const madeInvoiceShape = z.object({
  payment_hash: hex32,
  bolt11: z.string(),
  expires_at: int64,
});

export const invoiceShape = z.object({
  label: z.string(),
  payment_hash: hex32,
  status: z.enum(['unpaid', 'paid', 'expired']),
  expires_at: int64,
  amount_msat: msat.nullish(),
  bolt11: z.string().nullish(),
  bolt12: z.string().nullish(),
  amount_received_msat: msat.nullish(),
  paid_at: int64.nullish(),
  payment_preimage: hex32.nullish(),
  updated_index: int64.nullish(),
  local_offer_id: hex32.nullish(),
});
export type ClnInvoice = z.infer<typeof invoiceShape>;
export const invoicesShape = z.object({ invoices: z.array(invoiceShape) });

export const paidShape = z.object({
  payment_preimage: hex32,
  amount_msat: msat,
  amount_sent_msat: msat,
});

const payShape = z.object({
  payment_hash: hex32,
  status: z.enum(['pending', 'failed', 'complete']),
  created_at: int64,
  completed_at: int64.nullish(),
  amount_msat: msat.nullish(),
  amount_sent_msat: msat.nullish(),
  preimage: hex32.nullish(),
});
export type ClnPay = z.infer<typeof payShape>;
export const paysShape = z.object({ pays: z.array(payShape) });

export const sendpaysShape = z.object({
  payments: z.array(
    z.object({
      payment_hash: hex32,
      status: z.enum(['pending', 'failed', 'complete']),
      updated_index: int64.nullish(),
    }),
  ),
});

const channelShape = z.object({
  peer_id: z.string(),
  peer_connected: z.boolean(),
  state: z.string(),
  channel_id: z.string().nullish(),
  short_channel_id: z.string().nullish(),
  private: z.boolean().default(false),
  total_msat: msat.nullish(),
  to_us_msat: msat.nullish(),
  spendable_msat: msat.nullish(),
  receivable_msat: msat.nullish(),
  htlcs: z.array(z.object({ direction: z.enum(['in', 'out']), amount_msat: msat })).default([]),
});
export type ClnChannel = z.infer<typeof channelShape>;
export const channelsShape = z.object({ channels: z.array(channelShape) });

export const fundsShape = z.object({
  outputs: z.array(z.object({ amount_msat: msat, status: z.string() })),
});

export const waitShape = z.object({ updated: int64.nullish() });

export const offerShape = z.object({
  bolt12: z.string(),
  offer_id: hex32,
  created: z.boolean().optional(),
});
export const decodedOfferShape = z.object({
  type: z.literal('bolt12 offer'),
  valid: z.literal(true),
  offer_amount_msat: msat.nullish(),
});
export const fetchedShape = z.object({ invoice: z.string() });
export const decodedInvoiceShape = z.object({
  type: z.literal('bolt12 invoice'),
  valid: z.literal(true),
  invoice_payment_hash: hex32,
  invoice_amount_msat: msat,
  invoice_created_at: int64,
  invoice_relative_expiry: int64.nullish(),
  offer_description: z.string().nullish(),
});
