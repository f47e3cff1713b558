import { z } from 'zod';
import { timestamp, timestampInput } from './fields.ts';

/**
 * How a Lightning payout goes on between attempts (ADR 0014).
 * - immediate: again at once, with small pauses that grow
 * - tiered: every two minutes at first, every ten later, then it ends
 * - fast_fail: one budget of seconds, then the money is free: for cards and others without a screen
 * - manual: never by itself; it is sent when a person asks
 */
export const lightningStrategyKinds = ['immediate', 'tiered', 'fast_fail', 'manual'] as const;
export type LightningStrategyKind = (typeof lightningStrategyKinds)[number];

/** More attempts than this are not patience but a mistake: each is a row and an HTLC at risk. */
export const MAX_LIGHTNING_ATTEMPTS = 100;
/** A week: the longest that money is held for a payout that nobody looks after. */
const MAX_GIVE_UP_SECONDS = 604_800;
const MAX_TIERS = 5;

const attemptTimeoutSeconds = z
  .int()
  .min(3)
  .max(600)
  .meta({ description: 'How long the node may try paths in one attempt' });
const expiryMarginSeconds = z
  .int()
  .min(5)
  .max(600)
  .meta({ description: 'An attempt has to be over so long before the invoice expires' });
const maxAttempts = z
  .int()
  .min(1)
  .max(MAX_LIGHTNING_ATTEMPTS)
  .meta({ description: 'Then the payout fails and its money is free' });
const giveUpAfterSeconds = z
  .int()
  .min(10)
  .max(MAX_GIVE_UP_SECONDS)
  .meta({ description: 'No attempt lasts beyond this, counted from the approval' });
const prediction = z
  .strictObject({
    use: z.boolean().meta({ description: 'Whether past attempts are asked at all' }),
    giveUpBelowPercent: z
      .int()
      .min(0)
      .max(50)
      .meta({
        description:
          'After an attempt, give up when all that are left have together a lower chance than ' +
          'this, as far as history tells. 0: never. A first attempt is always made.',
      }),
    maxStretchPercent: z.int().min(100).max(1_000).meta({
      description: 'A pause may be longer than configured, up to this, where history says so',
    }),
  })
  .meta({ id: 'LightningStrategyPrediction' });

const timing = { attemptTimeoutSeconds, expiryMarginSeconds };
const tierSchema = z
  .strictObject({
    pauses: z.int().min(1).max(MAX_LIGHTNING_ATTEMPTS).meta({
      description: 'How many pauses are of this length; the last tier goes on to the maximum',
    }),
    pauseSeconds: z.int().min(1).max(86_400),
  })
  .meta({ id: 'LightningStrategyTier' });

const immediateFields = {
  maxAttempts,
  firstPauseSeconds: z.int().min(1).max(60),
  growthPercent: z.int().min(100).max(1_000).meta({ description: '200: each pause doubles' }),
  maxPauseSeconds: z.int().min(1).max(3_600),
  giveUpAfterSeconds,
  ...timing,
  prediction,
};
const tieredFields = {
  maxAttempts,
  tiers: z.array(tierSchema).min(1).max(MAX_TIERS).meta({ description: 'Pauses never shrink' }),
  giveUpAfterSeconds,
  ...timing,
  prediction,
};
const fastFailFields = {
  budgetSeconds: z.int().min(5).max(300).meta({ description: 'From the approval to the end' }),
  maxAttempts,
  pauseSeconds: z.int().min(1).max(60),
  ...timing,
  prediction,
};
const manualFields = { maxAttempts, giveUpAfterSeconds, ...timing, prediction };

const PAUSES_SHRINK = 'a later tier has a shorter pause than an earlier one';
const FIRST_ABOVE_MAX = 'the first pause is longer than the longest';

const immediateSchema = z
  .strictObject({ kind: z.literal('immediate'), ...immediateFields })
  .refine(({ firstPauseSeconds, maxPauseSeconds }) => firstPauseSeconds <= maxPauseSeconds, {
    error: FIRST_ABOVE_MAX,
    path: ['firstPauseSeconds'],
  })
  .meta({ id: 'ImmediateStrategy' });
const tieredSchema = z
  .strictObject({ kind: z.literal('tiered'), ...tieredFields })
  .refine(
    ({ tiers }) => tiers.every((tier, i) => tier.pauseSeconds >= (tiers[i - 1]?.pauseSeconds ?? 0)),
    { error: PAUSES_SHRINK, path: ['tiers'] },
  )
  .meta({ id: 'TieredStrategy' });
const fastFailSchema = z
  .strictObject({ kind: z.literal('fast_fail'), ...fastFailFields })
  .meta({ id: 'FastFailStrategy' });
const manualSchema = z
  .strictObject({ kind: z.literal('manual'), ...manualFields })
  .meta({ id: 'ManualStrategy' });

/** A strategy with all its parameters, as it is stored and shown. */
export const lightningStrategySchema = z
  .discriminatedUnion('kind', [immediateSchema, tieredSchema, fastFailSchema, manualSchema])
  .meta({ id: 'LightningStrategy' });
