import type { CustomerLevel, CustomerVerificationState } from '@quittance/contract';
import { unreachable, type Uuid } from '@quittance/kernel';
import { DAY_MS } from './calendar.ts';

export type Verification = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly customerId: Uuid;
  readonly method: 'manual' | 'provider';
  readonly level: Exclude<CustomerLevel, 'none'>;
  readonly state: CustomerVerificationState;
  /** Why it waits or has ended, in one word or the provider's. */
  readonly reason: string | null;
  readonly factsDigest: Uint8Array;
  readonly documentIds: readonly Uuid[];
  readonly reference: string | null;
  readonly sealedLink: Uint8Array | null;
  readonly sealedNote: Uint8Array | null;
  readonly validUntilMs: number | null;
  /** Tries in a row that brought no answer. */
  readonly attempts: number;
  readonly nextTryAtMs: number | null;
  readonly proposedBy: string;
  readonly createdAtMs: number;
  readonly decidedBy: string | null;
  readonly endedAtMs: number | null;
};

/** What a provider says, or that it says nothing. */
export type ProviderAnswer =
  | { readonly kind: 'running'; readonly reference: string; readonly link: string | null }
  | {
      readonly kind: 'passed';
      readonly reference: string;
      /** When the first of the documents that it saw runs out. */
      readonly validUntilMs: number | null;
    }
  | { readonly kind: 'failed'; readonly reference: string; readonly reason: string }
  /** It has no such verification. */
  | { readonly kind: 'unknown' }
  /** It has not begun it and will not, whoever asks again. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody can say whether it has it: no answer, or none that can be read. */
  | { readonly kind: 'silent'; readonly reason: string };

export type VerificationEvent =
  | { readonly type: 'answered'; readonly answer: ProviderAnswer; readonly sealedLink?: Uint8Array }
  | { readonly type: 'approved'; readonly by: string }
  | { readonly type: 'declined'; readonly by: string }
  /** The customer is another than the one that it was begun for. */
  | { readonly type: 'overtaken' };

export type VerificationStep =
  | {
      readonly ok: true;
      readonly changed: boolean;
      readonly verification: Verification;
      /** verify: it is in force from now on. tell: a person has to look. */
      readonly effect: 'none' | 'verify' | 'tell';
    }
  | { readonly ok: false; readonly because: 'ended' | 'not_proposed' | 'contradiction' };

/** How often a provider is asked that has it; a callback makes it sooner. */
export const POLL_MS = 60_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 900_000;
/** A customer may take days to hold his passport to the camera, and a provider hours to look at it. */
export const GIVE_UP_MS = 30 * DAY_MS;
const MAX_REASON = 300;

/**
 * What an event makes of a verification. Nothing is ever concluded from silence: it is asked again,
 * under the same key, and in the end given up, which says nothing about the customer.
 * @param given.decides whether a provider's good result is in force without a person
 */
export function applyVerificationEvent(
  before: Verification,
  event: VerificationEvent,
  given: { nowMs: number; decides: boolean },
): VerificationStep {
  switch (event.type) {
    case 'answered':
      return answered(before, event, given);
    case 'approved':
      if (before.state === 'approved') return same(before);
      if (before.endedAtMs !== null) return { ok: false, because: 'ended' };
      if (before.state !== 'proposed') return { ok: false, because: 'not_proposed' };
      return end(before, { state: 'approved', by: event.by }, given.nowMs, 'verify');
    case 'declined':
      if (before.state === 'declined') return same(before);
      if (before.endedAtMs !== null) return { ok: false, because: 'ended' };
      return end(before, { state: 'declined', by: event.by }, given.nowMs, 'none');
    case 'overtaken':
      if (before.endedAtMs !== null) return same(before);
      return end(before, { state: 'abandoned', reason: 'customer_changed' }, given.nowMs, 'none');
    default:
      return unreachable(event);
  }
}

function answered(
  before: Verification,
  { answer, sealedLink }: Extract<VerificationEvent, { type: 'answered' }>,
  { nowMs, decides }: { nowMs: number; decides: boolean },
): VerificationStep {
  if (before.endedAtMs !== null || before.state === 'proposed') return late(before, answer);
  switch (answer.kind) {
    case 'running':
      return step({
        ...before,
        state: 'running',
        reference: answer.reference,
        sealedLink: sealedLink ?? before.sealedLink,
        attempts: 0,
        nextTryAtMs: nowMs + POLL_MS,
      });
    case 'passed': {
      const { reference, validUntilMs } = answer;
      const known = { ...before, reference, validUntilMs };
      if (decides && before.level !== 'enhanced') {
        return end(known, { state: 'approved', by: 'provider' }, nowMs, 'verify');
      }
      return step({ ...known, state: 'proposed', attempts: 0, nextTryAtMs: null }, 'tell');
    }
    case 'failed': {
      const known = { ...before, reference: answer.reference };
      return end(known, { state: 'failed', reason: answer.reason }, nowMs, 'tell');
    }
    case 'refused':
      return end(before, { state: 'abandoned', reason: answer.reason }, nowMs, 'tell');
    case 'unknown':
      // Not handed over yet: it is handed over again, under the same key.
      if (before.state === 'starting') return wait(before, 'unknown_to_provider', nowMs);
      return end(before, { state: 'abandoned', reason: 'unknown_to_provider' }, nowMs, 'tell');
    case 'silent':
      return wait(before, answer.reason, nowMs);
    default:
      return unreachable(answer);
  }
}

/** An answer to what has ended: the same again is nothing new, another one is for a person to see. */
function late(before: Verification, answer: ProviderAnswer): VerificationStep {
  const { state } = before;
  const saidYes = state === 'approved' || state === 'proposed';
  const contradicts =
    (answer.kind === 'failed' && saidYes) || (answer.kind === 'passed' && state === 'failed');
  return contradicts ? { ok: false, because: 'contradiction' } : same(before);
}

function wait(before: Verification, reason: string, nowMs: number): VerificationStep {
  if (nowMs - before.createdAtMs >= GIVE_UP_MS) {
    return end(before, { state: 'abandoned', reason: 'no_answer' }, nowMs, 'tell');
  }
  const attempts = before.attempts + 1;
  const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
  return step({
    ...before,
    attempts,
    reason: reason.slice(0, MAX_REASON),
    nextTryAtMs: nowMs + delayMs,
  });
}

function end(
  before: Verification,
  how: { state: CustomerVerificationState; by?: string; reason?: string },
  nowMs: number,
  effect: 'none' | 'verify' | 'tell',
): VerificationStep {
  return step(
    {
      ...before,
      state: how.state,
      reason: how.reason?.slice(0, MAX_REASON) ?? null,
      decidedBy: how.by ?? null,
      attempts: 0,
      nextTryAtMs: null,
      endedAtMs: nowMs,
    },
    effect,
  );
}

function step(
  verification: Verification,
  effect: 'none' | 'verify' | 'tell' = 'none',
): VerificationStep {
  return { ok: true, changed: true, verification, effect };
}

function same(verification: Verification): VerificationStep {
  return { ok: true, changed: false, verification, effect: 'none' };
}
