import { z } from 'zod';
import {
  decimalText,
  msatsText,
  personText,
  satsText,
  timestamp,
  timestampInput,
  txidText,
  uuidText,
} from './fields.ts';
import { lightningFailureClasses } from './lightning.ts';
import { lightningStrategyInputSchema, lightningStrategySchema } from './lightning-strategies.ts';
import { lockedRateSchema, metadataSchema } from './orders.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

export const payoutStates = [
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
] as const;
export type PayoutState = (typeof payoutStates)[number];

export const payoutStateSchema = z.enum(payoutStates).meta({
  id: 'PayoutState',
  description:
    'awaiting_approval: nothing is reserved. approved: the amount is reserved, a processor or a ' +
    'person may pay it. failed, cancelled: nothing was paid and nothing will be. On chain: ' +
    'in_progress: a transaction is being made. broadcast: the network has it. confirmed: in a ' +
    'block. final: 100 blocks deep. Over Lightning: in_flight: the node is paying. unknown: nobody ' +
    'can say now what became of it; it is asked about until it is known. final: the recipient has ' +
    'it, and there is a proof.',
});

/** Why a payout waits or has failed. A reason is never renamed; the list grows. */
export const payoutReasons = [
  'insufficient_funds',
  'fee_above_limit',
  'fee_share_above_limit',
  'output_below_dust',
  'too_many_outputs',
  'no_fee_estimate',
  'signer_unavailable',
  'signer_refused',
  'awaiting_signature',
  'node_unavailable',
  'broadcast_refused',
  'fee_too_low',
  'coin_gone',
  'conflict_not_final',
  'cancelled',
  'limit_per_payout',
  'limit_per_day',
  'destination_not_allowed',
  'destination_held',
  'transaction_failed',
  'transaction_reversed',
  'too_many_attempts',
  /** The strategy's time is over. */
  'time_over',
  /** History gives what is left of the strategy next to no chance. */
  'unlikely',
  ...lightningFailureClasses.filter(isNewReason),
] as const;

/** The node's silence has one name, whichever node it is. */
function isNewReason<Class extends string>(
  name: Class,
): name is Exclude<Class, 'node_unavailable'> {
  return name !== 'node_unavailable';
}
export type PayoutReason = (typeof payoutReasons)[number];

export const payoutOrigins = ['processor_auto', 'manual'] as const;
export const payoutSources = ['api', 'batch', 'refund', 'pull_payment', 'card'] as const;
export type PayoutSource = (typeof payoutSources)[number];
export const feePayers = ['sender', 'recipient'] as const;
export const payoutMethods = ['onchain', 'lightning'] as const;
export type PayoutMethod = (typeof payoutMethods)[number];
/** What a destination was read as. */
export const payoutDestinationKinds = [
  'address',
  'bolt11',
  'lightning_address',
  'lnurl',
  'bolt12',
] as const;
export type PayoutDestinationKind = (typeof payoutDestinationKinds)[number];

/** Invoices with many route hints, and offers with several paths, are this long. */
export const MAX_DESTINATION_LENGTH = 7_200;
/** Fits the external ids of orders. */
const externalId = personText({ min: 1, max: 200 }).meta({
  description: 'Your own name for the payout; need not be unique',
  examples: ['salary-2026-03-17'],
});
const description = personText({ max: 500 }).meta({ examples: ['Payout of March'] });

export const payoutDestinationText = z
  .string()
  .min(1)
  .max(MAX_DESTINATION_LENGTH)
  .regex(/^[!-~]+$/, 'write an address, an invoice or a Lightning address, without spaces')
  .meta({
    description:
      'A Bitcoin address of this network; or, paid over Lightning: a BOLT 11 invoice, a Lightning ' +
      'address (name@domain), an LNURL-pay code or a BOLT 12 offer',
    examples: ['bc1q…', 'lnbc…', 'anna@shop.example'],
  });

