import { z } from 'zod';
import { personText, satsText, timestamp, uuidText } from './fields.ts';
import {
  createLightningProcessorSchema,
  lightningProcessorFields,
} from './lightning-processors.ts';
import { lightningStrategyInputSchema } from './lightning-strategies.ts';
import { pageOf } from './pages.ts';
import { approvalRulesSchema } from './payout-policy.ts';
import { payoutDestinationText, payoutSources } from './payouts.ts';

/** Output scripts that an address can name (BIP16, BIP141, BIP341). */
export const destinationTypes = ['p2pkh', 'p2sh', 'p2wpkh', 'p2wsh', 'p2tr'] as const;
export type DestinationType = (typeof destinationTypes)[number];

/** A longer list belongs into screening. */
const MAX_LISTED_DESTINATIONS = 1_000;
/** A day: who pays less often pays by hand. */
const MAX_INTERVAL_SECONDS = 86_400;

const destinations = z.array(payoutDestinationText).max(MAX_LISTED_DESTINATIONS);

const fields = {
  name: personText({ min: 1, max: 100 }),
  intervalSeconds: z
    .int()
    .min(0)
    .max(MAX_INTERVAL_SECONDS)
    .meta({ description: '0: at once, when a payout is approved' }),
  threshold: z
    .strictObject({
      minSats: satsText.nullable(),
      minCount: z.int().min(1).max(1_000).nullable(),
      maxWaitSeconds: z.int().min(1).max(2_592_000).nullable(),
    })
    .meta({
      id: 'ProcessorThreshold',
      description:
        'It pays once the approved payouts reach the sum or the number, or the oldest has waited ' +
        'so long. Without any it pays whatever there is.',
    }),
  feePolicy: z
    .strictObject({
      targetBlocks: z.int().min(1).max(1_008),
      maxFeeRateSatPerVb: z.int().min(1).max(10_000),
      maxFeeShareBps: z
        .int()
        .min(1)
        .max(10_000)
        .meta({ description: 'The fee at most, in hundredths of a per cent of the sum paid' }),
    })
    .meta({ id: 'ProcessorFeePolicy' }),
  limits: z
    .strictObject({ perPayoutMaxSats: satsText.nullable(), perDayMaxSats: satsText.nullable() })
    .meta({ id: 'ProcessorLimits', description: 'Per day: what it has begun in 24 hours' }),
  destinations: z
    .strictObject({
      types: z
        .array(z.enum(destinationTypes))
        .min(1)
        .max(destinationTypes.length)
        .meta({ description: 'Kinds of addresses that it pays' }),
      allow: destinations.nullable().meta({ description: 'Only these; null: all' }),
      deny: destinations,
    })
    .meta({ id: 'ProcessorDestinations' }),
  approvalRules: approvalRulesSchema,
  autoApprove: z
    .strictObject({
      maxSats: satsText,
      sources: z.array(z.enum(payoutSources)).min(1).max(payoutSources.length),
    })
    .nullable()
    .meta({
      id: 'AutoApprove',
      description:
        'Payouts of these sources up to this amount need nobody’s approval, unless a rule asks ' +
        'for more than one. null: none.',
    }),
  retries: z
    .strictObject({
      maxAttempts: z.int().min(1).max(100),
      delaySeconds: z.int().min(1).max(86_400).meta({ description: 'Doubles with each attempt' }),
    })
    .meta({ id: 'ProcessorRetries' }),
  batchSize: z
    .int()
    .min(1)
    .max(1_000)
    .meta({ description: 'Payouts in one transaction, which share its fee by weight' }),
  lowWalletSats: satsText
    .nullable()
    .meta({ description: 'Below this an alert tells that the wallet runs low' }),
  paused: z.boolean(),
} as const;

export const createOnchainProcessorSchema = z
  .strictObject({
    name: fields.name.optional(),
    kind: z.literal('onchain'),
    walletId: uuidText.optional().meta({ description: "By default the store's active wallet" }),
    intervalSeconds: fields.intervalSeconds.optional(),
    threshold: fields.threshold.optional(),
    feePolicy: fields.feePolicy.optional(),
    limits: fields.limits.optional(),
    destinations: fields.destinations.optional(),
    approvalRules: fields.approvalRules.optional(),
    autoApprove: fields.autoApprove.optional(),
    retries: fields.retries.optional(),
    batchSize: fields.batchSize.optional(),
    lowWalletSats: fields.lowWalletSats.optional(),
    paused: fields.paused.optional(),
  })
  .meta({ id: 'CreateOnchainProcessor' });
