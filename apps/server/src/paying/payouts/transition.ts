import type { PayoutEventType } from '@quittance/contract';
import { type Sats, type Uuid, unreachable } from '@quittance/kernel';
import type { Origin } from '../spends/index.ts';
import { type AttemptEvent, applyAttemptEvent, isExpired } from './attempt-transition.ts';
import type { Payout, PayoutApproval, PayoutReason, PayRequest } from './payout.ts';
import {
  change,
  type PayoutLedgerIntent,
  type PayoutStep,
  reject,
  release,
  reservation,
  same,
} from './step.ts';

/** What can happen to a payout; every event may come twice. */
export type PayoutEvent = ChainEvent | AttemptEvent;

type ChainEvent = { readonly atMs: number } & (
  | {
      readonly type: 'approved';
      readonly approval: PayoutApproval;
      readonly creatorMayApprove: boolean;
      /** Who counts as the same person as the approver, of those who made or approved it. */
      readonly samePerson?: ReadonlySet<string>;
    }
  /** It needs nobody's approval, or a rule gave it. */
  | { readonly type: 'auto_approved'; readonly approval: PayoutApproval | null }
  | { readonly type: 'cancelled' }
  /** It could not be paid now: it stays approved, and says why. */
  | { readonly type: 'held'; readonly reason: PayoutReason; readonly notBeforeMs: number | null }
  /** What a check held may be paid: it goes on as if it had not been held. */
  | { readonly type: 'freed' }
  /** A person wants the processor to try it at its next run. */
  | { readonly type: 'hastened' }
  /** A person wants it paid now, by itself. */
  | { readonly type: 'pay_requested'; readonly request: PayRequest }
  | {
      readonly type: 'started';
      readonly spendId: Uuid;
      readonly origin: Origin;
      readonly processorId: Uuid | null;
    }
  | {
      readonly type: 'spend_moved';
      readonly spendId: Uuid;
      readonly to: 'broadcast' | 'confirmed' | 'final';
      readonly txid: string;
      readonly feeShareSats: Sats;
      readonly reason: PayoutReason | null;
    }
  /** Nothing has moved, but the spend says why, such as a signer that does not answer. */
  | { readonly type: 'spend_noted'; readonly spendId: Uuid; readonly reason: PayoutReason | null }
  | {
      readonly type: 'spend_failed';
      readonly spendId: Uuid;
      readonly reason: PayoutReason;
      /** Whether another spend may be tried, and when. */
      readonly retry: { readonly notBeforeMs: number; readonly maxAttempts: number } | null;
    }
);

export type { PayoutLedgerIntent, PayoutRejection, PayoutStep } from './step.ts';

/** How far a payout is on the chain; a spend that is told of late skips steps. */
const CHAIN_STATES = ['in_progress', 'broadcast', 'confirmed', 'final'] as const;
type ChainState = (typeof CHAIN_STATES)[number];

/**
 * What an event makes of a payout, without any I/O. An event that says nothing new gives back the
 * same payout, so every event may be applied twice. Failed and cancelled payouts never change
 * again (but for a Lightning payment that arrives after all), final ones neither; a payout has a spend exactly while it is in_progress or beyond, and
 * gets one only from approved, where it has none: two are never alive at once.
 */
export function applyPayoutEvent(payout: Payout, event: PayoutEvent): PayoutStep {
  switch (event.type) {
    case 'approved':
      return approve(payout, event);
    case 'auto_approved':
      if (payout.state === 'approved') return same(payout);
      if (payout.state !== 'awaiting_approval') return reject('not_awaiting_approval');
      return reserve(payout, event.approval === null ? [] : [event.approval], event.atMs);
    case 'cancelled':
      return cancel(payout, event.atMs);
    case 'held':
      if (payout.state !== 'approved') return reject('not_approved');
      return hold(payout, event);
    case 'freed':
      if (payout.state !== 'approved') return reject('not_approved');
      if (payout.reason !== 'destination_held') return same(payout);
      return change(payout, event.atMs, { reason: null, notBeforeMs: null });
    case 'hastened':
      if (payout.state !== 'approved') return reject('not_approved');
      if (payout.notBeforeMs === null) return same(payout);
      return change(payout, event.atMs, { notBeforeMs: null });
    case 'pay_requested':
      if (payout.state !== 'approved') return reject('not_approved');
      return request(payout, event);
    case 'started':
      return start(payout, event);
    case 'spend_moved':
      return move(payout, event);
    case 'spend_noted':
      if (payout.spendId !== event.spendId) return reject('other_spend');
      if (payout.state === 'final' || payout.reason === event.reason) return same(payout);
      return change(payout, event.atMs, { reason: event.reason });
    case 'spend_failed':
      return fail(payout, event);
    case 'attempt_started':
    case 'attempt_refused':
    case 'attempt_unsure':
    case 'attempt_seen':
    case 'attempt_succeeded':
    case 'attempt_failed':
    case 'attempt_arrived_late':
    case 'postponed':
    case 'gave_up':
      return applyAttemptEvent(payout, event);
    default:
      return unreachable(event);
  }
}

