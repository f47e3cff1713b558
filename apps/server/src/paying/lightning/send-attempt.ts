import type { LightningFailureClass } from '@quittance/contract';
import {
  type LightningNode,
  LightningNodeError,
  type LightningNodeErrorCode,
  type PaymentOutcome,
} from '../../receiving/lightning/index.ts';
import type { AttemptFailure, SentAttempt } from './attempt.ts';
import { lockAttempt, updateAttempt } from './attempt-store.ts';
import type { AttemptDeps } from './deps.ts';
import { lightningFaultPoint } from './fault-points.ts';
import { SEND_AGAIN_AFTER_MS, type Verdict, WAIT_MS } from './judge-answer.ts';
import { isSent, recordAnswer } from './record-answer.ts';

/**
 * Gives an attempt to its node and records the outcome, as far as the node says it in time. The
 * attempt is committed before. What is still open afterwards is tracked.
 */
export async function sendAttempt(
  deps: AttemptDeps,
  node: LightningNode,
  attempt: SentAttempt,
): Promise<Verdict | null> {
  lightningFaultPoint('lightning-attempt-committed');
  const askedAtMs = deps.clock.nowMs();
  const answer = await pay(node, attempt, askedAtMs);
  lightningFaultPoint('lightning-sent-unsaved');
  return await recordAnswer(deps, attempt, answer, { isOwnReply: true, askedAtMs });
}

/**
 * Gives the same payment to the node once more, which has never heard of it. The node knows a payment
 * by its hash, so of two that reach it one is refused.
 */
export async function sendAgain(
  deps: AttemptDeps,
  node: LightningNode,
  attempt: SentAttempt,
): Promise<void> {
  const { merchantId, payoutId, id } = attempt;
  const again = await deps.database.asSystem(async (tx) => {
    await deps.listener.lock(tx, { merchantId, payoutId });
    const locked = await lockAttempt(tx, { merchantId, id });
    if (locked === undefined || locked.state !== 'open' || !isSent(locked)) return null;
    // Another worker was faster.
    if (locked.sends !== attempt.sends) return null;
    const nowMs = deps.clock.nowMs();
    const sent = { sends: locked.sends + 1, sentAtMs: nowMs };
    const next = { ...locked, ...sent, dueAtMs: nowMs + SEND_AGAIN_AFTER_MS };
    await updateAttempt(tx, next);
    return next;
  });
  if (again === null) return;
  lightningFaultPoint('lightning-again-committed');
  const askedAtMs = deps.clock.nowMs();
  const answer = await pay(node, again, askedAtMs);
  await recordAnswer(deps, again, answer, { isOwnReply: true, askedAtMs });
}

async function pay(
  node: LightningNode,
  attempt: SentAttempt,
  nowMs: number,
): Promise<PaymentOutcome> {
  const { invoice, amountMsat, feeLimitMsat, deadlineMs, sends } = attempt;
  const leftMs = deadlineMs - nowMs;
  // Whoever was to send it stood still that long; the invoice may have much more time.
  if (leftMs <= 0 && sends === 1) {
    return notSent('node_unavailable', 'its time was over before it was sent');
  }
  if (leftMs <= 0) return { state: 'unknown', detail: 'its time is over; it is not sent again' };
  const { text, offer, paymentHash } = invoice;
  try {
    return await node.pay({
      destination: offer === null ? { bolt11: text } : { bolt12Invoice: text, offer },
      paymentHash,
      amountMsat,
      maxFeeMsat: feeLimitMsat,
      timeoutMs: leftMs,
      waitMs: Math.min(leftMs, WAIT_MS),
      // The fence stands on this: what is not with the node by then never is (judge-answer.ts).
      notAfterMs: deadlineMs,
    });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    // A node's adapter throws only for what has not left us; but an earlier send of it may have.
    if (error instanceof LightningNodeError && sends === 1) {
      return notSent(classOfError(error.code), detail);
    }
    return { state: 'unknown', detail };
  }
}

function notSent(failureClass: LightningFailureClass, detail: string): PaymentOutcome {
  const failure: AttemptFailure = { failureClass, code: 'not_sent', detail, at: null };
  return { state: 'failed', failure };
}

/** What a node that could not even be asked means for a payment. */
export function classOfError(code: LightningNodeErrorCode): LightningFailureClass {
  if (code === 'wrong_network') return 'wrong_network';
  if (code === 'refused' || code === 'unsupported') return 'invalid';
  return 'node_unavailable';
}
