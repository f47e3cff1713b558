import { z } from 'zod';

const satsText = z.string().regex(/^(0|[1-9][0-9]*)$/);
const decimalText = z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/);
const timestamp = z.iso.datetime();
const webUrl = z.url({ protocol: /^https?$/ });

/** What the claim page is about: one screen each. */
export const refundScreens = [
  /** An address is asked for. */
  'open',
  /** The payment that it returns is unconfirmed again: it can be claimed later. */
  'held',
  /** Claimed; the store has to agree. */
  'approving',
  /** Claimed; it is going to be sent. */
  'sending',
  'sent',
  'confirmed',
  'failed',
  'cancelled',
  'expired',
] as const;
export type RefundScreen = (typeof refundScreens)[number];

/**
 * What whoever has the link may see of a refund: enough to claim and to follow it, and nothing
 * about the store's reasons, wallets or limits.
 */
export const refundViewSchema = z.object({
  screen: z.enum(refundScreens),
  store: z.object({
    name: z.string().min(1),
    logoUrl: webUrl.nullable(),
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .nullable(),
  }),
  /** The store's number for what was bought, else the order's. */
  orderNumber: z.string(),
  description: z.string().nullable(),
  note: z.string().nullable(),
  /** What is refunded before what the store keeps, what it keeps, what is sent. */
  grossSats: satsText,
  deductionSats: satsText,
  payoutSats: satsText,
  value: z.object({ currency: z.string().min(3).max(5), amount: decimalText }),
  /** The network's fee is taken off what is sent; once it is known, so much. */
  feeFrom: z.enum(['merchant', 'customer']),
  feeShareSats: satsText,
  rate: z.enum(['original', 'current']),
  /** The message to sign; null where no proof is asked for. */
  proofMessage: z.string().nullable(),
  network: z.string(),
  /** `bc1`, `tb1` or `bcrt1`: how the network's newer addresses begin. */
  addressPrefix: z.string(),
  address: z.string().nullable(),
  txid: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  explorerTxUrl: z
    .string()
    .regex(/^https?:\/\/.*\{txid\}/)
    .nullable(),
  expiresAt: timestamp.nullable(),
  serverTime: timestamp,
});
export type RefundView = z.infer<typeof refundViewSchema>;
