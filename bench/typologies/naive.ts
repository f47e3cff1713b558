import type { MonitoringRule } from '@quittance/contract';
import type { Movement } from '../../apps/server/src/compliance/monitoring/index.ts';
import { seededDice } from '../lightning/dice.ts';

/**
 * Rules as they are often written first: a threshold in satoshis, set at the price of the day it was
 * written; a plain z-score over a party's amounts; counts in fixed windows, party by party. They are the
 * rival, so what they keep is not bounded.
 */
export type NaiveAlert = { rule: MonitoringRule; party: string; movementIds: readonly string[] };

const DAY_MS = 86_400_000;
const FIRST_PRICE_CENTS = 6_000_000;
/** Bitcoin moves by about 3 % in a day. */
const DAILY_MOVE = 0.03;
const SATS_PER_BTC = 1e8;
/** Ten thousand dollars on the first day. */
const THRESHOLD_SATS = (1_000_000 / FIRST_PRICE_CENTS) * SATS_PER_BTC;
const NEAR_CENTS = 900_000;
const CTR_CENTS = 1_000_000;
const Z = 3;

type Kept = Movement & { cents: number };
type Account = { list: Kept[]; sum: number; squares: number };

export function naiveRules(seed: number): {
  take(movement: Movement): NaiveAlert[];
  /** Movements of which a plain z-score says that they are unusual, by party. */
  readonly unusual: readonly { party: string; id: string }[];
} {
  const dice = seededDice(seed);
  let price = { day: -1, cents: FIRST_PRICE_CENTS };
  const accounts = new Map<string, Account>();
  const unusual: { party: string; id: string }[] = [];
  return {
    unusual,
    take(movement) {
      const day = Math.floor(movement.atMs / DAY_MS);
      if (day !== price.day) {
        const moved = price.day < 0 ? 1 : Math.exp(DAILY_MOVE * dice.normal());
        price = { day, cents: price.cents * moved };
      }
      const { party, id } = movement;
      const now = { ...movement, cents: Number(movement.amountMinor ?? 0n) };
      const account = accounts.get(party) ?? { list: [], sum: 0, squares: 0 };
      accounts.set(party, account);
      if (isFarOut(account, now.cents)) unusual.push({ party, id });
      const alerts = look(account.list, now, (now.cents / price.cents) * SATS_PER_BTC);
      account.list.push(now);
      account.sum += now.cents;
      account.squares += now.cents ** 2;
      return alerts;
    },
  };
}

/** More than three standard deviations above the mean of what came before. */
function isFarOut({ list, sum, squares }: Account, cents: number): boolean {
  if (list.length < 2) return false;
  const mean = sum / list.length;
  return cents > mean + Z * Math.sqrt(Math.max(0, squares / list.length - mean ** 2));
}

function look(before: readonly Kept[], now: Kept, sats: number): NaiveAlert[] {
  const found: NaiveAlert[] = [];
  const { party, id } = now;
  const say = (rule: MonitoringRule, movements: readonly Kept[]) =>
    found.push({ rule, party, movementIds: movements.map((each) => each.id) });
  if (sats > THRESHOLD_SATS) say('large_transaction', [now]);
  const today = within(before, now, DAY_MS);
  const near = [...today, now].filter(({ cents }) => cents >= NEAR_CENTS && cents <= CTR_CENTS);
  if (near.length >= 3 && near.at(-1)?.id === id) say('structuring', near);
  const arrived = today.findLast(({ direction }) => direction === 'in');
  if (now.direction === 'out' && arrived !== undefined && now.cents >= 0.8 * arrived.cents) {
    if (now.cents <= arrived.cents && arrived.cents >= 300_000)
      say('rapid_movement', [arrived, now]);
  }
  if (now.marks.some(({ kind }) => kind !== 'country' && kind !== 'exchange')) {
    say('high_risk_counterparty', [now]);
  }
  const week = [...within(before, now, 7 * DAY_MS), now].filter(
    ({ direction }) => direction === now.direction,
  );
  if (new Set(week.map(({ counterparty }) => counterparty)).size >= 10) {
    say(now.direction === 'in' ? 'fan_in' : 'fan_out', week);
  }
  const isBack = before.some(
    ({ counterparty, direction }) =>
      counterparty === now.counterparty && direction === 'out' && now.direction === 'in',
  );
  if (isBack) say('cycle', [now]);
  const last = before.at(-1);
  if (last !== undefined && now.atMs - last.atMs >= 180 * DAY_MS) say('dormant_then_active', [now]);
  if (now.cents >= 100_000 && now.cents % 100_000 === 0) say('round_amount', [now]);
  return found;
}

function within(before: readonly Kept[], now: Kept, windowMs: number): Kept[] {
  const from = before.findLastIndex(({ atMs }) => now.atMs - atMs > windowMs);
  return before.slice(from + 1);
}