/** Where a payout can never come out of. */
export function hasEnded(payout: Pick<Payout, 'state'>): boolean {
  return ['final', 'failed', 'cancelled'].includes(payout.state);
}

/** Over Lightning a person's wish ends a pause, each time anew. */
function request(
  payout: Payout,
  { request: wish, atMs }: Extract<PayoutEvent, { type: 'pay_requested' }>,
): PayoutStep {
  const { payRequest, method } = payout;
  if (method === 'onchain') {
    return payRequest === null ? change(payout, atMs, { payRequest: wish }) : same(payout);
  }
  if (payRequest !== null && payRequest.atMs >= wish.atMs) return same(payout);
  return change(payout, atMs, { payRequest: wish, notBeforeMs: null });
}

function approve(payout: Payout, event: Extract<PayoutEvent, { type: 'approved' }>): PayoutStep {
  const { approval, creatorMayApprove, atMs, samePerson = new Set([approval.by]) } = event;
  if (isKnown(payout.approvals, approval, samePerson)) return same(payout);
  // The signer may ask for more persons than the server does: they sign while it waits to be paid.
  const adds = payout.state === 'approved' && approval.signature !== null;
  if (payout.state !== 'awaiting_approval' && !adds) return reject('not_awaiting_approval');
  if (!creatorMayApprove && samePerson.has(payout.createdBy)) {
    return reject('creator_may_not_approve');
  }
  const approvals = [...payout.approvals, approval];
  if (adds || approvals.length < payout.approvalsNeeded) return change(payout, atMs, { approvals });
  return reserve(payout, [approval], atMs);
}

/** The same key, or the same person with another key, is one pair of eyes. */
function isKnown(
  approvals: readonly PayoutApproval[],
  next: PayoutApproval,
  samePerson: ReadonlySet<string>,
): boolean {
  const person = next.signature?.approver;
  return approvals.some(
    ({ by, signature }) =>
      by === next.by ||
      samePerson.has(by) ||
      (person !== undefined && signature?.approver === person),
  );
}

function reserve(payout: Payout, added: readonly PayoutApproval[], atMs: number): PayoutStep {
  if (isExpired(payout, atMs)) return reject('invoice_expired');
  return change(
    payout,
    atMs,
    { state: 'approved', approvals: [...payout.approvals, ...added], approvedAtMs: atMs },
    reservation(payout),
    ['payout.approved'],
  );
}

/** A person's wish to have it paid now ends here, too: the person sees the reason and decides. */
function hold(payout: Payout, event: Extract<PayoutEvent, { type: 'held' }>): PayoutStep {
  const { reason, notBeforeMs } = event;
  const isKnown = payout.reason === reason && payout.notBeforeMs === notBeforeMs;
  if (isKnown && payout.payRequest === null) return same(payout);
  return change(payout, event.atMs, { reason, notBeforeMs, payRequest: null });
}

function cancel(payout: Payout, atMs: number): PayoutStep {
  if (payout.state === 'cancelled') return same(payout);
  if (payout.state !== 'awaiting_approval' && payout.state !== 'approved') {
    return reject('not_cancellable');
  }
  const ended = {
    state: 'cancelled',
    reason: null,
    notBeforeMs: null,
    payRequest: null,
    finishedAtMs: atMs,
  } as const;
  const isReserved = payout.state === 'approved';
  return change(payout, atMs, ended, isReserved ? release(payout) : [], ['payout.cancelled']);
}

