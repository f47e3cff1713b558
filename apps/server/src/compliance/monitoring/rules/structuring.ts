import type { Currency } from '@quittance/kernel';
import type { StructuringConfig } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { type Earlier, isRegular, noteEarlier } from '../regular.ts';
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
  readonly earlier: readonly Earlier[];
  /** Null while all that came was regular. */
  readonly usual: Usual | null;
  readonly lastAlertAtMs: number | null;
};
export type StructuringState = { readonly in: Side | null; readonly out: Side | null };

/** Enough for any window in which so many payments are still a pattern and no business. */
export const MAX_STRUCTURING_ITEMS = 64;
/** More than a household has of wages and rents. */
const MAX_EARLIER = 16;

/**
 * Several movements one way, each below the threshold but no trifle, that are more than it together
 * within the window: by one party, or by it and those it is linked with. Wages and rents do not count.
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
  const other = { in: state?.in ?? null, out: state?.out ?? null };
  const before = state?.[direction] ?? NOTHING;
  const earlier = noteEarlier(before.earlier, movement, MAX_EARLIER);
  if (isRegular(before.earlier, movement)) {
    return { state: { ...other, [direction]: { ...before, earlier } }, reason: null };
  }
  const { windowMs } = config;
  const item = { seq, id, atMs, amount, party };
  const usual = countUsual(before.usual, atMs, windowMs);
  const items = keep(before.items, item, { windowMs, limit: MAX_STRUCTURING_ITEMS });
  const own = { ...before, items, earlier, usual };
  const group = withOthers(
    own,
    usual,
    others.flatMap((each) => each[direction] ?? []),
  );
  const recent = group.items.filter((each) => isWithin(each.atMs, atMs, windowMs));
  const count = recent.length;
  const question = { count, percent: config.overUsualPercent, atMs, windowMs };
  const isFound =
    count >= config.minCount &&
    sumOf(recent) > config.threshold &&
    isUnusual(group.usual, question) &&
    group.lastAlerts.every((each) => isDue(each, atMs, windowMs));
  const after = isFound ? { ...own, lastAlertAtMs: atMs } : own;
  return {
    state: { ...other, [direction]: after },
    reason: isFound ? reasonOf(recent, { direction, config, currency }) : null,
  };
}

const NOTHING: Side = { items: [], earlier: [], usual: null, lastAlertAtMs: null };

/** What is kept of all of a group, as if they were one. */
function withOthers(own: Side, usual: Usual, others: readonly Side[]) {
  const all = [own, ...others];
  return {
    items: all.flatMap(({ items }) => items).toSorted((a, b) => a.seq - b.seq),
    usual: others.reduce((sum, each) => (each.usual ? addUsual(sum, each.usual) : sum), usual),
    lastAlerts: all.map(({ lastAlertAtMs }) => lastAlertAtMs),
  };
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
