import type { Currency } from '@quittance/kernel';
import { DAY_MS, type DormantConfig } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { isWithin } from '../window.ts';
import { MAX_NAMED } from './large.ts';

export type DormantState = {
  readonly lastAtMs: number;
  /** Since it moved again after a long silence, until its window is over. */
  readonly awake: {
    readonly sinceMs: number;
    readonly silentMs: number;
    readonly sum: bigint;
    readonly told: boolean;
    readonly ids: readonly string[];
  } | null;
};

/** A party that was silent for long and now moves much within a short time. */
export function dormantThenActive(
  state: DormantState | null,
  movement: Movement,
  config: DormantConfig,
  currency: Currency,
): { state: DormantState; reason: Reason | null } {
  const { atMs, id, amountMinor } = movement;
  const awake = awakeAt(state, atMs, config);
  if (awake === null) return { state: { lastAtMs: atMs, awake: null }, reason: null };
  const sum = awake.sum + (amountMinor ?? 0n);
  const ids = [...awake.ids, id].slice(-MAX_NAMED);
  const isFound = !awake.told && sum >= config.minSum;
  const next = { ...awake, sum, ids, told: awake.told || isFound };
  if (!isFound) return { state: { lastAtMs: atMs, awake: next }, reason: null };
  const total = money(sum, currency);
  const silent = duration(awake.silentMs);
  return {
    state: { lastAtMs: atMs, awake: next },
    reason: {
      summary: `After ${silent} without any payment, ${total} moved within ${duration(atMs - awake.sinceMs)}.`,
      facts: { silentDays: Math.floor(awake.silentMs / DAY_MS), sum: total, payments: ids.length },
      movementIds: ids,
    },
  };
}

function awakeAt(
  state: DormantState | null,
  atMs: number,
  { dormantMs, windowMs }: DormantConfig,
): NonNullable<DormantState['awake']> | null {
  if (state === null) return null;
  const silentMs = atMs - state.lastAtMs;
  if (silentMs >= dormantMs) return { sinceMs: atMs, silentMs, sum: 0n, told: false, ids: [] };
  const { awake } = state;
  return awake !== null && isWithin(awake.sinceMs, atMs, windowMs) ? awake : null;
}
