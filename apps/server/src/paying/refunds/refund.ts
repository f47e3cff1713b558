import type { LockedRate, RefundEventType, RefundMode, RefundState } from '@quittance/contract';
import { assert, type Sats, type Uuid, unreachable } from '@quittance/kernel';

/** What the ledger holds for a refund on its order's cap. */
export type CapState = 'none' | 'pending' | 'posted';
export type RefundDestination = 'claim' | 'address' | 'source';

/** A promise to pay back a part of what an order received (docs/adr/0013-refunds.md). */
export type Refund = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly orderId: Uuid;
  readonly state: RefundState;
  /** Why it is where it is: a stable code. */
  readonly reason: string | null;
  /** The payment that it returns has left the chain; nothing is paid until it is back. */
  readonly held: boolean;
  readonly note: string | null;
  readonly mode: RefundMode;
  readonly rateMode: 'original' | 'current';
  readonly rate: LockedRate | null;
  /** What it takes of what the order received, and whose that is in the book. */
  readonly basisSats: Sats;
  readonly fromMerchantSats: Sats;
  readonly fromExcessSats: Sats;
  readonly fromHeldSats: Sats;
  readonly grossSats: Sats;
  readonly deductionSats: Sats;
  readonly payoutSats: Sats;
  readonly valueCurrency: string;
  readonly valueMinor: bigint;
  readonly feeFrom: 'merchant' | 'customer';
  readonly maxFeeShareSats: Sats;
  readonly destination: RefundDestination;
  readonly proofRequired: boolean;
  readonly claimHash: Uint8Array | null;
  readonly claimExpiresAtMs: number | null;
  readonly address: string | null;
  readonly script: Uint8Array | null;
  readonly proof: string | null;
  readonly claimedAtMs: number | null;
  readonly payoutId: Uuid | null;
  readonly txid: string | null;
  readonly feeShareSats: Sats;
  readonly capState: CapState;
  readonly capEpoch: number;
  readonly version: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly sentAtMs: number | null;
  readonly finishedAtMs: number | null;
};

/** Where a payout is, as far as a refund wants to know (paying/payouts). */
export type PayoutNews = {
  readonly payoutId: Uuid;
  readonly state:
    | 'awaiting_approval'
    | 'approved'
    | 'in_progress'
    | 'in_flight'
    | 'unknown'
    | 'broadcast'
    | 'confirmed'
    | 'final'
    | 'failed'
    | 'cancelled';
  readonly reason: string | null;
  readonly txid: string | null;
  readonly feeShareSats: Sats;
};

export type RefundEvent =
  | {
      readonly type: 'claimed';
      readonly address: string;
      readonly script: Uint8Array;
      readonly proof: string | null;
      readonly payoutId: Uuid;
    }
  | { readonly type: 'cancelled'; readonly reason: string }
  | { readonly type: 'expired' }
  | { readonly type: 'held' }
  /** @property payoutId of the new payout, where an address is known already */
  | { readonly type: 'resumed'; readonly payoutId: Uuid | null }
  | { readonly type: 'link_renewed'; readonly claimHash: Uint8Array; readonly expiresAtMs: number }
  | ({ readonly type: 'payout' } & PayoutNews);

export type RefundChange = {
  readonly before: Refund | null;
  readonly after: Refund;
  readonly notices: readonly RefundEventType[];
};

/** Its payout waits for somebody's approval. */
export const AWAITING = 'awaiting_approval';

/** Nothing is paid for it and nothing will be. */
export function isOver(refund: Pick<Refund, 'state'>): boolean {
  return ['FAILED', 'CANCELLED', 'EXPIRED'].includes(refund.state);
}

/** Its transaction is in the network: the money is gone. */
export function isPaid(refund: Pick<Refund, 'state'>): boolean {
  return refund.state === 'SENT' || refund.state === 'CONFIRMED';
}

/** It waits for somebody to name an address. */
export function isClaimable(refund: Refund, nowMs: number): boolean {
  const inTime = refund.claimExpiresAtMs !== null && nowMs < refund.claimExpiresAtMs;
  return refund.state === 'PENDING' && !refund.held && refund.address === null && inTime;
}

/**
 * What an event makes of a refund, without any I/O.
 * @returns null when it changes nothing: it is old news, or not possible in this state
 */
