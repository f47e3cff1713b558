import type { Currency } from '@quittance/kernel';
import { DAY_MS, type LargeConfig } from '../config.ts';
import { isoDay, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';

/** What a party has moved one way on one day (UTC), in what is not large by itself. */
type Day = {
  readonly day: number;
  readonly sum: bigint;
  readonly count: number;
  readonly told: boolean;
  readonly ids: readonly string[];
};
export type LargeState = { readonly in: Day | null; readonly out: Day | null };

/** An alert names so many movements of a day; the sum counts them all. */
export const MAX_NAMED = 20;

/**
 * More than the threshold at once; or, added up over one day and one direction, by movements that
 * are below it each (31 CFR 1010.313 treats them as one). The day is told of once.
 */
export function largeTransaction(
  state: LargeState | null,
  movement: Movement,
  config: LargeConfig,
  currency: Currency,
): { state: LargeState | null; reason: Reason | null } {
  const { amountMinor, direction, id, atMs } = movement;
  if (amountMinor === null || (config.onlyFiat && !movement.isFiatLeg)) {
    return { state, reason: null };
  }
  const threshold = money(config.threshold, currency);
  if (amountMinor > config.threshold) {
    const amount = money(amountMinor, currency);
    return {
      state,
      reason: {
        summary: `One payment ${direction} of ${amount}, over ${threshold}.`,
        facts: { direction, amount, threshold, aggregated: false },
        movementIds: [id],
      },
    };
  }
  if (!config.aggregateDay) return { state, reason: null };
  const day = Math.floor(atMs / DAY_MS);
  const known = state?.[direction];
  const before = known?.day === day ? known : { day, sum: 0n, count: 0, told: false, ids: [] };
  const sum = before.sum + amountMinor;
  const count = before.count + 1;
  const ids = [...before.ids, id].slice(-MAX_NAMED);
  const isTold = before.told || sum > config.threshold;
  const other = { in: state?.in ?? null, out: state?.out ?? null };
  const next = { ...other, [direction]: { day, sum, count, told: isTold, ids } };
  if (before.told || !isTold) return { state: next, reason: null };
  const total = money(sum, currency);
  return {
    state: next,
    reason: {
      summary: `${count} payments ${direction} on ${isoDay(atMs)} add up to ${total}, over ${threshold}.`,
      facts: { direction, amount: total, threshold, aggregated: true, count, day: isoDay(atMs) },
      movementIds: ids,
    },
  };
}
