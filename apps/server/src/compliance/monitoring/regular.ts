import { DAY_MS } from './config.ts';
import type { Movement } from './movement.ts';
import { keep } from './window.ts';

/** What came from or went to whom of late, to tell wages and rents by. */
export type Earlier = {
  readonly counterparty: string;
  readonly atMs: number;
  readonly amount: bigint;
};

/** A month with all its ways of being shorter, longer and beginning on a weekend. */
export const REGULAR_FROM_MS = 20 * DAY_MS;
export const REGULAR_TO_MS = 40 * DAY_MS;
/** Wages change a little from month to month. */
const ALIKE_PERCENT = 20n;

/**
 * Whether the same counterparty and the party moved about as much a month ago. Who pays wages, or is
 * paid them, is no pattern; two payments of one week are never regular, whoever they are from.
 */
export function isRegular(earlier: readonly Earlier[], movement: Movement): boolean {
  const { counterparty, atMs, amountMinor } = movement;
  if (counterparty === null || amountMinor === null) return false;
  return earlier.some((each) => {
    const ago = atMs - each.atMs;
    if (each.counterparty !== counterparty || ago < REGULAR_FROM_MS || ago > REGULAR_TO_MS) {
      return false;
    }
    const off = each.amount > amountMinor ? each.amount - amountMinor : amountMinor - each.amount;
    return off * 100n <= each.amount * ALIKE_PERCENT;
  });
}

export function noteEarlier(
  earlier: readonly Earlier[],
  { counterparty, atMs, amountMinor: amount }: Movement,
  limit: number,
): readonly Earlier[] {
  if (counterparty === null || amount === null) return earlier;
  return keep(earlier, { counterparty, atMs, amount }, { windowMs: REGULAR_TO_MS, limit });
}
