import type { Currency } from '@quittance/kernel';
import type { FanConfig } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { type Earlier, isRegular, noteEarlier } from '../regular.ts';
import { countUsual, isDue, isUnusual, type Item, keep, sumOf, type Usual } from '../window.ts';

type FanItem = Item & { readonly counterparty: string };
export type FanState = {
  readonly items: readonly FanItem[];
  readonly earlier: readonly Earlier[];
  /** Null while all that came was regular. */
  readonly usual: Usual | null;
  readonly lastAlertAtMs: number | null;
};

/** More than the largest number of counterparties that a configuration can ask for. */
export const MAX_FAN_ITEMS = 128;

/**
 * Many different others pay one party (fan-in), or one pays many (fan-out), within the window and by
 * more than trifles, and it is not what the party does anyway: a shop has customers every week, an
 * employer pays wages every month.
 */
export function fan(
  state: FanState | null,
  movement: Movement,
  config: FanConfig,
  currency: Currency,
): { state: FanState | null; reason: Reason | null } {
  const { amountMinor: amount, counterparty, atMs, id, seq, direction } = movement;
  if (amount === null || counterparty === null || amount < config.minEach) {
    return { state, reason: null };
  }
  const { windowMs } = config;
  const before = state ?? { items: [], earlier: [], usual: null, lastAlertAtMs: null };
  const earlier = noteEarlier(before.earlier, movement, MAX_FAN_ITEMS);
  if (isRegular(before.earlier, movement)) return { state: { ...before, earlier }, reason: null };
  const item = { seq, id, atMs, amount, counterparty };
  const items = keep(before.items, item, { windowMs, limit: MAX_FAN_ITEMS });
  const usual = countUsual(before.usual, atMs, windowMs);
  const others = new Set(items.map((each) => each.counterparty)).size;
  const sum = sumOf(items);
  const { lastAlertAtMs } = before;
  const question = { count: items.length, percent: config.overUsualPercent, atMs, windowMs };
  const isFound =
    others >= config.minCounterparties &&
    sum >= config.minSum &&
    isUnusual(usual, question) &&
    isDue(lastAlertAtMs, atMs, windowMs);
  const next = { items, earlier, usual, lastAlertAtMs: isFound ? atMs : lastAlertAtMs };
  if (!isFound) return { state: next, reason: null };
  const tookMs = atMs - (items[0]?.atMs ?? atMs);
  const total = money(sum, currency);
  const who = direction === 'in' ? 'different payers sent' : 'different recipients were sent';
  return {
    state: next,
    reason: {
      summary: `${others} ${who} ${total} within ${duration(tookMs)}.`,
      facts: { counterparties: others, payments: items.length, sum: total },
      movementIds: items.map((each) => each.id),
    },
  };
}
