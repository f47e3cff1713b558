import { unreachable } from '@quittance/kernel';
import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import type { Attempt, AttemptChange, SentAttempt } from './attempt.ts';
import { lockAttempt, updateAttempt, wasTriedBefore } from './attempt-store.ts';
import { FIRST_PAUSE_MS, lookAgainMs } from './back-off.ts';
import type { AttemptDeps } from './deps.ts';
import { failureClasses } from './failure-classes.ts';
import { lightningFaultPoint } from './fault-points.ts';
import { judgeAnswer, type Verdict } from './judge-answer.ts';

/** How often the node is asked about an attempt that has ended and could still arrive. */
export const WATCH_EVERY_MS = 60_000;

/**
 * Records what a node said of an attempt, and in the same transaction what follows for the payout,
 * its money and its events. Every answer may come twice: an attempt that has ended stays as it is.
 * @param asked.askedAtMs when the node was asked, or given it: before that moment it said nothing
 * @returns the verdict; null when the attempt had ended before
 */
export async function recordAnswer(
  deps: AttemptDeps,
  sent: SentAttempt,
  answer: PaymentOutcome,
  asked: { isOwnReply: boolean; askedAtMs: number },
): Promise<Verdict | null> {
  const { merchantId, payoutId, id } = sent;
  const done = await deps.database.asSystem(async (tx) => {
    await deps.listener.lock(tx, { merchantId, payoutId });
    const attempt = await lockAttempt(tx, { merchantId, id });
    if (attempt === undefined || attempt.state !== 'open' || !isSent(attempt)) return null;
    const nowMs = deps.clock.nowMs();
    const isKnownHash = await wasTriedBefore(tx, attempt);
    const verdict = judgeAnswer(attempt, answer, { nowMs, ...asked, isKnownHash });
    await updateAttempt(tx, applyVerdict(attempt, verdict, { nowMs, random: deps.random }));
    const change = changeOf(attempt, verdict);
    await deps.listener.attemptChanged(tx, { ids: deps.ids, nowMs }, change);
    lightningFaultPoint('lightning-ended-uncommitted');
    return { attempt, verdict };
  });
  if (done === null) return null;
  lightningFaultPoint('lightning-ended-saved');
  tell(deps, done);
  return done.verdict;
}

/** Whether it has all that was durable before it could be sent. */
export function isSent(attempt: Attempt): attempt is SentAttempt {
  return attempt.node !== null && attempt.invoice !== null && attempt.deadlineMs !== null;
}

function applyVerdict(
  attempt: SentAttempt,
  verdict: Verdict,
  { nowMs, random }: { nowMs: number; random: AttemptDeps['random'] },
): Attempt {
  const ended = { dueAtMs: null, endedAtMs: nowMs, notFoundSinceMs: null };
  switch (verdict.type) {
    case 'succeeded': {
      const { preimage, sentMsat, feeMsat } = verdict;
      return { ...attempt, ...ended, state: 'succeeded', preimage, sentMsat, feeMsat };
    }
    case 'failed': {
      const { failure, watchUntilMs } = verdict;
      const watchDueAtMs = watchUntilMs === null ? null : nowMs + WATCH_EVERY_MS;
      const watch = { watchUntilMs, watchDueAtMs };
      return { ...attempt, ...ended, ...watch, state: 'failed', failure, detail: failure.detail };
    }
    case 'open': {
      const pauseEndsMs = nowMs + lookAgainMs(attempt.looks, random);
      const soonestMs = nowMs + FIRST_PAUSE_MS;
      const lookAtMs = Math.max(soonestMs, verdict.lookAtMs ?? Number.POSITIVE_INFINITY);
      return {
        ...attempt,
        lastAnswer: verdict.answer,
        lastAnswerAtMs: nowMs,
        detail: verdict.detail,
        notFoundSinceMs: verdict.notFoundSinceMs,
        looks: attempt.looks + 1,
        dueAtMs: Math.min(pauseEndsMs, lookAtMs),
      };
    }
    default:
      return unreachable(verdict);
  }
}

function changeOf(attempt: SentAttempt, verdict: Verdict): AttemptChange {
  const { merchantId, payoutId, id: attemptId } = attempt;
  const about = { merchantId, payoutId, attemptId };
  switch (verdict.type) {
    case 'succeeded': {
      const { preimage, sentMsat, feeMsat } = verdict;
      // What a node rounds up on the way is a cost of the payment like any other.
      const beyond = sentMsat + feeMsat - attempt.amountMsat;
      return { ...about, type: 'succeeded', preimage, feeMsat: beyond > 0n ? beyond : 0n };
    }
    case 'failed':
      return { ...about, type: 'failed', failure: verdict.failure };
    case 'open':
      return verdict.answer === 'in_flight'
        ? { ...about, type: 'in_flight' }
        : { ...about, type: 'unsure', detail: verdict.detail ?? 'the node did not say' };
    default:
      return unreachable(verdict);
  }
}

function tell(
  deps: AttemptDeps,
  { attempt, verdict }: { attempt: SentAttempt; verdict: Verdict },
): void {
  const { id: attemptId, payoutId, merchantId, number, origin, invoice } = attempt;
  const { paymentHash } = invoice;
  const facts = { attemptId, payoutId, merchantId, number, origin, paymentHash };
  if (verdict.type === 'open') {
    if (verdict.answer === attempt.lastAnswer || verdict.answer === 'in_flight') return;
    const { answer, detail } = verdict;
    deps.log.warn({ ...facts, answer, detail }, 'nobody can say what became of a payment');
    return;
  }
  const outcome =
    verdict.type === 'succeeded'
      ? 'succeeded'
      : failureClasses[verdict.failure.failureClass].metric;
  deps.notices?.ended?.(outcome, origin);
  if (verdict.type === 'failed') {
    deps.log.warn({ ...facts, ...verdict.failure }, 'a Lightning payment has failed');
    return;
  }
  const feeMsat = verdict.feeMsat.toString();
  deps.log.info({ ...facts, feeMsat }, 'a Lightning payment has arrived');
}