export const createPayoutSchema = z
  .strictObject({
    destination: payoutDestinationText,
    amount: decimalText.optional().meta({
      description:
        'In `currency`, as text; at most as many decimals as it has. May be left out, with the ' +
        'currency, for an invoice that has an amount',
      examples: ['0.00250000'],
    }),
    currency: z
      .string()
      .regex(/^[A-Z]{3,4}$/, 'write a currency code such as "BTC", "SAT" or "EUR"')
      .optional()
      .meta({
        description:
          'BTC, SAT (whole satoshis), MSAT (over Lightning only) or an ISO 4217 code, which is converted at a rate that is ' +
          'locked now, without the spread of your rate rule, rounded up to whole satoshis',
        examples: ['BTC'],
      }),
    feeFrom: z
      .enum(feePayers)
      .optional()
      .meta({ description: "Who bears the network's fee; by default the sender" }),
    maxFeeShareSats: satsText.optional().meta({
      description:
        'With feeFrom recipient: by how much the output may be lower than the amount; by default ' +
        'a tenth of it',
    }),
    walletId: uuidText
      .optional()
      .meta({ description: "Which wallet pays on chain; by default the store's active one" }),
    lightning: z
      .strictObject({
        maxFeeMsat: msatsText.optional().meta({
          description: 'The most that routes may cost; by default as the processor or store says',
        }),
        strategy: lightningStrategyInputSchema.optional(),
      })
      .optional()
      .meta({ id: 'CreateLightningPayout', description: 'For destinations of Lightning only' }),
    externalId: externalId.optional(),
    description: description.optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'CreatePayout' });
export type CreatePayout = z.infer<typeof createPayoutSchema>;

/** What a person's key signs and when it ends is described with the signer (approvals). */
export const approvePayoutSchema = z
  .strictObject({
    signature: z
      .strictObject({
        approver: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "write an approver's id")
          .meta({ description: "Names the person's key in the signer's policy" }),
        expiresAt: timestampInput.meta({ description: 'To the second or millisecond' }),
        signature: z
          .string()
          .regex(/^[0-9a-f]{128}$/, 'write 128 lower-case hexadecimal digits')
          .meta({ description: "Ed25519 over the payout's terms" }),
      })
      .optional()
      .meta({ description: "A person's signature for the signer, which checks it itself" }),
  })
  .nullish();
export type ApprovePayout = z.infer<typeof approvePayoutSchema>;

export const payPayoutSchema = z
  .strictObject({
    targetBlocks: z
      .int()
      .min(1)
      .max(1_008)
      .optional()
      .meta({ description: 'Within so many blocks it should confirm; by default 6' }),
    maxFeeRateSatPerVb: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'Above this fee rate it is not paid; by default 200' }),
  })
  .nullish();
export type PayPayout = z.infer<typeof payPayoutSchema>;

export const payoutApprovalSchema = z
  .strictObject({
    by: z.string().meta({ description: 'The API key or the processor that approved' }),
    approver: z.string().nullable().meta({ description: "The person's key, where one signed" }),
    at: timestamp,
    expiresAt: timestamp.nullable().meta({ description: 'Of the signature' }),
  })
  .meta({ id: 'PayoutApproval' });

export const payoutReasonSchema = z
  .strictObject({
    code: z.string().meta({ examples: ['insufficient_funds'] }),
    retryable: z.boolean().meta({ description: 'It is tried again by itself' }),
    message: z.string().meta({ description: 'For you: what it is and what to do' }),
    recipientMessage: z.string().meta({ description: 'What the recipient may be told' }),
  })
  .meta({ id: 'PayoutReason' });

