import type { MonitoringSettings } from '@quittance/contract';
import { assert, type Currency, isCurrency } from '@quittance/kernel';

export type Severity = 'low' | 'medium' | 'high';
type Common = { readonly enabled: boolean; readonly severity: Severity };

export type LargeConfig = Common & {
  readonly threshold: bigint;
  readonly onlyFiat: boolean;
  readonly aggregateDay: boolean;
};
export type StructuringConfig = Common & {
  readonly threshold: bigint;
  readonly floor: bigint;
  readonly onlyFiat: boolean;
  readonly windowMs: number;
  readonly minCount: number;
  readonly overUsualPercent: number;
};
export type RapidConfig = Common & {
  readonly windowMs: number;
  readonly minAmount: bigint;
  readonly minShareBps: bigint;
  readonly maxShareBps: bigint;
};
export type HighRiskConfig = Common & {
  readonly minAmount: bigint;
  readonly categories: ReadonlySet<string>;
  readonly countries: ReadonlySet<string>;
};
export type FanConfig = Common & {
  readonly windowMs: number;
  readonly minCounterparties: number;
  readonly minEach: bigint;
  readonly minSum: bigint;
  readonly overUsualPercent: number;
};
export type CycleConfig = Common & {
  readonly windowMs: number;
  readonly minHops: number;
  readonly maxHops: number;
  readonly minAmount: bigint;
  readonly minKeptBps: bigint;
};
export type DormantConfig = Common & {
  readonly dormantMs: number;
  readonly windowMs: number;
  readonly minSum: bigint;
};
export type RoundConfig = Common & {
  readonly windowMs: number;
  readonly unit: bigint;
  readonly minCount: number;
  readonly minShareBps: number;
  readonly toleranceBps: bigint;
};

/** The settings of one version in the units that rules reckon in. */
export type MonitoringConfig = {
  readonly currency: Currency;
  readonly large: LargeConfig;
  readonly structuring: StructuringConfig;
  readonly rapid: RapidConfig;
  readonly highRisk: HighRiskConfig;
  readonly fanIn: FanConfig;
  readonly fanOut: FanConfig;
  readonly cycle: CycleConfig;
  readonly dormant: DormantConfig;
  readonly round: RoundConfig;
};

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const FULL_BPS = 10_000n;

export function readConfig({ currency, rules }: MonitoringSettings): MonitoringConfig {
  assert(isCurrency(currency), 'the schema lets known currencies through only');
  const { large_transaction: large, structuring, rapid_movement: rapid } = rules;
  const { high_risk_counterparty: highRisk, cycle, round_amount: round } = rules;
  const dormant = rules.dormant_then_active;
  return {
    currency,
    large: {
      ...commonOf(large),
      threshold: BigInt(large.thresholdMinor),
      onlyFiat: large.scope === 'fiat_legs',
      aggregateDay: large.aggregateDay,
    },
    structuring: {
      ...commonOf(structuring),
      threshold: BigInt(structuring.thresholdMinor),
      floor: (BigInt(structuring.thresholdMinor) * BigInt(structuring.floorBps)) / FULL_BPS,
      onlyFiat: structuring.scope === 'fiat_legs',
      windowMs: structuring.windowHours * HOUR_MS,
      minCount: structuring.minCount,
      overUsualPercent: structuring.overUsualPercent,
    },
    rapid: {
      ...commonOf(rapid),
      windowMs: rapid.windowHours * HOUR_MS,
      minAmount: BigInt(rapid.minAmountMinor),
      minShareBps: BigInt(rapid.minShareBps),
      maxShareBps: BigInt(rapid.maxShareBps),
    },
    highRisk: {
      ...commonOf(highRisk),
      minAmount: BigInt(highRisk.minAmountMinor),
      categories: new Set(highRisk.categories),
      countries: new Set(highRisk.countries),
    },
    fanIn: readFan(rules.fan_in),
    fanOut: readFan(rules.fan_out),
    cycle: {
      ...commonOf(cycle),
      windowMs: cycle.windowHours * HOUR_MS,
      minHops: cycle.minHops,
      maxHops: cycle.maxHops,
      minAmount: BigInt(cycle.minAmountMinor),
      minKeptBps: BigInt(cycle.minKeptBps),
    },
    dormant: {
      ...commonOf(dormant),
      dormantMs: dormant.dormantDays * DAY_MS,
      windowMs: dormant.windowHours * HOUR_MS,
      minSum: BigInt(dormant.minSumMinor),
    },
    round: {
      ...commonOf(round),
      windowMs: round.windowHours * HOUR_MS,
      unit: BigInt(round.unitMinor),
      minCount: round.minCount,
      minShareBps: round.minShareBps,
      toleranceBps: BigInt(round.toleranceBps),
    },
  };
}

function commonOf({ enabled, severity }: Common): Common {
  return { enabled, severity };
}

function readFan(fan: MonitoringSettings['rules']['fan_in']): FanConfig {
  return {
    ...commonOf(fan),
    windowMs: fan.windowHours * HOUR_MS,
    minCounterparties: fan.minCounterparties,
    minEach: BigInt(fan.minEachMinor),
    minSum: BigInt(fan.minSumMinor),
    overUsualPercent: fan.overUsualPercent,
  };
}
