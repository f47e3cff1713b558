import { currencies, MAX_INT64 } from '@quittance/kernel';
import { z } from 'zod';
import { jsonObject, personText, timestamp, timestampInput, uuidText } from './fields.ts';
import { pageOf, pageQuerySchema } from './pages.ts';

/** What monitoring looks for; each is one rule with settings of its own. */
export const monitoringRules = [
  'large_transaction',
  'structuring',
  'rapid_movement',
  'high_risk_counterparty',
  'fan_in',
  'fan_out',
  'cycle',
  'dormant_then_active',
  'round_amount',
] as const;
export type MonitoringRule = (typeof monitoringRules)[number];

/** Longest window: what is kept for a party lies within it, beside limits by number. */
export const MAX_WINDOW_HOURS = 90 * 24;
const MAX_DORMANT_DAYS = 3_650;
const MAX_COUNT = 100;
const FULL_BPS = 10_000;

const minorText = z
  .string()
  .max(19)
  .regex(/^(0|[1-9][0-9]*)$/, 'write whole smallest units as text such as "1000000"')
  .refine((text) => !/^[0-9]{1,19}$/.test(text) || BigInt(text) <= MAX_INT64, 'is too large')
  .meta({
    description: "Smallest units of the configuration's currency (cents of USD), as text",
    examples: ['1000000'],
  });
const windowHours = z.int().min(1).max(MAX_WINDOW_HOURS);
const bps = z.int().min(0).max(FULL_BPS).meta({ description: 'Hundredths of a per cent' });

const common = {
  enabled: z.boolean(),
  severity: z.enum(['low', 'medium', 'high']),
  source: personText({ max: 500 }).meta({
    description: 'Where the figures come from: a law, a typology report, your own backtest',
  }),
  asOf: z.iso.date().meta({ description: 'The day for which the figures were looked up' }),
};
const scope = z.enum(['fiat_legs', 'all']).meta({
  description:
    'fiat_legs: only what was priced in a fiat currency, since reports of currency are about ' +
    'currency. all: every movement, at its value at the time',
});
const overUsualPercent = z
  .int()
  .min(0)
  .max(10_000)
  .meta({ description: "At least this many per cent of the party's own busiest window of late" });

const fan = z.strictObject({
  ...common,
  windowHours,
  minCounterparties: z.int().min(2).max(MAX_COUNT),
  minEachMinor: minorText,
  minSumMinor: minorText,
  overUsualPercent,
});

export const monitoringRuleSettingsSchema = z
  .strictObject({
    large_transaction: z.strictObject({
      ...common,
      thresholdMinor: minorText,
      scope,
      aggregateDay: z.boolean().meta({
        description: 'Add up what a party moves one way in one day (UTC), as for a CTR',
      }),
    }),
    structuring: z.strictObject({
      ...common,
      thresholdMinor: minorText,
      floorBps: bps.meta({ description: 'Amounts below this share of the threshold do not count' }),
      scope,
      windowHours,
      minCount: z.int().min(2).max(MAX_COUNT),
      overUsualPercent,
    }),
    rapid_movement: z.strictObject({
      ...common,
      windowHours,
      minAmountMinor: minorText,
      minShareBps: bps,
      maxShareBps: z.int().min(0).max(20_000),
    }),
    high_risk_counterparty: z.strictObject({
      ...common,
      minAmountMinor: minorText,
      categories: z.array(z.string().regex(/^[a-z_]{1,40}$/)).max(50),
      countries: z.array(z.string().regex(/^[A-Z]{2}$/)).max(250),
    }),
    fan_in: fan,
    fan_out: fan,
    cycle: z.strictObject({
      ...common,
      windowHours,
      minHops: z.int().min(2).max(8),
      maxHops: z.int().min(2).max(8),
      minAmountMinor: minorText,
      minKeptBps: bps.meta({ description: 'What each hop passes on at least' }),
    }),
    dormant_then_active: z.strictObject({
      ...common,
      dormantDays: z.int().min(1).max(MAX_DORMANT_DAYS),
      windowHours,
      minSumMinor: minorText,
    }),
    round_amount: z.strictObject({
      ...common,
      windowHours,
      unitMinor: minorText.refine((text) => text !== '0', 'can not be 0'),
      minCount: z.int().min(2).max(MAX_COUNT),
      minShareBps: bps,
      toleranceBps: z.int().min(0).max(100),
    }),
  })
  .meta({ id: 'MonitoringRuleSettings' });