export const payoutSchema = z
  .strictObject({
    id: uuidText,
    merchantId: uuidText,
    externalId: z.string().nullable(),
    source: z.enum(payoutSources),
    batchId: uuidText.nullable(),
    refundId: uuidText.nullable(),
    method: z.enum(payoutMethods),
    destination: z.string(),
    destinationKind: z.enum(payoutDestinationKinds),
    script: z
      .string()
      .nullable()
      .meta({ description: 'The output script, hexadecimal; null over Lightning' }),
    amountSats: satsText.meta({ description: 'Rounded up where there are millisatoshis' }),
    amountMsat: msatsText,
    amountBtc: decimalText,
    price: z
      .strictObject({ amount: decimalText, currency: z.string(), rate: lockedRateSchema })
      .nullable()
      .meta({ id: 'PayoutPrice', description: 'What was asked for, when not in bitcoin' }),
    feeFrom: z.enum(feePayers),
    maxFeeShareSats: satsText,
    feeShareSats: satsText.meta({ description: "Its part of the transaction's fee, by weight" }),
    description: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    state: payoutStateSchema,
    reason: payoutReasonSchema
      .nullable()
      .meta({ description: 'Why it waits or has failed; null when nothing is wrong' }),
    origin: z
      .enum(payoutOrigins)
      .nullable()
      .meta({ description: 'Whether a processor or a person had it paid; null before' }),
    approvalsNeeded: z.int().min(0),
    approvals: z.array(payoutApprovalSchema),
    walletId: uuidText.nullable().meta({ description: 'null over Lightning' }),
    processorId: uuidText.nullable(),
    spendId: uuidText.nullable(),
    txid: txidText.nullable(),
    lightning: z
      .strictObject({
        expiresAt: timestamp
          .nullable()
          .meta({ description: 'End of the invoice; null where each attempt gets a fresh one' }),
        maxFeeMsat: msatsText.meta({ description: 'Reserved for the fees of the route' }),
        feeMsat: msatsText.meta({ description: 'What the route did cost' }),
        strategy: lightningStrategySchema
          .nullable()
          .meta({ description: 'null: as the processor or the store says' }),
        attemptId: uuidText.nullable().meta({ description: 'The present or last attempt' }),
        lastFailure: payoutReasonSchema
          .nullable()
          .meta({ description: 'Why the last attempt failed; all of them at …/attempts' }),
        paymentHash: z.string().nullable(),
        preimage: z.string().nullable().meta({ description: 'Proves that the recipient has it' }),
      })
      .nullable()
      .meta({ id: 'PayoutLightning', description: 'null on chain' }),
    attempts: z.int().min(0),
    notBefore: timestamp
      .nullable()
      .meta({ description: 'The processor leaves it alone until then' }),
    version: z.int().min(1),
    createdBy: z.string(),
    createdAt: timestamp,
    approvedAt: timestamp.nullable(),
    broadcastAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    updatedAt: timestamp,
  })
  .meta({ id: 'Payout' });
export type Payout = z.infer<typeof payoutSchema>;

export const payoutPageSchema = pageOf(payoutSchema).meta({ id: 'PayoutPage' });
export type PayoutPage = z.infer<typeof payoutPageSchema>;

export const payoutListQuerySchema = pageQuerySchema.extend({
  state: payoutStateSchema.optional(),
  batch_id: uuidText.optional(),
  external_id: externalId.optional(),
});

export const payoutSummarySchema = z
  .strictObject({
    states: z.array(
      z.strictObject({
        state: payoutStateSchema,
        count: z.int().min(0),
        amountSats: satsText,
        oldestSince: timestamp
          .nullable()
          .meta({ description: 'Last change of the oldest of them' }),
      }),
    ),
    reasons: z.array(
      z.strictObject({
        reason: z.string(),
        state: payoutStateSchema,
        count: z.int().min(0),
        amountSats: satsText,
      }),
    ),
    ledger: z.strictObject({
      availableSats: z
        .string()
        .regex(/^-?[0-9]+$/)
        .meta({ description: 'What can be approved; negative when it is owed' }),
      reservedSats: satsText.meta({ description: 'Approved and not yet broadcast' }),
    }),
    at: timestamp,
  })
  .meta({ id: 'PayoutSummary' });
export type PayoutSummary = z.infer<typeof payoutSummarySchema>;
