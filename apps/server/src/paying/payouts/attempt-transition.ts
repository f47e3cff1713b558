import type { LightningFailureClass } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';
import type { Origin } from '../spends/index.ts';
import type { LightningSide, Payout, PayoutReason } from './payout.ts';
import {
  change,
  hasFeeReserve,
  type PayoutLedgerIntent,
  type PayoutStep,
  reject,
  release,
  same,
} from './step.ts';

/** When it is tried again; null: never, it has failed. */
export type NextTry = { readonly notBeforeMs: number } | null;

/** What can happen to a payout over Lightning once it is approved (ADR 0014). */
export type AttemptEvent = {
  readonly atMs: number;
} /** Its hash and limits are durable from now on; it is sent after that. */ & (
  | {
      readonly type: 'attempt_started';
      readonly attemptId: Uuid;
      readonly paymentHash: string;
      readonly origin: Origin;
      readonly processorId: Uuid | null;
    }
  /** It was not sent at all, for a reason that was seen before. */
  | {
      readonly type: 'attempt_refused';
      readonly attemptId: Uuid;
      readonly origin: Origin;
      readonly processorId: Uuid | null;
      readonly failureClass: LightningFailureClass;
      readonly reason: PayoutReason;
      readonly next: NextTry;
    }
  /** Nobody can say what has become of it. */
  | {
      readonly type: 'attempt_unsure';
      readonly attemptId: Uuid;
      readonly reason: PayoutReason;
    }
  /** The node says that it is still trying. */
  | { readonly type: 'attempt_seen'; readonly attemptId: Uuid }
  | {
      readonly type: 'attempt_succeeded';
      readonly attemptId: Uuid;
      readonly preimage: string;
      readonly feeMsat: Msats;
    }
  /**
   * An attempt that counted as failed was paid all the same. The one that is open, if there is one,
   * goes on: it can not be called back.
   */
  | {
      readonly type: 'attempt_arrived_late';
      readonly attemptId: Uuid;
      readonly paymentHash: string;
      readonly preimage: string;
      readonly feeMsat: Msats;
      /** It was booked when it was found, while another attempt was open. */
      readonly isBooked: boolean;
    }
  /** The node says for certain that nothing of it can still arrive. */
  | {
      readonly type: 'attempt_failed';
      readonly attemptId: Uuid;
      readonly failureClass: LightningFailureClass;
      readonly reason: PayoutReason;
      readonly next: NextTry;
    }
  /** The strategy waits; a person's wish stays. */
  | { readonly type: 'postponed'; readonly notBeforeMs: number }
  /** No attempt will be begun any more: the invoice has ended, or the strategy. */
  | { readonly type: 'gave_up'; readonly reason: PayoutReason }
);

/**
 * No attempt is begun in an invoice's last seconds: the payment would arrive when the recipient does
 * not take it any more, and clocks differ by a few seconds.
 */
export const EXPIRY_MARGIN_MS = 10_000;

/** Whether it is too late to begin, or to approve what could not be begun. */
export function isExpired(payout: Pick<Payout, 'lightning'>, atMs: number): boolean {
  const expiresAtMs = payout.lightning?.expiresAtMs ?? null;
  return expiresAtMs !== null && atMs >= expiresAtMs - EXPIRY_MARGIN_MS;
}

/**
 * What an event of an attempt makes of a payout, without any I/O. A payout has an attempt exactly
 * while it is in_flight, unknown or final, gets one only from approved, and loses it only when the
 * attempt has failed for certain: two are never open at once.
 */
export function applyAttemptEvent(payout: Payout, event: AttemptEvent): PayoutStep {
  const { lightning } = payout;
  if (lightning === null) return reject('other_attempt');
  switch (event.type) {
    case 'attempt_started':
      return start(payout, lightning, event);
    case 'attempt_refused': {
      if (lightning.lastAttemptId === event.attemptId) return same(payout);
      if (payout.state !== 'approved') return reject('not_approved');
      const { origin, processorId } = event;
      return fail(payout, event, { origin, processorId, attempts: payout.attempts + 1 });
    }
    case 'attempt_failed':
      if (lightning.lastAttemptId === event.attemptId) return same(payout);
      if (!isOpen(payout, event.attemptId)) return reject('other_attempt');
      return fail(payout, event, {});
    case 'attempt_unsure':
      if (!isOpen(payout, event.attemptId)) return reject('other_attempt');
      if (payout.state === 'unknown' && payout.reason === event.reason) return same(payout);
      return change(
        payout,
        event.atMs,
        { state: 'unknown', reason: event.reason },
        [],
        payout.state === 'unknown' ? [] : ['payout.unknown'],
      );
    case 'attempt_seen':
      if (!isOpen(payout, event.attemptId)) return reject('other_attempt');
      if (payout.state === 'in_flight') return same(payout);
      return change(
        payout,
        event.atMs,
        { state: 'in_flight', reason: null },
        [],
        ['payout.in_flight'],
      );
    case 'attempt_succeeded':
      return succeed(payout, lightning, event);
    case 'attempt_arrived_late':
      return arriveLate(payout, lightning, event);
    case 'postponed':
      if (payout.state !== 'approved') return reject('not_approved');
      if (payout.notBeforeMs === event.notBeforeMs) return same(payout);
      return change(payout, event.atMs, { notBeforeMs: event.notBeforeMs });
    case 'gave_up':
      return giveUp(payout, event);
  }
}