export function advanceRefund(
  refund: Refund,
  event: RefundEvent,
  nowMs: number,
): RefundChange | null {
  switch (event.type) {
    case 'claimed': {
      if (!isClaimable(refund, nowMs) && refund.destination === 'claim') return null;
      if (refund.state !== 'PENDING' || refund.held || refund.address !== null) return null;
      const { address, script, proof, payoutId } = event;
      const claimed = { address, script, proof, payoutId, claimedAtMs: nowMs };
      return step(refund, { ...claimed, reason: AWAITING }, ['refund.claimed']);
    }
    case 'cancelled':
      if (refund.state !== 'PENDING') return null;
      return end(refund, 'CANCELLED', { reason: event.reason, nowMs });
    case 'expired': {
      const late = refund.claimExpiresAtMs !== null && nowMs >= refund.claimExpiresAtMs;
      if (refund.state !== 'PENDING' || refund.address !== null || !late) return null;
      return end(refund, 'EXPIRED', { reason: 'not_claimed', nowMs });
    }
    case 'held':
      if (refund.state !== 'PENDING' || refund.held) return null;
      return step(refund, { held: true, reason: 'payment_unconfirmed', payoutId: null }, [
        'refund.held',
      ]);
    case 'resumed':
      if (!refund.held) return null;
      assert((refund.address !== null) === (event.payoutId !== null), 'who is claimed is paid');
      return step(
        refund,
        {
          held: false,
          payoutId: event.payoutId,
          reason: event.payoutId === null ? null : AWAITING,
        },
        ['refund.resumed'],
      );
    case 'link_renewed': {
      const waits = refund.state === 'PENDING' && refund.address === null;
      if (!waits || refund.destination !== 'claim') return null;
      const { claimHash, expiresAtMs } = event;
      return step(refund, { claimHash, claimExpiresAtMs: expiresAtMs }, []);
    }
    case 'payout':
      return followPayout(refund, event, nowMs);
    default:
      return unreachable(event);
  }
}

function followPayout(refund: Refund, news: PayoutNews, nowMs: number): RefundChange | null {
  // A payout that was given up for another one has nothing more to say.
  if (refund.payoutId !== news.payoutId || isOver(refund)) return null;
  switch (news.state) {
    case 'awaiting_approval':
    case 'approved':
    case 'in_progress':
    case 'in_flight':
    case 'unknown': {
      const reason = news.state === 'awaiting_approval' ? AWAITING : news.reason;
      const back = { state: 'PENDING', txid: null, sentAtMs: null, finishedAtMs: null } as const;
      if (isPaid(refund)) return step(refund, { ...back, reason }, ['refund.reversed']);
      return refund.reason === reason ? null : step(refund, { reason }, []);
    }
    case 'broadcast':
      return sent(refund, 'SENT', news, nowMs);
    case 'confirmed':
    case 'final':
      return sent(refund, 'CONFIRMED', news, nowMs);
    case 'failed':
      return end(refund, 'FAILED', { reason: news.reason ?? 'payout_failed', nowMs });
    case 'cancelled':
      if (refund.state !== 'PENDING') return null;
      return end(refund, 'CANCELLED', { reason: 'payout_cancelled', nowMs });
    default:
      return unreachable(news.state);
  }
}

function sent(
  refund: Refund,
  state: 'SENT' | 'CONFIRMED',
  { txid, feeShareSats }: PayoutNews,
  nowMs: number,
): RefundChange | null {
  const same =
    refund.state === state && refund.txid === txid && refund.feeShareSats === feeShareSats;
  if (same) return null;
  const notices: RefundEventType[] = [];
  if (refund.state === 'PENDING') notices.push('refund.sent');
  if (state === 'CONFIRMED' && refund.state !== 'CONFIRMED') notices.push('refund.confirmed');
  if (state === 'SENT' && refund.state === 'CONFIRMED') notices.push('refund.reversed');
  return step(
    refund,
    {
      ...{ state, txid, feeShareSats, reason: null },
      sentAtMs: refund.sentAtMs ?? nowMs,
      finishedAtMs: state === 'CONFIRMED' ? (refund.finishedAtMs ?? nowMs) : null,
    },
    notices,
  );
}

const ENDINGS = {
  FAILED: 'refund.failed',
  CANCELLED: 'refund.cancelled',
  EXPIRED: 'refund.expired',
} as const;

function end(
  refund: Refund,
  state: keyof typeof ENDINGS,
  { reason, nowMs }: { reason: string; nowMs: number },
): RefundChange {
  const over = { state, reason, held: false, finishedAtMs: nowMs, txid: null, sentAtMs: null };
  return step(refund, over, [ENDINGS[state]]);
}

function step(
  refund: Refund,
  fields: Partial<Refund>,
  notices: readonly RefundEventType[],
): RefundChange {
  const next = { ...refund, ...fields };
  return { before: refund, after: { ...next, ...capOf(refund, next) }, notices };
}

/** Where the cap has to be for a refund, and in which of its epochs. */
export function capOf(
  before: Pick<Refund, 'capState' | 'capEpoch'>,
  after: Pick<Refund, 'state' | 'held'>,
): Pick<Refund, 'capState' | 'capEpoch'> {
  const capState = isPaid(after)
    ? 'posted'
    : after.state === 'PENDING' && !after.held
      ? 'pending'
      : 'none';
  const taken = capState !== 'none' && capState !== before.capState;
  // Only a reservation begins an epoch: what resolves or reverses it belongs to it.
  const resolves = before.capState === 'pending' && capState === 'posted';
  return { capState, capEpoch: before.capEpoch + (taken && !resolves ? 1 : 0) };
}
