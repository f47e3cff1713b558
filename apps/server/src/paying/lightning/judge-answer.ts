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
  | {
      readonly type: 'failed';
      readonly failure: AttemptFailure;
      /**
       * Until then the node is asked about the hash now and then although the attempt has ended: a
       * request that was lost on the way could still reach it. Null: nothing can.
       */
      readonly watchUntilMs: number | null;
    }
  | {
      readonly type: 'open';
      readonly answer: OpenAnswer;
      readonly detail: string | null;
      /** The same may be given to the node once more. */
      readonly maySendAgain: boolean;
      /** Since when the node has said "not found", and nothing else, with the attempt's time over. */
      readonly notFoundSinceMs: number | null;
      /** When asking again may tell more; null: the usual pause. */
      readonly lookAtMs: number | null;
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
/**
 * What was committed and never reached the node ends this long after its time. Nothing is given to a
 * node after the attempt's deadline (`notAfterMs`), and a request under way then has arrived within a
 * fraction of this; the rest is for clocks of workers that differ.
 */
export const FENCE_MS = 60_000;
/** Between the first and the last "not found" that end an attempt: longer than any queue in a node. */
export const FENCE_APART_MS = 30_000;
/** The last of an invoice's time in which nothing is sent again. */
const EXPIRY_MARGIN_MS = 10_000;

export type JudgedWorld = {
  readonly nowMs: number;
  /** When the node was asked, or given it: what it says may be as old as that. */
  readonly askedAtMs: number;
  /** The answer to this very sending; else the node was asked about the hash. */
  readonly isOwnReply: boolean;
  /** An earlier attempt, which has failed, had the same hash. */
  readonly isKnownHash: boolean;
};

/**
 * Judges what a node says of an open attempt. Pure. An attempt ends only by what is certain (ADR
 * 0014): "not found" does so only when the node has said it again and again after the attempt's time
 * (`FENCE_MS`) or the invoice's, for a request may still be on its way to the node. For the same
 * reason a failure that might be the one of an earlier attempt with the same hash, or that says
 * nothing about an earlier sending, does not count while that could still be arriving.
 */
export function judgeAnswer(
  attempt: SentAttempt,
  answer: PaymentOutcome,
  world: JudgedWorld,
): Verdict {
  const { nowMs, isOwnReply, isKnownHash } = world;
  const open = (said: OpenAnswer, detail: string | null): Verdict => ({
    ...{ type: 'open', answer: said, detail, maySendAgain: false },
    ...{ notFoundSinceMs: null, lookAtMs: null },
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
      // This sending came to nothing. The ones before it are another matter.
      if (attempt.sends > 1 && isOwnReply && wasNotGiven(answer.failure)) {
        return open('unknown', answer.failure.detail);
      }
      if (!isOwnReply && isKnownHash && !isQuiet(attempt, nowMs)) {
        return open('unknown', 'the node tells of the attempt before this one');
      }
      return failed(attempt, answer.failure, nowMs);
    }
    case 'in_flight':
      return open('in_flight', null);
    case 'unknown':
      return open('unknown', answer.detail);
    case 'not_found':
      return judgeNotFound(attempt, world);
  }
}

/** Refused on this side of the line: no node has looked at it. */
function wasNotGiven({ failureClass, code }: AttemptFailure): boolean {
  return failureClass === 'node_unavailable' || code === 'not_sent';
}

/** Of several sendings one has failed; one that was lost could still come, until the invoice ends. */
function failed(attempt: SentAttempt, failure: AttemptFailure, nowMs: number): Verdict {
  const watchUntilMs = attempt.sends > 1 ? watchUntil(attempt, nowMs) : null;
  return { type: 'failed', failure, watchUntilMs };
}

function watchUntil({ invoice }: SentAttempt, nowMs: number): number | null {
  const untilMs = invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS;
  return untilMs > nowMs ? untilMs : null;
}

function judgeNotFound(
  attempt: SentAttempt,
  { nowMs, askedAtMs, isOwnReply }: JudgedWorld,
): Verdict {
  const { invoice, deadlineMs, lastAnswer, notFoundSinceMs } = attempt;
  const deadMs = Math.max(invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS, deadlineMs + WAIT_MS);
  if (askedAtMs >= deadMs && lastAnswer === 'not_found') {
    const detail = 'the node has never heard of it, and the invoice has ended';
    return {
      type: 'failed',
      failure: { failureClass: 'expired', code: 'not_found', detail, at: null },
      watchUntilMs: null,
    };
  }
  const overMs = sendingOverMs(attempt);
  if (isOwnReply || askedAtMs < overMs) {
    const isInTime = nowMs < deadlineMs && nowMs < invoice.expiresAtMs - EXPIRY_MARGIN_MS;
    return {
      type: 'open',
      answer: 'not_found',
      detail: 'the node has not heard of it',
      maySendAgain: isQuiet(attempt, nowMs) && isInTime,
      ...{ notFoundSinceMs: null, lookAtMs: overMs },
    };
  }
  const sinceMs = notFoundSinceMs ?? askedAtMs;
  const fenceEndsMs = Math.max(overMs + FENCE_MS, sinceMs + FENCE_APART_MS);
  if (notFoundSinceMs !== null && askedAtMs >= fenceEndsMs) {
    const detail = 'its time is over, and the node has never heard of it';
    return {
      type: 'failed',
      failure: { failureClass: 'node_unavailable', code: 'never_arrived', detail, at: null },
      watchUntilMs: watchUntil(attempt, nowMs),
    };
  }
  return {
    ...{ type: 'open', answer: 'not_found', maySendAgain: false },
    detail: 'its time is over, and the node has not heard of it',
    ...{ notFoundSinceMs: sinceMs, lookAtMs: fenceEndsMs },
  };
}

/** From then on nobody gives it to the node, and whoever did so last has stopped waiting. */
function sendingOverMs({ deadlineMs, sentAtMs, startedAtMs }: SentAttempt): number {
  return Math.max(deadlineMs, (sentAtMs ?? startedAtMs) + WAIT_MS);
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
