import { z } from 'zod';
import { cardEventDataSchema, cardEventTypes } from './cards.ts';
import { lightningEventDataSchema, lightningEventTypes } from './lightning-invoices.ts';
import { pullPaymentEventDataSchema, pullPaymentEventTypes } from './pull-payments.ts';
import { refundEventDataSchema, refundEventTypes } from './refunds.ts';

/**
 * What a merchant is told, and when. Every change of an order's status makes exactly one
 * `order.status_changed`; the more specific events come beside it, never instead of it.
 */
export const orderEventTypes = [
  /** The order was made; its price is locked. */
  'order.created',
  /** The status is another than before; `previousStatus` says which it was. */
  'order.status_changed',
  /** A payment is in the mempool or, unseen before, in a block. */
  'order.payment_seen',
  /** A payment has the confirmations that the order asks for, or came by Lightning. */
  'order.payment_confirmed',
  /** A conflicting transaction took the payment's coins; `replacedBy` names it. */
  'order.payment_replaced',
  /** The payment left the mempool without being mined. */
  'order.payment_dropped',
  /** A reorganisation took the payment out of the chain; it counts as unconfirmed again. */
  'order.payment_reorged',
  /** A payment came after the order had expired. */
  'order.payment_late',
  /** A payment is being checked before it counts; an amount of the order is in `reviewSats`. */
  'order.payment_under_review',
  /** That is over: the payment counts, or its `review` says that it goes back. */
  'order.payment_review_ended',
  'order.expired',
  'order.cancelled',
] as const;

/** What a person should look at; see `alertKinds` for what that can be. */
export const alertEventTypes = [
  /** An alert is open: new, again, graver than before or still; `cause` says which. */
  'alert.opened',
  /** What the alert was about is over. */
  'alert.resolved',
] as const;

/** What happens to a payout. `origin` in the data tells a processor's doing from a person's. */
export const payoutEventTypes = [
  'payout.created',
  /** It has all its approvals; its amount is reserved in the ledger. */
  'payout.approved',
  /** A transaction is being made for it. */
  'payout.in_progress',
  /** The network has its transaction; again after a reorganisation took the block away. */
  'payout.broadcast',
  'payout.confirmed',
  /** Over Lightning: a node is paying it. */
  'payout.in_flight',
  /** Nobody can say now what became of the Lightning payment; it is asked about until it is known. */
  'payout.unknown',
  /** 100 blocks deep, or received over Lightning: nothing changes it any more. */
  'payout.final',
  /** It was not paid and will not be; `reason` says why. Its amount is free again. */
  'payout.failed',
  'payout.cancelled',
  /** Its transaction was made impossible by another; the amount came back. */
  'payout.reversed',
] as const;

/** Sent on request only, to one endpoint, to try whether it works. */
export const PING_EVENT_TYPE = 'webhook.ping';

export const webhookEventTypes = [
  ...orderEventTypes,
  ...refundEventTypes,
  ...payoutEventTypes,
  ...pullPaymentEventTypes,
  ...cardEventTypes,
  ...lightningEventTypes,
  ...alertEventTypes,
  PING_EVENT_TYPE,
] as const;

export type OrderEventType = (typeof orderEventTypes)[number];
export type PayoutEventType = (typeof payoutEventTypes)[number];
export type WebhookEventType = (typeof webhookEventTypes)[number];

const status = z.enum([
  'PENDING',
  'UNCONFIRMED',
  'CONFIRMED',
  'UNDERPAID',
  'OVERPAID',
  'EXPIRED',
  'INVALID',
  'REFUNDED',
]);
/** Satoshis as a decimal string, so that no reader's floating point can touch them. */
const sats = z.string().regex(/^(0|[1-9][0-9]*)$/);
const txid = z.string().regex(/^[0-9a-f]{64}$/);

/** The order as it was right after the event; amounts are strings. */
export const orderEventDataSchema = z.object({
  orderId: z.uuid(),
  externalId: z.string().nullable(),
  status,
  previousStatus: status.optional(),
  priceCurrency: z.string(),
  /** In the currency's usual notation: "12.50" for USD, "0.00100000" for BTC. */
  priceAmount: z.string().regex(/^(0|[1-9][0-9]*)(\.[0-9]+)?$/),
  dueSats: sats,
  receivedSats: sats,
  confirmedSats: sats,
  /** What is still missing until the order is paid within its tolerance; "0" when nothing is. */
  remainingSats: sats,
  excessSats: sats,
  lateSats: sats,
  /** Absent in events from before there were checks: "0". */
  reviewSats: sats.optional(),
  /** Of what was received, paid back. */
  refundedSats: sats,
  /** The payment that the event is about. */
  payment: z
    .object({
      id: z.uuid(),
      /** Absent in events from before Lightning: onchain. */
      method: z.enum(['onchain', 'lightning']).optional(),
      /** null for a payment by Lightning, which has a payment hash instead. */
      txid: txid.nullable(),
      vout: z.int().nonnegative().nullable(),
      paymentHash: txid.nullable().optional(),
      amountSats: sats,
      state: z.enum(['seen', 'included', 'confirmed', 'final', 'replaced', 'dropped']),
      confirmations: z.int().nonnegative().optional(),
      review: z.enum(['none', 'pending', 'returned']).optional(),
    })
    .optional(),
  /** Where the payment's transaction pays the order with more than this one output: all of them. */
  transaction: z.object({ outputs: z.int().positive(), amountSats: sats }).optional(),
  /** The transaction that took the payment's place. */
  replacedBy: txid.nullable().optional(),
  /** One sentence for a person. */
  message: z.string(),
});
export type OrderEventData = z.infer<typeof orderEventDataSchema>;

