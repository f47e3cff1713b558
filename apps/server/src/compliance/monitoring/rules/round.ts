import type { Currency } from '@quittance/kernel';
import { FULL_BPS, type RoundConfig } from '../config.ts';
import { duration, money, type Reason } from '../finding.ts';
import type { Movement } from '../movement.ts';
import { isDue, type Item, keep, sumOf } from '../window.ts';

type RoundItem = Item & { readonly isRound: boolean };
export type RoundState = {
  readonly items: readonly RoundItem[];
  readonly lastAlertAtMs: number | null;
};

export const MAX_ROUND_ITEMS = 64;

/**
 * Several amounts that are whole multiples of a large unit, among few others as large. What is smaller
 * says nothing: whoever moves round thousands buys bread as well.
 */
export function roundAmount(
  state: RoundState | null,
  movement: Movement,
  config: RoundConfig,
  currency: Currency,
): { state: RoundState | null; reason: Reason | null } {
  const { amountMinor: amount, atMs, id, seq } = movement;
  if (amount === null || isTrifle(amount, config)) return { state, reason: null };
  const { windowMs } = config;
  const isRound = isRoundAmount(amount, config);
  const item = { seq, id, atMs, amount, isRound };
  const items = keep(state?.items ?? [], item, { windowMs, limit: MAX_ROUND_ITEMS });
  const lastAlertAtMs = state?.lastAlertAtMs ?? null;
  const round = items.filter((each) => each.isRound);
  const isFound =
    isRound &&
    round.length >= config.minCount &&
    round.length * Number(FULL_BPS) >= items.length * config.minShareBps &&
    isDue(lastAlertAtMs, atMs, windowMs);
  if (!isFound) return { state: { items, lastAlertAtMs }, reason: null };
  const tookMs = atMs - (round[0]?.atMs ?? atMs);
  const unit = money(config.unit, currency);
  const sum = money(sumOf(round), currency);
  return {
    state: { items, lastAlertAtMs: atMs },
    reason: {
      summary:
        `${round.length} of ${items.length} large payments within ${duration(tookMs)} are whole ` +
        `multiples of ${unit}, ${sum} together.`,
      facts: { round: round.length, payments: items.length, unit, sum },
      movementIds: round.map((each) => each.id),
    },
  };
}

function isTrifle(amount: bigint, { unit, toleranceBps }: RoundConfig): boolean {
  return amount * (FULL_BPS + toleranceBps) < unit * FULL_BPS;
}

/** Within a tolerance, since an amount in fiat was a whole number of satoshis before. */
function isRoundAmount(amount: bigint, { unit, toleranceBps }: RoundConfig): boolean {
  const rest = amount % unit;
  const off = rest * 2n > unit ? unit - rest : rest;
  return amount + off >= unit && off * FULL_BPS <= amount * toleranceBps;
}
