import { z } from 'zod';
import {
  currencyCode,
  decimalText,
  personText,
  satsText,
  timestamp,
  txidText,
  uuidText,
} from './fields.ts';
import { lockedRateSchema } from './orders.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** A customer may be on holiday; a link that pays money is not for ever. */
export const MIN_CLAIM_SECONDS = 3_600;
export const MAX_CLAIM_SECONDS = 31_536_000;
/** Longest address that exists is a segwit one of 90 characters (BIP173). */
const MAX_ADDRESS_LENGTH = 90;

export const refundStates = [
  'PENDING',
  'SENT',
  'CONFIRMED',
  'FAILED',
  'CANCELLED',
  'EXPIRED',
] as const;
export type RefundState = (typeof refundStates)[number];
export const refundStateSchema = z.enum(refundStates).meta({
  id: 'RefundState',
  description:
    'PENDING: promised; waits for an address, an approval or its payment. SENT: its transaction ' +
    'is in the network. CONFIRMED: in a block. FAILED, CANCELLED, EXPIRED (not claimed in time): ' +
    'nothing was paid, and the amount may be refunded anew.',
});

export const refundModes = ['full', 'partial', 'overpaid', 'late', 'custom'] as const;
export type RefundMode = (typeof refundModes)[number];
export const refundFeePayers = ['merchant', 'customer'] as const;

const address = z.string().min(1).max(MAX_ADDRESS_LENGTH).meta({ description: 'Bitcoin address' });

const refundChoice = {
  mode: z.enum(refundModes).meta({
    description:
      'full: all that is left of what was received. partial: `amount` of the price, in its ' +
      'currency. overpaid: what was paid above the price. late: what is held and counts for no ' +
      'order. custom: exactly `amount` in `currency` is paid.',
  }),
  amount: decimalText.optional().meta({ description: 'For partial and custom' }),
  currency: currencyCode.optional().meta({
    description: "For custom: BTC (the default) or the order's currency, at today's rate",
  }),
  rate: z
    .enum(['original', 'current'])
    .default('original')
    .meta({
      description:
        "original: as many bitcoin as were paid for it. current: as many as it is worth at today's " +
        'rate, which may be more than was received',
    }),
  deductionBps: z.int().min(0).max(9_999).optional().meta({
    description: 'Hundredths of a per cent that you keep',
  }),
  deductionSats: satsText
    .optional()
    .meta({ description: 'What you keep; instead of deductionBps' }),
  feeFrom: z.enum(refundFeePayers).optional().meta({
    description: "Who pays the network's fee; by default as the store's settings say",
  }),
  acceptAboveReceived: z.boolean().default(false).meta({
    description: 'Needed where more is paid than the basis was: a choice, never an accident',
  }),
  destination: z
    .enum(['claim', 'address', 'source'])
    .default('claim')
    .meta({
      description:
        'claim: the customer names an address on a page. address: you name it. source: back to an ' +
        'address that the payment came from, which may not be the customer’s (see preview).',
    }),
  address: address.optional().meta({ description: 'For address, and for source to choose one' }),
  acceptSourceRisk: z.boolean().default(false).meta({
    description: 'Needed for source, once the warnings of the preview have been read',
  }),
  proofRequired: z.boolean().default(false).meta({
    description: 'The customer proves by signature that the address is his own (BIP322)',
  }),
  claimExpiresInSeconds: z.int().min(MIN_CLAIM_SECONDS).max(MAX_CLAIM_SECONDS).optional(),
  note: personText({ min: 1, max: 500 })
    .optional()
    .meta({ description: 'Why; the customer reads it on the claim page' }),
};

export const createRefundSchema = z.strictObject(refundChoice).meta({ id: 'CreateRefund' });
export type CreateRefund = z.output<typeof createRefundSchema>;
export type CreateRefundInput = z.input<typeof createRefundSchema>;

const amounts = {
  mode: z.enum(refundModes),
  rateMode: z.enum(['original', 'current']),
  rate: lockedRateSchema.nullable().meta({ description: 'That the amount was reckoned at' }),
  basisSats: satsText.meta({ description: 'What it takes of what the order received' }),
  fromMerchantSats: satsText.meta({ description: 'Of the basis: your money' }),
  fromExcessSats: satsText.meta({ description: 'Of the basis: what was paid too much' }),
  fromHeldSats: satsText.meta({ description: 'Of the basis: held, counts for no order' }),
  grossSats: satsText.meta({ description: 'The worth of the basis at its rate' }),
  deductionSats: satsText.meta({ description: 'What you keep' }),
  payoutSats: satsText.meta({ description: 'What is paid: gross less deduction' }),
  payoutBtc: decimalText,
  valueCurrency: currencyCode,
  valueAmount: decimalText.meta({ description: "What is paid, in the order's currency" }),
  feeFrom: z.enum(refundFeePayers),
};