export type CreateOnchainProcessor = z.infer<typeof createOnchainProcessorSchema>;

export const createPayoutProcessorSchema = z
  .discriminatedUnion('kind', [createOnchainProcessorSchema, createLightningProcessorSchema])
  .meta({ id: 'CreatePayoutProcessor' });
export type CreatePayoutProcessor = z.infer<typeof createPayoutProcessorSchema>;

export const updateOnchainProcessorSchema = z.strictObject(fields).partial();
export type UpdateOnchainProcessor = z.infer<typeof updateOnchainProcessorSchema>;

/** Which fields there are depends on the processor's kind; the server says when one does not fit. */
export const updatePayoutProcessorSchema = z
  .strictObject({
    ...lightningProcessorFields,
    ...fields,
    strategy: lightningStrategyInputSchema.nullable(),
    destinations: z.union([fields.destinations, lightningProcessorFields.destinations]),
  })
  .partial()
  .meta({ id: 'UpdatePayoutProcessor', description: 'What is not named stays as it is' });
export type UpdatePayoutProcessor = z.infer<typeof updatePayoutProcessorSchema>;

const settings = z.strictObject(fields);
export type PayoutProcessorSettings = z.infer<typeof settings>;
export const payoutProcessorSettingsSchema = settings;

/** Careful without being useless: nothing is approved by itself, and fees have a ceiling. */
export const defaultPayoutProcessor: PayoutProcessorSettings = {
  name: 'On-chain payouts',
  intervalSeconds: 600,
  threshold: { minSats: null, minCount: null, maxWaitSeconds: null },
  feePolicy: { targetBlocks: 6, maxFeeRateSatPerVb: 100, maxFeeShareBps: 500 },
  limits: { perPayoutMaxSats: null, perDayMaxSats: null },
  destinations: { types: [...destinationTypes], allow: null, deny: [] },
  approvalRules: [],
  autoApprove: null,
  retries: { maxAttempts: 10, delaySeconds: 60 },
  batchSize: 100,
  lowWalletSats: null,
  paused: false,
};

const run = {
  createdAt: timestamp,
  updatedAt: timestamp,
  lastRunAt: timestamp.nullable(),
  lastOutcome: z
    .string()
    .nullable()
    .meta({ description: 'paid, nothing_to_do, below_threshold, or why nothing was paid' }),
};
const own = { id: uuidText, merchantId: uuidText };

export const onchainProcessorSchema = z
  .strictObject({ ...own, kind: z.literal('onchain'), walletId: uuidText, ...fields, ...run })
  .meta({ id: 'OnchainProcessor' });
export type OnchainProcessor = z.infer<typeof onchainProcessorSchema>;
export const lightningProcessorSchema = z
  .strictObject({
    ...own,
    ...{ kind: z.literal('lightning'), walletId: z.null() },
    ...lightningProcessorFields,
    ...run,
  })
  .meta({ id: 'LightningProcessor' });
export type LightningProcessor = z.infer<typeof lightningProcessorSchema>;
export const payoutProcessorSchema = z
  .discriminatedUnion('kind', [onchainProcessorSchema, lightningProcessorSchema])
  .meta({ id: 'PayoutProcessor' });
export type PayoutProcessor = z.infer<typeof payoutProcessorSchema>;

export const payoutProcessorPageSchema = pageOf(payoutProcessorSchema).meta({
  id: 'PayoutProcessorPage',
});

export const payoutProcessorDryRunSchema = z
  .strictObject({
    outcome: z.string().meta({ description: 'What a run would end in now' }),
    payouts: z.array(
      z.strictObject({
        payoutId: uuidText,
        destination: z.string(),
        amountSats: satsText,
        feeShareSats: satsText,
        receivesSats: satsText,
      }),
    ),
    refused: z.array(
      z.strictObject({ payoutId: uuidText, reason: z.string(), message: z.string() }),
    ),
    transaction: z
      .strictObject({
        inputs: z.int().min(1),
        outputs: z.int().min(1),
        vsize: z.int().min(1),
        feeSats: satsText,
        feeRateSatPerVb: z.string(),
        changeSats: satsText.nullable(),
      })
      .nullable()
      .meta({ id: 'DryRunTransaction' }),
    totalSats: satsText,
    at: timestamp,
  })
  .meta({ id: 'PayoutProcessorDryRun' });
export type PayoutProcessorDryRun = z.infer<typeof payoutProcessorDryRunSchema>;
