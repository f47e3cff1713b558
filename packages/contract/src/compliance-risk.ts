import { z } from 'zod';
import { currencyCode, jsonObject, satsText, timestamp, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** What attribution lists say of an address that counts as a risk; `exchange` ends a trace instead. */
export const riskLabels = ['mixer', 'darknet', 'gambling', 'scam', 'ransomware'] as const;

/** Farther back nearly every coin meets nearly every other one. */
export const MAX_RISK_HOPS = 6;
/** Transactions that one payment's trace may read: bounds the node's work, whatever is sent. */
export const MAX_RISK_TRANSACTIONS = 1_000;

const points = z.int().min(0).max(100);
const ppm = z.int().min(0).max(1_000_000);
const percentByHop = z.array(z.int().min(0).max(100)).min(1).max(MAX_RISK_HOPS).meta({
  description: 'Per cent of the points by hop, the first hop first; the last one goes on',
});

/** Points are whole and at most 100; what a factor does not find gives none. */
export const riskConfigSchema = z
  .strictObject({
    hops: z.int().min(1).max(MAX_RISK_HOPS).meta({
      description: 'How far back coins are followed; 1: the addresses that the inputs spend',
    }),
    maxTransactions: z.int().min(1).max(MAX_RISK_TRANSACTIONS).meta({
      description: 'Earlier transactions that are read for one payment at most',
    }),
    thresholds: z
      .strictObject({ review: z.int().min(1).max(100), reject: z.int().min(1).max(101) })
      .refine(({ review, reject }) => review < reject, 'review must be below reject')
      .meta({ description: 'Scores from which a payment is MEDIUM (review) and HIGH (reject)' }),
    amount: z.strictObject({
      points,
      z: z.int().min(100).max(10_000).meta({
        description: 'Robust z-score in hundredths from which an amount is unusual: 300 is 3.00',
      }),
      fullZ: z.int().min(100).max(100_000).meta({ description: 'From which all points count' }),
      minPayments: z.int().min(2).max(1_000_000).meta({
        description: 'Below so many payments of history there is no z-score, only `coldLimits`',
      }),
      coldPoints: points,
      coldLimits: z
        .array(z.strictObject({ currency: currencyCode, minor: satsText }))
        .max(50)
        .meta({ description: 'Without history, amounts from which `coldPoints` count' }),
    }),
    blacklist: z.strictObject({ points, percentByHop, minSharePpm: ppm }),
    labels: z.strictObject({
      points,
      percentByHop,
      minSharePpm: ppm,
      categories: z.array(z.enum(riskLabels)).max(riskLabels.length),
    }),
    age: z.strictObject({ points, days: z.int().min(1).max(3_650) }),
    velocity: z.strictObject({
      points,
      perDay: z.int().min(1).max(10_000_000),
      timesUsual: z.int().min(1).max(1_000).meta({
        description: "Of a store's usual day, beyond which all its payments count as too many",
      }),
    }),
    coinjoin: z.strictObject({ points }),
    peelChain: z.strictObject({ points, minLength: z.int().min(2).max(MAX_RISK_HOPS) }),
    dustSpray: z.strictObject({ points, minOutputs: z.int().min(2).max(10_000) }),
    replaced: z.strictObject({ points }),
    refunded: z.strictObject({ points }),
    unknownSource: z.strictObject({ points, minSharePpm: ppm }),
  })
  .meta({ id: 'RiskConfig', description: 'See docs/risk.md for what each factor means' });
export type RiskConfig = z.output<typeof riskConfigSchema>;

/** draft → shadow → active → retired; a draft may be active at once after its backtest. */
export const riskConfigStates = ['draft', 'shadow', 'active', 'retired'] as const;
export type RiskConfigState = (typeof riskConfigStates)[number];

export const riskLevels = ['LOW', 'MEDIUM', 'HIGH'] as const;
export const riskActions = ['approve', 'review', 'reject'] as const;
export type RiskLevel = (typeof riskLevels)[number];
export type RiskAction = (typeof riskActions)[number];

export const riskReasonSchema = z.strictObject({
  factor: z.string().meta({ examples: ['blacklist'] }),
  points: z.int().meta({ description: 'All reasons add up to the score; `limit` is negative' }),
  text: z.string(),
});
export const riskOutcomeSchema = z
  .strictObject({
    score: z.int().min(0).max(100),
    level: z.enum(riskLevels),
    action: z.enum(riskActions),
    reasons: z.array(riskReasonSchema),
  })
  .meta({ id: 'RiskOutcome' });
export type RiskOutcome = z.output<typeof riskOutcomeSchema>;

const versionNumber = z.int().min(1);

export const riskBacktestSchema = z
  .strictObject({
    id: uuidText,
    configVersion: versionNumber,
    decisions: z.int().min(0).meta({ description: 'Decisions of the past that were made again' }),
    shallow: z.int().min(0).meta({
      description: 'Of them, how many were followed less far back than this version asks',
    }),
    from: timestamp.nullable(),
    to: timestamp.nullable(),
    before: z.record(z.enum(riskLevels), z.int()),
    after: z.record(z.enum(riskLevels), z.int()),
    changes: z
      .array(
        z.strictObject({
          decisionId: uuidText,
          paymentId: uuidText,
          before: z.enum(riskLevels),
          after: z.enum(riskLevels),
          score: z.int(),
        }),
      )
      .meta({ description: 'Those whose level is another, the newest 100' }),
    changed: z.int().min(0),
    createdAt: timestamp,
    createdBy: z.string(),
  })
  .meta({ id: 'RiskBacktest' });
export type RiskBacktestJson = z.output<typeof riskBacktestSchema>;

export const riskConfigVersionSchema = z
  .strictObject({
    version: versionNumber,
    state: z.enum(riskConfigStates),
    note: z.string(),
    config: riskConfigSchema,
    createdAt: timestamp,
    createdBy: z.string(),
    shadowedAt: timestamp.nullable(),
    shadowedBy: z.string().nullable(),
    activatedAt: timestamp.nullable(),
    activatedBy: z.string().nullable(),
    retiredAt: timestamp.nullable(),
    lastBacktest: riskBacktestSchema.nullable(),
  })
  .meta({ id: 'RiskConfigVersion' });
export type RiskConfigVersionJson = z.output<typeof riskConfigVersionSchema>;

export const riskConfigListSchema = z
  .strictObject({ data: z.array(riskConfigVersionSchema) })
  .meta({ id: 'RiskConfigList' });

export const createRiskConfigSchema = z
  .strictObject({
    note: z.string().trim().min(1).max(500).meta({ description: 'Why it is changed' }),
    config: riskConfigSchema,
  })
  .meta({ id: 'CreateRiskConfig' });

export const riskDecisionSchema = z
  .strictObject({
    id: uuidText,
    paymentId: uuidText,
    orderId: uuidText,
    mode: z.enum(['on', 'shadow']).meta({
      description: 'on: it acted. shadow: it was only noted, by the store’s setting or as a trial',
    }),
    trial: z.boolean().meta({ description: 'By a configuration in shadow, beside the active one' }),
    configVersion: versionNumber,
    engine: z.int().min(1),
    ...riskOutcomeSchema.shape,
    facts: jsonObject.meta({ description: 'What it rests on; see docs/risk.md' }),
    factsHash: z.string().regex(/^[0-9a-f]{64}$/),
    caseId: uuidText.nullable(),
    decidedAt: timestamp,
  })
  .meta({ id: 'RiskDecision' });
export type RiskDecisionJson = z.output<typeof riskDecisionSchema>;

export const riskDecisionListQuerySchema = pageQuerySchema.extend({
  payment_id: uuidText.optional(),
  order_id: uuidText.optional(),
  level: z.enum(riskLevels).optional(),
});
export const riskDecisionPageSchema = pageOf(riskDecisionSchema).meta({ id: 'RiskDecisionPage' });

export const riskReplaySchema = z
  .strictObject({
    decisionId: uuidText,
    identical: z.boolean().meta({ description: 'The same bytes came out of the stored facts' }),
    stored: z.string().meta({ description: 'The outcome as it was written then' }),
    replayed: z.string().meta({ description: 'The outcome as the same rules give it now' }),
    factsHash: z.string(),
  })
  .meta({ id: 'RiskReplay' });
