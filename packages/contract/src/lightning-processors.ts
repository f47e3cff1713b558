import { z } from 'zod';
import { msatsText, personText, satsText, uuidText } from './fields.ts';
import { defaultLightningFeeCap, lightningFeeCapSchema } from './lightning-fees.ts';
import { lightningStrategyInputSchema, lightningStrategySchema } from './lightning-strategies.ts';
import { approvalRulesSchema } from './payout-policy.ts';
import { payoutDestinationKinds, payoutSources } from './payouts.ts';

/** A longer list belongs into screening. */
const MAX_LISTED = 1_000;
/** A day: who pays less often pays by hand. */
const MAX_INTERVAL_SECONDS = 86_400;
/** A node takes so many payments at once without their getting into each other's way. */
const MAX_CONCURRENCY = 50;

const listed = z
  .array(
    z
      .string()
      .min(1)
      .max(320)
      .regex(/^[!-~]+$/),
  )
  .max(MAX_LISTED);

export const lightningProcessorFields = {
  name: personText({ min: 1, max: 100 }),
  intervalSeconds: z.int().min(0).max(MAX_INTERVAL_SECONDS).meta({
    description: 'How often new payouts are begun; 0: at once. Retries follow the strategy',
  }),
  limits: z
    .strictObject({ perPayoutMaxSats: satsText.nullable(), perDayMaxSats: satsText.nullable() })
    .meta({ id: 'LightningProcessorLimits', description: 'Per day: begun in 24 hours' }),
  destinations: z
    .strictObject({
      kinds: z.array(z.enum(payoutDestinationKinds)).min(1),
      allow: listed.nullable().meta({
        description: 'Only these: Lightning addresses, domains of them, or node ids; null: all',
      }),
      deny: listed,
    })
    .meta({ id: 'LightningProcessorDestinations' }),
  approvalRules: approvalRulesSchema,
  autoApprove: z
    .strictObject({
      maxSats: satsText,
      sources: z.array(z.enum(payoutSources)).min(1).max(payoutSources.length),
    })
    .nullable()
    .meta({ id: 'LightningAutoApprove' }),
  feeCap: lightningFeeCapSchema,
  concurrency: z.int().min(1).max(MAX_CONCURRENCY).meta({ description: 'Payments at once' }),
  strategy: lightningStrategySchema.nullable().meta({ description: 'null: as the store says' }),
  lowOutboundSats: satsText
    .nullable()
    .meta({ description: 'Below this an alert tells that little can be sent' }),
  paused: z.boolean(),
} as const;

const settings = z.strictObject(lightningProcessorFields);
export const lightningProcessorSettingsSchema = settings;
export type LightningProcessorSettings = z.infer<typeof settings>;

export const createLightningProcessorSchema = z
  .strictObject({
    kind: z.literal('lightning'),
    ...settings.partial().shape,
    strategy: lightningStrategyInputSchema.nullable().optional(),
  })
  .meta({ id: 'CreateLightningProcessor' });
export type CreateLightningProcessor = z.infer<typeof createLightningProcessorSchema>;

/** Careful without being useless: nothing is approved by itself, and fees have a ceiling. */
export const defaultLightningProcessor: LightningProcessorSettings = {
  name: 'Lightning payouts',
  intervalSeconds: 0,
  limits: { perPayoutMaxSats: null, perDayMaxSats: null },
  destinations: {
    kinds: ['bolt11', 'lightning_address', 'lnurl', 'bolt12'],
    allow: null,
    deny: [],
  },
  approvalRules: [],
  autoApprove: null,
  feeCap: defaultLightningFeeCap,
  concurrency: 5,
  strategy: null,
  lowOutboundSats: null,
  paused: false,
};

/** What a run would do now, and what stands against it. */
export const lightningDryRunSchema = z
  .strictObject({
    outcome: z.string(),
    payouts: z.array(
      z.strictObject({
        payoutId: uuidText,
        destination: z.string(),
        amountMsat: msatsText,
        maxFeeMsat: msatsText,
        action: z.enum(['send', 'wait', 'give_up', 'hold']),
        reason: z.string().nullable(),
        message: z.string(),
      }),
    ),
    totalMsat: msatsText,
    sendableMsat: msatsText.nullable().meta({ description: 'null: the node did not say' }),
    at: z.string(),
  })
  .meta({ id: 'LightningProcessorDryRun' });
export type LightningDryRun = z.infer<typeof lightningDryRunSchema>;