function isOpen({ state, lightning }: Payout, attemptId: Uuid): boolean {
  return (state === 'in_flight' || state === 'unknown') && lightning?.attemptId === attemptId;
}

function start(
  payout: Payout,
  lightning: LightningSide,
  event: Extract<AttemptEvent, { type: 'attempt_started' }>,
): PayoutStep {
  const { attemptId, paymentHash, origin, processorId, atMs } = event;
  if (lightning.attemptId === attemptId) return same(payout);
  if (payout.state !== 'approved' || lightning.attemptId !== null) return reject('not_approved');
  if (lightning.lastAttemptId === attemptId) return reject('other_attempt');
  if (isExpired(payout, atMs)) return reject('invoice_expired');
  const started = {
    state: 'in_flight',
    origin,
    processorId,
    reason: null,
    notBeforeMs: null,
    attempts: payout.attempts + 1,
    startedAtMs: atMs,
    lightning: { ...lightning, attemptId, paymentHash },
  } as const;
  return change(payout, atMs, started, [], ['payout.in_flight']);
}

/** A person's wish to have it paid now holds on until it has ended or waits for that person. */
function fail(
  payout: Payout,
  event: Extract<AttemptEvent, { type: 'attempt_refused' | 'attempt_failed' }>,
  more: Partial<Payout>,
): PayoutStep {
  const { lightning } = payout;
  const { attemptId, failureClass, reason, next, atMs } = event;
  if (lightning === null) return reject('other_attempt');
  const freed = {
    ...more,
    reason,
    lightning: {
      ...lightning,
      attemptId: null,
      lastAttemptId: attemptId,
      lastFailure: failureClass,
    },
  };
  if (next !== null) {
    return change(payout, atMs, { ...freed, state: 'approved', notBeforeMs: next.notBeforeMs });
  }
  return end(payout, atMs, freed);
}

function succeed(
  payout: Payout,
  lightning: LightningSide,
  event: Extract<AttemptEvent, { type: 'attempt_succeeded' }>,
): PayoutStep {
  const { attemptId, preimage, feeMsat, atMs } = event;
  if (payout.state === 'final' && lightning.attemptId === attemptId) return same(payout);
  if (!isOpen(payout, attemptId)) return reject('other_attempt');
  const paid = { ...lightning, preimage, feeMsat };
  return finish(payout, atMs, paid, sentTransfers(payout));
}

/** What was set aside is on its way, and then with the recipient. */
function sentTransfers(payout: Payout): PayoutLedgerIntent[] {
  const epoch = payout.ledgerEpoch;
  const ledger: PayoutLedgerIntent[] = [{ template: 'payout-sent', epoch }];
  if (hasFeeReserve(payout)) ledger.push({ template: 'lightning-fee-released', epoch });
  return [...ledger, { template: 'lightning-sent', epoch }];
}

function finish(
  payout: Payout,
  atMs: number,
  lightning: LightningSide,
  ledger: readonly PayoutLedgerIntent[],
): PayoutStep {
  const paid = { state: 'final', reason: null, payRequest: null, notBeforeMs: null } as const;
  return change(payout, atMs, { ...paid, finishedAtMs: atMs, lightning }, ledger, ['payout.final']);
}

/**
 * The money has gone, so it is booked whatever the payout's state is, and a payout that nothing else
 * pays is paid by it: also one that had failed. Beside an open attempt, or the one that has paid it,
 * it is a second payment, which the alert tells of.
 */
function arriveLate(
  payout: Payout,
  lightning: LightningSide,
  event: Extract<AttemptEvent, { type: 'attempt_arrived_late' }>,
): PayoutStep {
  const { attemptId, paymentHash, preimage, feeMsat, isBooked, atMs } = event;
  if (payout.state === 'final' && lightning.attemptId === attemptId) return same(payout);
  const paid = { ...lightning, attemptId, paymentHash, preimage, feeMsat };
  if (payout.state === 'approved') return finish(payout, atMs, paid, sentTransfers(payout));
  const late = { template: 'lightning-late', attemptId, paymentHash, feeMsat } as const;
  const ledger = isBooked ? [] : [late];
  if (payout.state === 'failed' || payout.state === 'cancelled') {
    return finish(payout, atMs, paid, ledger);
  }
  return change(payout, atMs, {}, ledger);
}

function giveUp(
  payout: Payout,
  { reason, atMs }: Extract<AttemptEvent, { type: 'gave_up' }>,
): PayoutStep {
  if (payout.state === 'failed' && payout.reason === reason) return same(payout);
  if (payout.state !== 'awaiting_approval' && payout.state !== 'approved') {
    return reject('not_approved');
  }
  return end(payout, atMs, { reason });
}

function end(payout: Payout, atMs: number, changes: Partial<Payout>): PayoutStep {
  const ended = {
    ...changes,
    state: 'failed',
    notBeforeMs: null,
    payRequest: null,
    finishedAtMs: atMs,
  } as const;
  const ledger = payout.state === 'awaiting_approval' ? [] : release(payout);
  return change(payout, atMs, ended, ledger, ['payout.failed']);
}