function start(
  payout: Payout,
  { spendId, origin, processorId, atMs }: Extract<PayoutEvent, { type: 'started' }>,
): PayoutStep {
  if (payout.spendId === spendId && payout.state === 'in_progress') return same(payout);
  const isFree = payout.state === 'approved' && payout.spendId === null;
  if (!isFree || payout.method !== 'onchain') return reject('not_approved');
  const started = {
    state: 'in_progress',
    spendId,
    origin,
    processorId,
    payRequest: null,
    reason: null,
    notBeforeMs: null,
    attempts: payout.attempts + 1,
    startedAtMs: atMs,
  } as const;
  return change(payout, atMs, started, [], ['payout.in_progress']);
}

function move(
  payout: Payout,
  { spendId, to, txid, feeShareSats, reason, atMs }: Extract<PayoutEvent, { type: 'spend_moved' }>,
): PayoutStep {
  const from = chainState(payout);
  if (payout.spendId !== spendId || from === null) return reject('other_spend');
  if (from === 'final') return to === 'final' ? same(payout) : reject('ended');
  const isNew =
    payout.txid !== txid || payout.feeShareSats !== feeShareSats || payout.reason !== reason;
  if (from === to && !isNew) return same(payout);
  const ledger: PayoutLedgerIntent[] =
    from === 'in_progress' ? [{ template: 'payout-sent', epoch: payout.ledgerEpoch }] : [];
  return change(
    payout,
    atMs,
    {
      state: to,
      txid,
      feeShareSats,
      reason,
      broadcastAtMs: payout.broadcastAtMs ?? atMs,
      finishedAtMs: to === 'final' ? atMs : null,
    },
    ledger,
    noticesBetween(from, to),
  );
}

/** Each step that was passed, or the one that it fell back to; nothing for a bump. */
function noticesBetween(from: ChainState, to: ChainState): PayoutEventType[] {
  const [a, b] = [CHAIN_STATES.indexOf(from), CHAIN_STATES.indexOf(to)];
  if (b < a) return [`payout.${to}`];
  return CHAIN_STATES.slice(a + 1, b + 1).map((state) => `payout.${state}` as const);
}

function fail(payout: Payout, event: Extract<PayoutEvent, { type: 'spend_failed' }>): PayoutStep {
  const { spendId, atMs, reason } = event;
  const from = chainState(payout);
  if (payout.spendId !== spendId || from === null) {
    return payout.lastSpendId === spendId ? same(payout) : reject('other_spend');
  }
  if (from === 'final') return reject('ended');
  const mayRetry = event.retry !== null && payout.attempts < event.retry.maxAttempts;
  const wasSent = from !== 'in_progress';
  const ledger: PayoutLedgerIntent[] = [];
  const notices: PayoutEventType[] = [];
  if (wasSent) {
    ledger.push({ template: 'payout-reversed', epoch: payout.ledgerEpoch });
    notices.push('payout.reversed');
  }
  const freed = {
    spendId: null,
    lastSpendId: spendId,
    txid: null,
    feeShareSats: 0n,
    broadcastAtMs: null,
    ledgerEpoch: payout.ledgerEpoch + (wasSent ? 1 : 0),
  };
  if (mayRetry && event.retry !== null) {
    if (wasSent) ledger.push({ template: 'payout-reserved', epoch: freed.ledgerEpoch });
    const again = { ...freed, state: 'approved', reason, notBeforeMs: event.retry.notBeforeMs };
    return change(payout, atMs, { ...again, state: 'approved' }, ledger, notices);
  }
  if (!wasSent) ledger.push(...release(payout));
  const lastReason = event.retry === null ? reason : 'too_many_attempts';
  const ended = { ...freed, state: 'failed', reason: lastReason, finishedAtMs: atMs } as const;
  return change(payout, atMs, ended, ledger, [...notices, 'payout.failed']);
}

function chainState({ state, method }: Payout): ChainState | null {
  if (method !== 'onchain') return null;
  return CHAIN_STATES.find((each) => each === state) ?? null;
}