export type LightningStrategy = z.infer<typeof lightningStrategySchema>;
export type ImmediateStrategy = z.infer<typeof immediateSchema>;
export type TieredStrategy = z.infer<typeof tieredSchema>;
export type FastFailStrategy = z.infer<typeof fastFailSchema>;
export type ManualStrategy = z.infer<typeof manualSchema>;

/** What a caller may write: the kind, and what is to differ from its defaults. */
export const lightningStrategyInputSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('immediate'),
      ...z.strictObject(immediateFields).partial().shape,
    }),
    z.strictObject({ kind: z.literal('tiered'), ...z.strictObject(tieredFields).partial().shape }),
    z.strictObject({
      kind: z.literal('fast_fail'),
      ...z.strictObject(fastFailFields).partial().shape,
    }),
    z.strictObject({ kind: z.literal('manual'), ...z.strictObject(manualFields).partial().shape }),
  ])
  .meta({ id: 'LightningStrategyChoice', description: 'What is not named takes its default' });
export type LightningStrategyInput = z.infer<typeof lightningStrategyInputSchema>;

const usual = {
  attemptTimeoutSeconds: 60,
  expiryMarginSeconds: 15,
  prediction: { use: true, giveUpBelowPercent: 1, maxStretchPercent: 300 },
} as const;

/** Each kind as it is when nothing else is said. */
export const defaultLightningStrategies = {
  immediate: {
    kind: 'immediate',
    maxAttempts: 10,
    firstPauseSeconds: 2,
    growthPercent: 200,
    maxPauseSeconds: 60,
    giveUpAfterSeconds: 3_600,
    ...usual,
  },
  tiered: {
    kind: 'tiered',
    maxAttempts: 10,
    tiers: [
      { pauses: 3, pauseSeconds: 120 },
      { pauses: 6, pauseSeconds: 600 },
    ],
    giveUpAfterSeconds: 86_400,
    ...usual,
  },
  fast_fail: {
    kind: 'fast_fail',
    budgetSeconds: 30,
    maxAttempts: 5,
    pauseSeconds: 1,
    ...usual,
  },
  manual: { kind: 'manual', maxAttempts: 20, giveUpAfterSeconds: 604_800, ...usual },
} as const satisfies {
  readonly [Kind in LightningStrategyKind]: DeepReadonly<
    Extract<LightningStrategy, { kind: Kind }>
  >;
};

type DeepReadonly<T> = { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/**
 * Fills in the defaults of its kind.
 * @throws {z.ZodError} when the parts contradict each other, such as tiers whose pauses shrink
 */
export function completeLightningStrategy(input: LightningStrategyInput): LightningStrategy {
  const defined = Object.entries(input).filter(([, value]) => value !== undefined);
  return lightningStrategySchema.parse({
    ...defaultLightningStrategies[input.kind],
    ...Object.fromEntries(defined),
  });
}

/** Why a payout waits between its attempts. */
export const lightningWaitReasons = [
  /** The last attempt has no outcome yet. */
  'attempt_open',
  'pause',
  /** Our own channels can not send so much now. */
  'own_balance',
  /** Our own node did not take the last one. */
  'own_node',
  /** Nobody has asked for it yet. */
  'person',
] as const;
export type LightningWaitReason = (typeof lightningWaitReasons)[number];

/** Why a strategy ends a payout that was not paid. */
export const lightningGiveUpReasons = [
  /** No further attempt is possible before the invoice expires. */
  'expired',
  /** The last failure is one that trying again does not cure. */
  'not_retryable',
  'too_many_attempts',
  /** The strategy's own time is over. */
  'time_over',
  /** History gives what is left of it next to no chance. */
  'unlikely',
] as const;
export type LightningGiveUpReason = (typeof lightningGiveUpReasons)[number];

export const previewLightningStrategySchema = z
  .strictObject({
    strategy: lightningStrategyInputSchema,
    expiresAt: timestampInput
      .optional()
      .meta({ description: 'When the invoice expires; none for a Lightning address' }),
  })
  .meta({ id: 'PreviewLightningStrategy' });
export type PreviewLightningStrategy = z.infer<typeof previewLightningStrategySchema>;

export const lightningScheduleSchema = z
  .strictObject({
    strategy: lightningStrategySchema,
    attempts: z
      .array(
        z.strictObject({
          number: z.int().min(1),
          at: timestamp,
          timeoutSeconds: z.number(),
        }),
      )
      .max(MAX_LIGHTNING_ATTEMPTS)
      .meta({ description: 'When it is tried if every attempt fails at once' }),
    waitsForPerson: z.boolean(),
    endsAt: timestamp.meta({ description: 'When the money is free at the latest' }),
    endReason: z.enum(lightningGiveUpReasons),
  })
  .meta({ id: 'LightningSchedule' });
export type LightningSchedule = z.infer<typeof lightningScheduleSchema>;
