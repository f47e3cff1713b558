import type { Currency } from '@quittance/kernel';
import { FULL_BPS, type RapidConfig } from '../config.ts';
import { duration, money, percentOf, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { isDue, type Item, keep, sumOf } from '../window.ts';

type RapidItem = Item & { readonly direction: 'in' | 'out' };
export type RapidState = {
  readonly items: readonly RapidItem[];
  readonly lastAlertAtMs: number | null;
};

export const MAX_RAPID_ITEMS = 48;

/**
 * Money that goes out soon after it came in. Any stretch of the window that begins with money coming
 * in and ends with this movement counts, and any one arrival with all that went out since: a salary the
 * day before does not hide what passes through today, nor one in between.
 */
export function rapidMovement(
  state: RapidState | null,
  movement: Movement,
  config: RapidConfig,
  currency: Currency,
): { state: RapidState | null; reason: Reason | null } {
  const { amountMinor: amount, direction, atMs, id, seq } = movement;
  if (amount === null) return { state, reason: null };
  const { windowMs } = config;
  const item = { seq, id, atMs, amount, direction };
  const items = keep(state?.items ?? [], item, { windowMs, limit: MAX_RAPID_ITEMS });
  const lastAlertAtMs = state?.lastAlertAtMs ?? null;
  const isAsked = direction === 'out' && isDue(lastAlertAtMs, atMs, windowMs);
  const passed = isAsked ? longestPassage(items, config) : null;
  if (passed === null) return { state: { items, lastAlertAtMs }, reason: null };
  const tookMs = atMs - (passed.items[0]?.atMs ?? atMs);
  const share = percentOf(passed.out, passed.in);
  const [moneyIn, moneyOut] = [money(passed.in, currency), money(passed.out, currency)];
  return {
    state: { items, lastAlertAtMs: atMs },
    reason: {
      summary: `${share} % of ${moneyIn} that came in went out again within ${duration(tookMs)}.`,
      facts: { in: moneyIn, out: moneyOut, sharePercent: share, minutes: Math.round(tookMs / 6e4) },
      movementIds: passed.items.map((each) => each.id),
    },
  };
}

type Passage = { in: bigint; out: bigint; items: readonly RapidItem[] };

/** The stretch that begins earliest, so that the alert names the most; then one arrival alone. */
function longestPassage(items: readonly RapidItem[], config: RapidConfig): Passage | null {
  const arrivals = items.flatMap((item, at) => (item.direction === 'in' ? [at] : []));
  for (const isAlone of [false, true]) {
    for (const at of arrivals) {
      const passage = passageFrom(items, { at, isAlone });
      if (isPassed(passage, config)) return passage;
    }
  }
  return null;
}

function passageFrom(
  items: readonly RapidItem[],
  { at, isAlone }: { at: number; isAlone: boolean },
): Passage {
  const stretch = items.slice(at).filter(({ direction }, i) => {
    return direction === 'out' || i === 0 || !isAlone;
  });
  return {
    in: sumOf(stretch.filter(({ direction }) => direction === 'in')),
    out: sumOf(stretch.filter(({ direction }) => direction === 'out')),
    items: stretch,
  };
}

function isPassed({ in: into, out }: Passage, config: RapidConfig): boolean {
  return (
    into >= config.minAmount &&
    out * FULL_BPS >= into * config.minShareBps &&
    out * FULL_BPS <= into * config.maxShareBps
  );
}
