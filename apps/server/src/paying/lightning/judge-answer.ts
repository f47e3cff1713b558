import { createHash } from 'node:crypto';
import { fromHex, type Msats } from '@quittance/kernel';
import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import type { AttemptFailure, OpenAnswer, SentAttempt } from './attempt.ts';

/** What an answer of the node means for an attempt that is open. */
export type Verdict =
  | {
      readonly type: 'succeeded';
      readonly preimage: string;
      readonly sentMsat: Msats;
      readonly feeMsat: Msats;
    }
  | { readonly type: 'failed'; readonly failure: AttemptFailure }
  | {
      readonly type: 'open';
      readonly answer: OpenAnswer;
      readonly detail: string | null;
      /** The same may be given to the node once more. */
      readonly maySendAgain: boolean;
    };

/**
 * How long a worker waits for the node's answer to a payment; what takes longer is tracked. Also how
 * long nobody else gives the same payment to the node.
 */
export const WAIT_MS = 20_000;
/**
 * A payment that the node has not heard of may be given to it again after this time: whoever sent it
 * has stopped waiting, and a request that is still under way then has long arrived or never will.
 */
export const SEND_AGAIN_AFTER_MS = WAIT_MS + 10_000;
/** So long after an invoice's end no request for it is under way any more, however slow. */
export const DEAD_AFTER_EXPIRY_MS = 60_000;
/** The last of an invoice's time in which nothing is sent again. */
const EXPIRY_MARGIN_MS = 10_000;

export type JudgedWorld = {
  readonly nowMs: number;
  /** The answer to this very sending; else the node was asked about the hash. */
  readonly isOwnReply: boolean;
  /** An earlier attempt, which has failed, had the same hash. */
  readonly isKnownHash: boolean;
};

/**
 * Judges what a node says of an open attempt. Pure. An attempt ends only by what is certain (ADR
 * 0014): "not found" does so only when the node has said it before and both the invoice's life and
 * the node's own time for it are over, for a request may still be on its way to the node. For the
 * same reason a failure that might be the one of an earlier attempt with the same hash does not count
 * while the present one could still be arriving.
 */
export function judgeAnswer(
  attempt: SentAttempt,
  answer: PaymentOutcome,
  { nowMs, isOwnReply, isKnownHash }: JudgedWorld,
): Verdict {
  const open = (said: OpenAnswer, detail: string | null): Verdict => ({
    ...{ type: 'open', answer: said, detail, maySendAgain: false },
  });
  switch (answer.state) {
    case 'succeeded': {
      if (!isProof(answer.preimage, attempt.invoice.paymentHash)) {
        return open('unknown', 'the node says that it was paid, but its proof does not fit');
      }
      const { preimage, amountMsat: sentMsat, feeMsat } = answer;
      return { type: 'succeeded', preimage, sentMsat, feeMsat };
    }
    case 'failed': {
      const { failureClass } = answer.failure;
      // It was given to the node more than once: what was paid before may be this very attempt.
      if (failureClass === 'already_paid' && attempt.sends > 1)
        return open('unknown', answer.failure.detail);
      if (failureClass === 'timeout_unknown') return open('unknown', answer.failure.detail);
      if (!isOwnReply && isKnownHash && !isQuiet(attempt, nowMs)) {
        return open('unknown', 'the node tells of the attempt before this one');
      }
      return { type: 'failed', failure: answer.failure };
    }
    case 'in_flight':
      return open('in_flight', null);
    case 'unknown':
      return open('unknown', answer.detail);
    case 'not_found':
      return judgeNotFound(attempt, nowMs);
  }
}

function judgeNotFound(attempt: SentAttempt, nowMs: number): Verdict {
  const { invoice, deadlineMs, lastAnswer } = attempt;
  const deadMs = Math.max(invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS, deadlineMs + WAIT_MS);
  if (nowMs >= deadMs && lastAnswer === 'not_found') {
    const detail = 'the node has never heard of it, and the invoice has ended';
    return {
      type: 'failed',
      failure: { failureClass: 'expired', code: 'not_found', detail, at: null },
    };
  }
  const isInTime = nowMs < deadlineMs && nowMs < invoice.expiresAtMs - EXPIRY_MARGIN_MS;
  return {
    type: 'open',
    answer: 'not_found',
    detail: 'the node has not heard of it',
    maySendAgain: isQuiet(attempt, nowMs) && isInTime,
  };
}

/** Whether nothing that was sent can still be on its way to the node. */
function isQuiet({ sentAtMs }: SentAttempt, nowMs: number): boolean {
  return sentAtMs === null || nowMs >= sentAtMs + SEND_AGAIN_AFTER_MS;
}

/** The preimage is the receipt: its SHA-256 is the payment hash (BOLT 11). */
export function isProof(preimage: string, paymentHash: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(preimage)) return false;
  return createHash('sha256').update(fromHex(preimage)).digest('hex') === paymentHash;
}
