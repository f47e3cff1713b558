import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type {
  Attempt,
  AttemptFailure,
  AttemptInvoice,
  AttemptOrigin,
  SentAttempt,
} from './attempt.ts';
import { insertAttempt } from './attempt-store.ts';
import { SEND_AGAIN_AFTER_MS } from './judge-answer.ts';

export type NewAttempt = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly payoutId: Uuid;
  readonly number: number;
  readonly origin: AttemptOrigin;
  readonly processorId: Uuid | null;
  readonly amountMsat: Msats;
  readonly feeLimitMsat: Msats;
  readonly nowMs: number;
};

/**
 * Writes down that a payment is about to be sent: hash, fee limit and deadline are durable before
 * the node hears of it. The payout is locked by the caller and moved on in the same transaction; a
 * unique index refuses a second open attempt of it.
 */
export async function beginAttempt(
  tx: Tx,
  given: NewAttempt & {
    node: { id: Uuid; key: string };
    invoice: AttemptInvoice;
    deadlineMs: number;
  },
): Promise<SentAttempt> {
  const { node, invoice, deadlineMs, nowMs } = given;
  const attempt: SentAttempt = {
    ...common(given),
    ...{ state: 'open', node, invoice, deadlineMs, sends: 1, sentAtMs: nowMs },
    // Whoever sends it looks after it until then.
    dueAtMs: nowMs + SEND_AGAIN_AFTER_MS,
  };
  await insertAttempt(tx, attempt);
  return attempt;
}

/** Writes down a try that came to nothing before anything was sent. */
export async function recordRefusal(
  tx: Tx,
  given: NewAttempt & {
    node: { id: Uuid; key: string } | null;
    invoice: AttemptInvoice | null;
    failure: AttemptFailure;
  },
): Promise<Attempt> {
  const { node, invoice, failure, nowMs } = given;
  const attempt: Attempt = {
    ...common(given),
    ...{ state: 'failed', node, invoice, failure, detail: failure.detail, endedAtMs: nowMs },
  };
  await insertAttempt(tx, attempt);
  return attempt;
}

function common({ nowMs, ...given }: NewAttempt) {
  return {
    merchantId: given.merchantId,
    id: given.id,
    payoutId: given.payoutId,
    number: given.number,
    origin: given.origin,
    processorId: given.processorId,
    amountMsat: given.amountMsat,
    feeLimitMsat: given.feeLimitMsat,
    deadlineMs: null,
    sends: 0,
    sentAtMs: null,
    lastAnswer: null,
    lastAnswerAtMs: null,
    detail: null,
    notFoundSinceMs: null,
    dueAtMs: null,
    looks: 0,
    watchUntilMs: null,
    watchDueAtMs: null,
    arrivedLate: false,
    failure: null,
    preimage: null,
    sentMsat: null,
    feeMsat: null,
    startedAtMs: nowMs,
    endedAtMs: null,
  };
}
