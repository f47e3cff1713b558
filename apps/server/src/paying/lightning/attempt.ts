import type { LightningFailureClass } from '@quittance/contract';
import type { Ids, Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type AttemptOrigin = 'processor_auto' | 'manual';

/** What the node said last of a payment whose outcome is not known. */
export type OpenAnswer = 'in_flight' | 'not_found' | 'unknown';

export type AttemptFailure = {
  readonly failureClass: LightningFailureClass;
  /** The backend's own code. */
  readonly code: string;
  /** Its words, for the operator. */
  readonly detail: string;
  /** Channel or node where it failed, if that is known. */
  readonly at: string | null;
};

/** One try of one payout (ADR 0014). Hashes are lower-case hexadecimal, times ms since 1970. */
export type Attempt = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly payoutId: Uuid;
  /** 1 for a payout's first. */
  readonly number: number;
  readonly state: 'open' | 'succeeded' | 'failed';
  readonly origin: AttemptOrigin;
  readonly processorId: Uuid | null;
  /** Null: it failed before a node was chosen. */
  readonly node: { readonly id: Uuid; readonly key: string } | null;
  /** Null: it failed before there was one. */
  readonly invoice: AttemptInvoice | null;
  readonly amountMsat: Msats;
  readonly feeLimitMsat: Msats;
  /** Until then the node may try by itself. */
  readonly deadlineMs: number | null;
  /** How often it was given to the node, counted before it is. */
  readonly sends: number;
  readonly sentAtMs: number | null;
  readonly lastAnswer: OpenAnswer | null;
  readonly lastAnswerAtMs: number | null;
  /** What was said about it last, for the operator. */
  readonly detail: string | null;
  /** Since when the node has said nothing but "not found" with the attempt's time over. */
  readonly notFoundSinceMs: number | null;
  readonly dueAtMs: number | null;
  readonly looks: number;
  /** It has ended; a request that was lost could still reach the node until then. */
  readonly watchUntilMs: number | null;
  /** When the node is asked about that next; null: it is not. */
  readonly watchDueAtMs: number | null;
  /** It counted as failed, and then the node said that it was paid. */
  readonly arrivedLate: boolean;
  readonly failure: AttemptFailure | null;
  readonly preimage: string | null;
  /** What the recipient got, and what the route cost beside it. */
  readonly sentMsat: Msats | null;
  readonly feeMsat: Msats | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
};

/** An attempt that was, or may be, given to a node. */
export type SentAttempt = Attempt & {
  readonly node: NonNullable<Attempt['node']>;
  readonly invoice: AttemptInvoice;
  readonly deadlineMs: number;
};

export type AttemptInvoice = {
  /** BOLT 11 or, with the offer that it was fetched for, BOLT 12. */
  readonly text: string;
  readonly offer: string | null;
  readonly paymentHash: string;
  readonly expiresAtMs: number;
};

export type AttemptTelling = { readonly ids: Ids; readonly nowMs: number };

/** What a listener is told in the transaction that made it so. */
export type AttemptChange = {
  readonly merchantId: Uuid;
  readonly payoutId: Uuid;
  readonly attemptId: Uuid;
} & (
  | {
      readonly type: 'succeeded';
      readonly preimage: string;
      /** All that left the channels beyond the amount that was asked for. */
      readonly feeMsat: Msats;
    }
  | { readonly type: 'failed'; readonly failure: AttemptFailure }
  /** It was told as failed before, and was paid all the same. */
  | {
      readonly type: 'arrived_late';
      readonly paymentHash: string;
      readonly preimage: string;
      readonly feeMsat: Msats;
    }
  | { readonly type: 'in_flight' }
  | { readonly type: 'unsure'; readonly detail: string }
);

/** Who has to know how attempts fare: payouts. Every change may come twice. */
export type AttemptListener = {
  /** Locks what the change will touch, before the attempt itself is locked. */
  lock(tx: Tx, which: { merchantId: Uuid; payoutId: Uuid }): Promise<void>;
  attemptChanged(tx: Tx, telling: AttemptTelling, change: AttemptChange): Promise<void>;
};