export type MonitoringRuleSettings = z.infer<typeof monitoringRuleSettingsSchema>;

export const monitoringSettingsSchema = z
  .strictObject({
    currency: z
      .string()
      .refine((code) => code !== 'BTC' && (currencies as readonly string[]).includes(code), {
        error: 'write the code of a fiat currency that is known here, such as "USD"',
      })
      .meta({ description: 'ISO 4217; thresholds and amounts are in it', examples: ['USD'] }),
    rules: monitoringRuleSettingsSchema,
  })
  .meta({ id: 'MonitoringSettings' });
export type MonitoringSettings = z.infer<typeof monitoringSettingsSchema>;

const CTR = '31 CFR 1010.311, 1010.313: over USD 10,000 in currency in one business day';
const STRUCTURING = '31 CFR 1010.314; FinCEN SAR category "structuring"';
const TYPOLOGY = 'FATF virtual assets red flags (2020); tuned on generated payments (docs)';
const asOf = '2026-11-01';

/** What holds until a store chooses: thresholds of the United States, dated, not legal advice. */
export const defaultMonitoringSettings: MonitoringSettings = {
  currency: 'USD',
  rules: {
    large_transaction: {
      ...{ enabled: true, severity: 'low', source: CTR, asOf },
      ...{ thresholdMinor: '1000000', scope: 'fiat_legs', aggregateDay: true },
    },
    structuring: {
      ...{ enabled: true, severity: 'high', source: STRUCTURING, asOf },
      ...{ thresholdMinor: '1000000', floorBps: 2_000, scope: 'fiat_legs' },
      ...{ windowHours: 168, minCount: 3, overUsualPercent: 150 },
    },
    rapid_movement: {
      ...{ enabled: true, severity: 'medium', source: TYPOLOGY, asOf },
      ...{ windowHours: 48, minAmountMinor: '300000', minShareBps: 8_000, maxShareBps: 11_000 },
    },
    high_risk_counterparty: {
      ...{ enabled: true, severity: 'high', source: 'FATF Recommendations 10, 15 and 19', asOf },
      minAmountMinor: '0',
      categories: ['sanctions', 'mixer', 'darknet', 'gambling', 'scam', 'ransomware', 'blacklist'],
      // High-risk jurisdictions subject to a call for action (FATF): DPRK, Iran, Myanmar.
      countries: ['IR', 'KP', 'MM'],
    },
    fan_in: {
      ...{ enabled: true, severity: 'medium', source: TYPOLOGY, asOf },
      ...{ windowHours: 168, minCounterparties: 10, minEachMinor: '20000' },
      ...{ minSumMinor: '300000', overUsualPercent: 120 },
    },
    fan_out: {
      ...{ enabled: true, severity: 'medium', source: TYPOLOGY, asOf },
      ...{ windowHours: 168, minCounterparties: 10, minEachMinor: '20000' },
      ...{ minSumMinor: '300000', overUsualPercent: 120 },
    },
    cycle: {
      ...{ enabled: true, severity: 'high', source: TYPOLOGY, asOf },
      ...{ windowHours: 240, minHops: 3, maxHops: 6, minAmountMinor: '100000', minKeptBps: 7_000 },
    },
    dormant_then_active: {
      ...{ enabled: true, severity: 'medium', source: TYPOLOGY, asOf },
      ...{ dormantDays: 180, windowHours: 168, minSumMinor: '500000' },
    },
    round_amount: {
      ...{ enabled: true, severity: 'low', source: TYPOLOGY, asOf },
      ...{
        windowHours: 336,
        unitMinor: '100000',
        minCount: 4,
        minShareBps: 6_000,
        toleranceBps: 5,
      },
    },
  },
};

export const monitoringConfigStates = ['proposed', 'active', 'superseded', 'rejected'] as const;
export type MonitoringConfigState = (typeof monitoringConfigStates)[number];

export const monitoringConfigSchema = z
  .strictObject({
    id: uuidText,
    version: z.int().min(0).meta({ description: '0 is what is shipped' }),
    state: z.enum(monitoringConfigStates).meta({ id: 'MonitoringConfigState' }),
    settings: monitoringSettingsSchema,
    reason: z.string(),
    proposedBy: z.string(),
    proposedAt: timestamp,
    decidedBy: z.string().nullable(),
    decidedAt: timestamp.nullable(),
  })
  .meta({ id: 'MonitoringConfig' });