export const refundSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    orderId: uuidText,
    state: refundStateSchema,
    reason: z.string().nullable().meta({ description: 'Why it is where it is: a stable code' }),
    held: z.boolean().meta({
      description:
        'The payment that it returns has left the chain: nothing is paid until it is back',
    }),
    note: z.string().nullable(),
    ...amounts,
    feeShareSats: satsText.meta({ description: 'Network fee taken off what the customer gets' }),
    destination: z.enum(['claim', 'address', 'source']),
    proofRequired: z.boolean(),
    proof: z.string().nullable().meta({ description: 'BIP322 signature that was given' }),
    address: z.string().nullable(),
    claimExpiresAt: timestamp.nullable(),
    claimedAt: timestamp.nullable(),
    payoutId: uuidText.nullable(),
    txid: txidText.nullable(),
    createdAt: timestamp,
    sentAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    updatedAt: timestamp,
    version: z.int().min(1),
  })
  .meta({ id: 'Refund' });
export type Refund = z.infer<typeof refundSchema>;

export const createdRefundSchema = refundSchema
  .extend({
    claimUrl: z
      .string()
      .nullable()
      .meta({
        description:
          'Give it to the customer and to nobody else: whoever opens it names the address. It is ' +
          'shown once. null where no claim is needed.',
      }),
  })
  .meta({ id: 'CreatedRefund' });
export type CreatedRefund = z.infer<typeof createdRefundSchema>;

/** Where a payment came from, as far as its own transaction and our record tell. */
export const refundSourceSchema = z
  .strictObject({
    txid: txidText.meta({ description: 'The payment' }),
    inputs: z.int().min(1),
    unknownInputs: z.int().min(0).meta({ description: 'Inputs whose address can not be told' }),
    addresses: z.array(z.string()),
    warnings: z.array(z.string()).meta({ description: 'Stable codes' }),
  })
  .meta({ id: 'RefundSource' });
export type RefundSource = z.infer<typeof refundSourceSchema>;

export const refundPreviewSchema = z
  .strictObject({
    ...amounts,
    refundableSats: satsText.meta({ description: 'What is left of what was received' }),
    aboveReceived: z.boolean().meta({ description: 'More is paid than the basis was' }),
    sources: z.array(refundSourceSchema),
    sourceWarnings: z.array(z.strictObject({ code: z.string(), text: z.string() })),
  })
  .meta({ id: 'RefundPreview' });
export type RefundPreview = z.infer<typeof refundPreviewSchema>;

export const refundPageSchema = pageOf(refundSchema).meta({ id: 'RefundPage' });
export const refundListQuerySchema = pageQuerySchema.extend({
  state: refundStateSchema.optional(),
});

/** What a merchant is told of a refund, and when. */
export const refundEventTypes = [
  'refund.created',
  /** An address was named; a payout was made for it. */
  'refund.claimed',
  /** Its transaction is in the network. */
  'refund.sent',
  'refund.confirmed',
  /** It will not be paid; `reason` says why. The amount may be refunded anew. */
  'refund.failed',
  'refund.cancelled',
  /** Nobody claimed it in time. */
  'refund.expired',
  /** The payment that it returns has left the chain; it waits until the payment is back. */
  'refund.held',
  'refund.resumed',
  /** Its transaction left its block, or can not be mined any more: `state` says where it is now. */
  'refund.reversed',
] as const;
export type RefundEventType = (typeof refundEventTypes)[number];

export const refundEventDataSchema = z.object({
  refundId: uuidText,
  orderId: uuidText,
  externalId: z.string().nullable(),
  state: z.enum(refundStates),
  reason: z.string().nullable(),
  held: z.boolean(),
  mode: z.enum(refundModes),
  basisSats: satsText,
  payoutSats: satsText,
  feeShareSats: satsText,
  valueCurrency: z.string(),
  valueAmount: decimalText,
  feeFrom: z.enum(refundFeePayers),
  address: z.string().nullable(),
  payoutId: uuidText.nullable(),
  txid: txidText.nullable(),
  /** Who set its payment off; null before. */
  origin: z.enum(['processor_auto', 'manual']).nullable(),
  message: z.string(),
});
export type RefundEventData = z.infer<typeof refundEventDataSchema>;
