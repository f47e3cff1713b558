import type { Currency } from '@quittance/kernel';
import type { StructuringConfig } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import {
  addUsual,
  countUsual,
  isDue,
  isUnusual,
  isWithin,
  type Item,
  keep,
  sumOf,
  type Usual,
} from '../window.ts';

type StructuringItem = Item & { readonly party: string };
type Side = {
  readonly items: readonly StructuringItem[];
  readonly usual: Usual;
  readonly lastAlertAtMs: number | null;
};
export type StructuringState = { readonly in: Side | null; readonly out: Side | null };

/** Enough for any window in which so many payments are still a pattern and no business. */
export const MAX_STRUCTURING_ITEMS = 64;

/**
 * Several movements one way, each below the threshold but no trifle, that are more than it together
 * within the window: by one party, or by it and those it is linked with.
 * @param others what is kept of the parties that it is linked with
 */
export function structuring(
  state: StructuringState | null,
  others: readonly StructuringState[],
  movement: Movement,
  { config, currency }: { config: StructuringConfig; currency: Currency },
): { state: StructuringState | null; reason: Reason | null } {
  const { amountMinor: amount, direction, atMs, id, seq, party } = movement;
  if (amount === null || (config.onlyFiat && !movement.isFiatLeg)) return { state, reason: null };
  if (amount > config.threshold || amount < config.floor) return { state, reason: null };
  const { windowMs } = config;
  const side = state?.[direction];
  const item = { seq, id, atMs, amount, party };
  const own: Side = {
    items: keep(side?.items ?? [], item, { windowMs, limit: MAX_STRUCTURING_ITEMS }),
    usual: countUsual(side?.usual ?? null, atMs, windowMs),
    lastAlertAtMs: side?.lastAlertAtMs ?? null,
  };
  const group = [own, ...others.flatMap((each) => each[direction] ?? [])].reduce(together);
  const items = group.items.filter((each) => isWithin(each.atMs, atMs, windowMs));
  const count = items.length;
  const question = { count, percent: config.overUsualPercent, atMs, windowMs };
  const isFound =
    count >= config.minCount &&
    sumOf(items) > config.threshold &&
    isUnusual(group.usual, question) &&
    isDue(group.lastAlertAtMs, atMs, windowMs);
  const other = { in: state?.in ?? null, out: state?.out ?? null };
  const after = isFound ? { ...own, lastAlertAtMs: atMs } : own;
  const next = { ...other, [direction]: after };
  return { state: next, reason: isFound ? reasonOf(items, { direction, config, currency }) : null };
}

function together(a: Side, b: Side): Side {
  return {
    items: [...a.items, ...b.items].toSorted((x, y) => x.seq - y.seq),
    usual: addUsual(a.usual, b.usual),
    lastAlertAtMs: laterOf(a.lastAlertAtMs, b.lastAlertAtMs),
  };
}

function laterOf(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

function reasonOf(
  items: readonly StructuringItem[],
  about: { direction: string; config: StructuringConfig; currency: Currency },
): Reason {
  const { direction, config, currency } = about;
  const parties = [...new Set(items.map(({ party }) => party))];
  const amounts = items.map(({ amount }) => amount).toSorted((a, b) => (a < b ? -1 : 1));
  const [least = 0n] = amounts;
  const most = amounts.at(-1) ?? 0n;
  const tookMs = (items.at(-1)?.atMs ?? 0) - (items[0]?.atMs ?? 0);
  const sum = money(sumOf(items), currency);
  const threshold = money(config.threshold, currency);
  const by = parties.length === 1 ? '' : ` by ${parties.length} linked parties`;
  return {
    summary:
      `${items.length} payments ${direction}${by} within ${duration(tookMs)}, none over ` +
      `${threshold}, add up to ${sum}.`,
    facts: {
      ...{ direction, sum, threshold, count: items.length, parties },
      ...{ smallest: money(least, currency), largest: money(most, currency) },
    },
    movementIds: items.map(({ id }) => id),
  };
}
