import { z } from 'zod';

/** Whole satoshis as a decimal integer, in text so that no reader takes it for a float. */
const satsText = z.string().regex(/^(0|[1-9][0-9]*)$/);
/** A plain positive decimal: no sign, no exponent, no separators. */
const decimalText = z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/);
const timestamp = z.iso.datetime();
/** Links that a payer's browser may follow: never `javascript:`, `data:` or a local file. */
const webUrl = z.url({ protocol: /^https?$/ });

/** Where an order stands, as everyone outside sees it (design §7). */
export const orderStatuses = [
  'PENDING',
  'UNCONFIRMED',
  'CONFIRMED',
  'UNDERPAID',
  'OVERPAID',
  'EXPIRED',
  'INVALID',
  'REFUNDED',
] as const;

/** What is told of a check of where a payment came from: whether it goes on, never what it found. */
export const paymentReviews = ['none', 'pending', 'returned'] as const;

export const orderPaymentViewSchema = z.object({
  method: z.enum(['onchain', 'lightning']),
  /** Of the transaction; null for a payment by Lightning. */
  txid: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  vout: z.int().min(0).nullable(),
  /** Of the Lightning invoice; null for a payment on chain. */
  paymentHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  sats: satsText,
  /** `replaced` and `dropped` no longer count towards the order. */
  state: z.enum(['seen', 'confirming', 'confirmed', 'replaced', 'dropped']),
  confirmations: z.int().min(0),
  review: z.enum(paymentReviews),
  /** It arrived after the order's expiry: held until the store decides. */
  late: z.boolean(),
  seenAt: timestamp,
});

/**
 * What a payer may see of an order: enough to pay, to follow the payment and to keep a receipt,
 * and nothing about the store's keys, metadata or other orders.
 */
export const orderViewSchema = z.object({
  orderId: z.string().min(1).max(64),
  /** Grows with each change, so that an answer which arrives late does not overwrite a newer one. */
  version: z.int().min(0),
  status: z.enum(orderStatuses),
  /** The time for paying is over, whatever the status. */
  expired: z.boolean(),
  store: z.object({
    name: z.string().min(1),
    logoUrl: webUrl.nullable(),
    /** `#rrggbb`; the page moves its lightness until text on it can be read. */
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .nullable(),
  }),
  description: z.string().nullable(),
  price: z.object({ currency: z.string().min(3).max(5), amount: decimalText }),
  /** What the order asks for. */
  dueSats: satsText,
  /** What arrived in time and counts, confirmed or not. */
  receivedSats: satsText,
  /** The part of `receivedSats` that has all its confirmations. */
  confirmedSats: satsText,
  /** What is missing: due − received, never below zero. */
  remainingSats: satsText,
  /** What came above the amount due, beyond the store's tolerance. */
  excessSats: satsText,
  /** What arrived after expiry and is held. */
  lateSats: satsText,
  /** What of it is being checked: it does not count as confirmed before that is over. */
  reviewSats: satsText,
  /** What of it has been paid back. */
  refundedSats: satsText,
  /** The rate that the price was locked at; null when the price is in BTC. */
  rate: z
    .object({
      currency: z.string().min(3).max(5),
      pricePerBtc: decimalText,
      source: z.string(),
      at: timestamp,
    })
    .nullable(),
  address: z.string().min(14).max(100),
  /** Payment link (BIP21) for what is still to be paid: its amount is `remainingSats`. */
  bip21: z
    .string()
    .regex(/^bitcoin:/i)
    .max(2_000),
  /** The invoice for `remainingSats`; it is in `bip21` too. Null: only the chain is there to pay by. */
  lightning: z
    .object({
      bolt11: z.string().regex(/^ln[a-z0-9]{20,}$/),
      /** A BOLT 12 offer for the same; in `bip21` too, unless the link would be too long. */
      offer: z
        .string()
        .regex(/^lno1[a-z0-9]{20,}$/)
        .nullable(),
      expiresAt: timestamp,
    })
    .nullable(),
  /** `mainnet`, `testnet3`, `testnet4`, `signet` or `regtest`. */
  network: z.string(),
  /** `need` by the order's amount (design §7), `have` of the payment that is furthest behind. */
  confirmations: z.object({ have: z.int().min(0), need: z.int().min(0) }),
  payments: z.array(orderPaymentViewSchema),
  createdAt: timestamp,
  expiresAt: timestamp,
  /** The server's clock when it answered: countdowns follow it, not the payer's device. */
  serverTime: timestamp,
  /** Where the payer goes afterwards. */
  redirectUrl: webUrl.nullable(),
  /** The store's block explorer, with `{txid}` where the transaction's id goes. */
  explorerTxUrl: z
    .string()
    .regex(/^https?:\/\/.*\{txid\}/)
    .nullable(),
});

export type OrderStatus = (typeof orderStatuses)[number];
export type OrderPaymentView = z.infer<typeof orderPaymentViewSchema>;
export type OrderView = z.infer<typeof orderViewSchema>;