export type MonitoringConfigJson = z.infer<typeof monitoringConfigSchema>;
export const monitoringConfigPageSchema = pageOf(monitoringConfigSchema).meta({
  id: 'MonitoringConfigPage',
});
export const monitoringConfigListQuerySchema = pageQuerySchema.extend({
  state: z.enum(monitoringConfigStates).optional(),
});

export const proposeMonitoringConfigSchema = z
  .strictObject({
    settings: monitoringSettingsSchema,
    reason: personText({ min: 1, max: 1_000 }).meta({ description: 'Why; kept for ever' }),
  })
  .meta({ id: 'ProposeMonitoringConfig' });
export type ProposeMonitoringConfig = z.infer<typeof proposeMonitoringConfigSchema>;

export const decideMonitoringConfigSchema = z
  .strictObject({ approve: z.boolean() })
  .meta({ id: 'DecideMonitoringConfig' });

const count = z.int().min(0);

export const monitoringStatusSchema = z
  .strictObject({
    running: z.boolean().meta({ description: 'compliance_settings.monitoring' }),
    active: monitoringConfigSchema,
    movements: count.meta({ description: 'Taken into account so far, undone ones included' }),
    rebuilding: z
      .strictObject({ done: count, of: count, reason: z.enum(['configuration', 'correction']) })
      .nullable()
      .meta({ description: 'History is read again without raising alerts' }),
    unvalued: count.meta({ description: 'Without a rate of their time: no amount rule sees them' }),
    lastMovementAt: timestamp.nullable(),
  })
  .meta({ id: 'MonitoringStatus' });
export type MonitoringStatus = z.infer<typeof monitoringStatusSchema>;

export const monitoringPartyQuerySchema = z.strictObject({
  party: personText({ min: 1, max: 200 }).meta({
    description: 'As alerts name it: customer:…, reference:…, address:…, order:…',
  }),
});
export const monitoringPartySchema = z
  .strictObject({
    party: z.string(),
    linkedWith: z.array(z.string()),
    movements: z.array(
      z.strictObject({
        id: z.string(),
        at: timestamp,
        direction: z.enum(['in', 'out']),
        counterparty: z.string().nullable(),
        amountMinor: z.string().nullable(),
        currency: z.string(),
        amountSats: z.string(),
        undone: z.boolean(),
      }),
    ),
    states: z.array(z.strictObject({ rule: z.string(), state: jsonObject, updatedAt: timestamp })),
  })
  .meta({ id: 'MonitoringParty' });
export type MonitoringParty = z.infer<typeof monitoringPartySchema>;

const partyText = personText({ min: 1, max: 200 });
export const createMonitoringLinkSchema = z
  .strictObject({
    parties: z.array(partyText).min(2).max(6).meta({
      description: 'As alerts name them: customer:…, reference:…, address:…',
    }),
    reason: personText({ min: 1, max: 1_000 }),
  })
  .meta({ id: 'CreateMonitoringLink' });
export const monitoringLinkSchema = z
  .strictObject({ id: uuidText, parties: z.array(z.string()), reason: z.string() })
  .meta({ id: 'MonitoringLink' });

export const createMonitoringBacktestSchema = z
  .strictObject({
    settings: monitoringSettingsSchema,
    from: timestampInput.optional(),
    to: timestampInput.optional(),
  })
  .meta({ id: 'CreateMonitoringBacktest' });
export type CreateMonitoringBacktest = z.infer<typeof createMonitoringBacktestSchema>;

export const monitoringBacktestSchema = z
  .strictObject({
    id: uuidText,
    state: z.enum(['waiting', 'done', 'failed']),
    settings: monitoringSettingsSchema,
    from: timestamp.nullable(),
    to: timestamp.nullable(),
    requestedBy: z.string(),
    requestedAt: timestamp,
    finishedAt: timestamp.nullable(),
    result: z
      .strictObject({
        movements: count,
        parties: count,
        unvalued: count,
        truncated: z.boolean().meta({ description: 'There were more movements than are read' }),
        rules: z.array(
          z.strictObject({
            rule: z.enum(monitoringRules),
            alerts: count,
            parties: count,
            alertsPerThousandMovements: z.number(),
            alertsOfActive: count.meta({
              description: 'By the active configuration, same history',
            }),
          }),
        ),
      })
      .nullable(),
  })
  .meta({ id: 'MonitoringBacktest' });
export type MonitoringBacktest = z.infer<typeof monitoringBacktestSchema>;
export const monitoringBacktestPageSchema = pageOf(monitoringBacktestSchema).meta({
  id: 'MonitoringBacktestPage',
});