/** Why an alert is told of now. */
export const alertEventCauses = [
  /** It was not there before. */
  'opened',
  /** It was resolved a short while ago and is back. */
  'reopened',
  /** Its severity has grown. */
  'escalated',
  /** It is still open, and nobody has acknowledged it. */
  'reminder',
  'resolved',
] as const;
export type AlertEventCause = (typeof alertEventCauses)[number];

/** The alert as it was right after the event. Kinds and what `data` holds may grow. */
export const alertEventDataSchema = z.object({
  alertId: z.uuid(),
  cause: z.enum(alertEventCauses),
  kind: z.string(),
  /** What it is about; one alert is open for each kind and subject. */
  subject: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
  title: z.string(),
  detail: z.string(),
  nextStep: z.string(),
  data: z.record(z.string(), z.unknown()),
  openedAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  count: z.int().positive(),
  acknowledgedAt: z.iso.datetime().nullable(),
  resolvedAt: z.iso.datetime().nullable(),
  /** One sentence for a person. */
  message: z.string(),
});
export type AlertEventData = z.infer<typeof alertEventDataSchema>;
/** The payout as it was right after the event; amounts are strings. */
export const payoutEventDataSchema = z.object({
  payoutId: z.uuid(),
  externalId: z.string().nullable(),
  source: z.enum(['api', 'batch', 'refund', 'pull_payment', 'card']),
  batchId: z.uuid().nullable(),
  refundId: z.uuid().nullable(),
  state: z.enum([
    'awaiting_approval',
    'approved',
    'in_progress',
    'broadcast',
    'confirmed',
    'in_flight',
    'unknown',
    'final',
    'failed',
    'cancelled',
  ]),
  method: z.enum(['onchain', 'lightning']),
  destination: z.string(),
  /** Rounded up where there are millisatoshis. */
  amountSats: sats,
  amountMsat: sats,
  feeShareSats: sats,
  /** Of the route, over Lightning. */
  feeMsat: sats,
  paymentHash: z.string().nullable(),
  /** The proof of payment over Lightning. */
  preimage: z.string().nullable(),
  txid: txid.nullable(),
  /** null until it is being paid. */
  origin: z.enum(['processor_auto', 'manual']).nullable(),
  /** A stable code; see the payouts' documentation. */
  reason: z.string().nullable(),
  /** One sentence for a person. */
  message: z.string(),
});

export const pingEventDataSchema = z.object({ endpointId: z.uuid(), message: z.string() });

/** Body of a Standard Webhooks delivery. `id` is also the header `webhook-id`. */
const envelope = { id: z.uuid(), timestamp: z.iso.datetime() };
export const webhookEventSchema = z.discriminatedUnion('type', [
  z.object({ ...envelope, type: z.enum(orderEventTypes), data: orderEventDataSchema }),
  z.object({ ...envelope, type: z.enum(alertEventTypes), data: alertEventDataSchema }),
  z.object({ ...envelope, type: z.enum(refundEventTypes), data: refundEventDataSchema }),
  z.object({ ...envelope, type: z.enum(payoutEventTypes), data: payoutEventDataSchema }),
  z.object({
    ...envelope,
    type: z.enum(pullPaymentEventTypes),
    data: pullPaymentEventDataSchema,
  }),
  z.object({ ...envelope, type: z.enum(cardEventTypes), data: cardEventDataSchema }),
  z.object({ ...envelope, type: z.enum(lightningEventTypes), data: lightningEventDataSchema }),
  z.object({ ...envelope, type: z.literal(PING_EVENT_TYPE), data: pingEventDataSchema }),
]);
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** Body of a classic delivery: one for each change of status, nothing else. */
export const classicWebhookSchema = z.object({
  orderId: z.uuid(),
  status,
  message: z.string(),
  timestamp: z.iso.datetime(),
});
export type ClassicWebhook = z.infer<typeof classicWebhookSchema>;
/** The only events that a classic endpoint hears of. */
export const classicEventTypes = ['order.status_changed'] as const;
