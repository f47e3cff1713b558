import type {
  DrawState,
  LockedRate,
  PullPaymentPeriod,
  PullPaymentState,
} from '@quittance/contract';
import {
  assert,
  type Currency,
  divide,
  type Msats,
  MSATS_PER_SAT,
  type Uuid,
} from '@quittance/kernel';
import { type Period, periodAt } from './period.ts';

/** One key's word for a pull payment: `key:<id>`. */
export type PullPaymentApproval = { readonly by: string; readonly atMs: number };

/**
 * A limit that somebody may draw from. Its units are millisatoshis for BTC, else the currency's
 * smallest unit. It is a promise within the store's balance, not money set aside.
 */
export type PullPayment = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly name: string;
  readonly description: string | null;
  readonly state: PullPaymentState;
  readonly currency: Currency;
  readonly limitUnits: bigint;
  readonly period: PullPaymentPeriod | null;
  readonly minDrawMsat: Msats;
  readonly maxDrawMsat: Msats | null;
  readonly startsAtMs: number;
  readonly expiresAtMs: number | null;
  /** SHA-256 of the link's secret; null: there is no link. */
  readonly linkHash: Uint8Array | null;
  readonly approvalsNeeded: number;
  readonly approvals: readonly PullPaymentApproval[];
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly archivedAtMs: number | null;
  readonly updatedAtMs: number;
};

/** What was drawn once (ADR 0014). */
export type Draw = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly pullPaymentId: Uuid;
  readonly cardId: Uuid | null;
  readonly state: DrawState;
  readonly reason: string | null;
  readonly amountMsat: Msats;
  /** What it takes of the pull payment's limit, and of which period. */
  readonly units: bigint;
  readonly periodStartMs: number;
  /** The card's day that it takes `amountMsat` of. */
  readonly cardDayMs: number | null;
  readonly rate: LockedRate | null;
  readonly invoice: string;
  readonly payoutId: Uuid;
  readonly createdAtMs: number;
  readonly finishedAtMs: number | null;
};

/** Why nothing can be drawn, or not so much: a stable code with a sentence for the one who draws. */
export type DrawRefusal =
  | 'not_approved'
  | 'archived'
  | 'not_started'
  | 'expired'
  | 'too_small'
  | 'too_large'
  | 'limit';

/** Why a pull payment can not be drawn from at all now; null: it can. */
export function closedBecause(
  { state, startsAtMs, expiresAtMs }: PullPayment,
  nowMs: number,
): DrawRefusal | null {
  if (state === 'archived') return 'archived';
  if (state === 'awaiting_approval') return 'not_approved';
  if (nowMs < startsAtMs) return 'not_started';
  if (expiresAtMs !== null && nowMs >= expiresAtMs) return 'expired';
  return null;
}

/** Whether an amount is one that may be drawn at once, whatever is left of the limit. */
export function amountRefusal(
  { minDrawMsat, maxDrawMsat }: Pick<PullPayment, 'minDrawMsat' | 'maxDrawMsat'>,
  amountMsat: Msats,
): DrawRefusal | null {
  if (amountMsat < minDrawMsat) return 'too_small';
  return maxDrawMsat !== null && amountMsat > maxDrawMsat ? 'too_large' : null;
}

export function currentPeriod(
  { period, startsAtMs }: Pick<PullPayment, 'period' | 'startsAtMs'>,
  nowMs: number,
): Period {
  return periodAt(period, { startsAtMs, nowMs });
}

/**
 * What of the limit is still free, as an amount to be drawn: never more than the limit covers when
 * the draw is reckoned up again at the same rate.
 * @param toMsat turns units into millisatoshis, rounded down
 */
export function drawableMsat(
  { minDrawMsat, maxDrawMsat }: Pick<PullPayment, 'minDrawMsat' | 'maxDrawMsat'>,
  remainingMsat: Msats,
): { minMsat: Msats; maxMsat: Msats } | null {
  const most = maxDrawMsat === null || remainingMsat < maxDrawMsat ? remainingMsat : maxDrawMsat;
  // Most wallets know whole satoshis only.
  const maxMsat = divide(most, MSATS_PER_SAT, 'down') * MSATS_PER_SAT;
  return maxMsat < minDrawMsat || maxMsat === 0n ? null : { minMsat: minDrawMsat, maxMsat };
}

/** What has become of a draw's payout. A payment that arrives late contradicts what was told first. */
export type DrawNews =
  | { readonly paid: true; readonly wasFailed?: boolean }
  | { readonly paid: false; readonly reason: string };

/**
 * What the payout's end makes of a draw; null when it says nothing new. A draw ends once: what was
 * given back can not be given back again. Only a payment that arrives after it had failed makes it
 * paid; then what was given back is taken again.
 */
export function endDraw(draw: Draw, news: DrawNews, nowMs: number): Draw | null {
  const isLate = news.paid && news.wasFailed === true && draw.state === 'failed';
  if (draw.state !== 'open' && !isLate) {
    const isSame = draw.state === (news.paid ? 'paid' : 'failed');
    assert(isSame, 'the payout of a draw ends in one way');
    return null;
  }
  const state = news.paid ? 'paid' : 'failed';
  return { ...draw, state, reason: news.paid ? null : news.reason, finishedAtMs: nowMs };
}

/** How many keys have to agree to a pull payment, counting the one that makes it (ADR 0012). */
export type Approving = { readonly needed: number; readonly creatorMayApprove: boolean };

/**
 * Adds a key's approval. One person is one pair of eyes, however many keys; with the last one that is
 * needed the pull payment is active. Null when this person has approved already.
 * @param rules.samePerson who counts as the same person as the approver, itself too
 */
export function approve(
  pull: PullPayment,
  by: string,
  rules: { creatorMayApprove: boolean; samePerson: ReadonlySet<string>; nowMs: number },
): PullPayment | null | 'not_awaiting_approval' | 'creator_may_not_approve' {
  const { creatorMayApprove, samePerson, nowMs } = rules;
  const isSame = (actor: string): boolean => actor === by || samePerson.has(actor);
  if (pull.approvals.some((each) => isSame(each.by))) return null;
  if (pull.state !== 'awaiting_approval') return 'not_awaiting_approval';
  if (!creatorMayApprove && isSame(pull.createdBy)) return 'creator_may_not_approve';
  const approvals = [...pull.approvals, { by, atMs: nowMs }];
  const state = approvals.length >= pull.approvalsNeeded ? 'active' : 'awaiting_approval';
  return { ...pull, approvals, state, updatedAtMs: nowMs };
}
