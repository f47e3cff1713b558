import type { Msats, Sats, Uuid } from '@quittance/kernel';

/** What the payer and the shop see of an order (design §7). */
export type OrderStatus =
  | 'PENDING'
  | 'UNCONFIRMED'
  | 'CONFIRMED'
  | 'UNDERPAID'
  | 'OVERPAID'
  | 'EXPIRED'
  | 'INVALID'
  | 'REFUNDED';

/**
 * How far one output has come.
 * - seen: in the mempool
 * - included: in a block of the active chain, with fewer confirmations than its order asks for
 * - confirmed: has had that many; stays so while its block stays in the active chain
 * - final: 100 blocks lie above it; not watched any more
 * - replaced: another transaction spends one of the same coins
 * - dropped: the node does not have it any more, and nothing is known to have replaced it
 */
export type PaymentState = 'seen' | 'included' | 'confirmed' | 'final' | 'replaced' | 'dropped';

/**
 * What is decided about where a payment came from (docs/adr/0016-compliance.md).
 * - none: nothing stands against it, or nobody asked
 * - shadow: a decision is due that will hold nothing
 * - screening: a decision is due; until then it counts as received, never as confirmed
 * - held: a person has to decide; counts alike
 * - frozen: nobody may pay it out or back; counts alike, so that nobody outside can tell
 * - returnable: a person decided that it goes back; it counts for no order and can be refunded
 */
export type PaymentHold = 'none' | 'shadow' | 'screening' | 'held' | 'frozen' | 'returnable';

type AnyPayment = {
  readonly id: Uuid;
  readonly amountSats: Sats;
  readonly state: PaymentState;
  readonly hold: PaymentHold;
  /** Broadcast after the order's expiry or cancellation. */
  readonly late: boolean;
  readonly firstSeenAtMs: number;
  readonly height: number | null;
  readonly blockHash: string | null;
  readonly confirmsAtHeight: number | null;
  readonly finalsAtHeight: number | null;
  readonly replacedBy: string | null;
  readonly ledgerEpoch: number;
};

/** An output of a transaction. */
export type OnchainPayment = AnyPayment & {
  readonly method: 'onchain';
  /** Transaction id as people write it: reversed, hexadecimal. */
  readonly txid: string;
  readonly vout: number;
  readonly paymentHash: null;
};

/** A settled invoice: final from the beginning, in no block. */
export type LightningPayment = AnyPayment & {
  readonly method: 'lightning';
  readonly state: 'final';
  readonly txid: null;
  readonly vout: null;
  /** Hexadecimal. */
  readonly paymentHash: string;
};

export type Payment = OnchainPayment | LightningPayment;

/**
 * What paying/refunds says about an order, and what the book took for it. A refund's money comes
 * first from what the customer has there besides the price: from what was paid too much (excess)
 * and from what is held and counts for no order (held); the merchant bears the rest.
 */
export type OrderRefunds = {
  /** Of what was received: paid back, and promised or on its way. */
  readonly refundedSats: Sats;
  readonly refundingSats: Sats;
  /** What refunds that are being paid want of either source. */
  readonly heldWantedSats: Sats;
  readonly excessWantedSats: Sats;
  /** What the ledger holds as drawn for them, and how often it was drawn and given back. */
  readonly heldDrawnSats: Sats;
  readonly excessDrawnSats: Sats;
  readonly drawEpoch: number;
};

export const NO_REFUNDS: OrderRefunds = {
  refundedSats: 0n,
  refundingSats: 0n,
  heldWantedSats: 0n,
  excessWantedSats: 0n,
  heldDrawnSats: 0n,
  excessDrawnSats: 0n,
  drawEpoch: 0,
};

/** The part of an order that payments change or depend on. */
export type PayableOrder = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly status: OrderStatus;
  readonly dueSats: Sats;
  readonly toleranceBelowSats: Sats;
  readonly toleranceAboveSats: Sats;
  readonly requiredConfirmations: number;
  readonly latePolicy: 'hold' | 'accept';
  /** Whether payments that begin now are looked at first; the store's present setting. */
  readonly screening: 'off' | 'shadow' | 'on';
  readonly expiresAtMs: number;
  /** Until when `accept` counts late payments by itself; never before the expiry. */
  readonly monitorUntilMs: number;
  readonly expiredAtMs: number | null;
  readonly cancelledAtMs: number | null;
  readonly lateAcceptedAtMs: number | null;
  readonly receivedSats: Sats;
  readonly confirmedSats: Sats;
  readonly lateSats: Sats;
  /** Of all that arrived, what is being looked at or held: it can not be confirmed. */
  readonly reviewSats: Sats;
  readonly settledSats: Sats;
  readonly settlementEpoch: number;
  readonly refunds: OrderRefunds;
  readonly version: number;
};

/** What happened, as far as one order is concerned. Recorded first, applied then. */
export type PaymentEvent =
  | {
      readonly type: 'seen';
      readonly paymentId: Uuid;
      readonly txid: string;
      readonly vout: number;
      readonly amountSats: Sats;
      readonly firstSeenAtMs: number;
      /** Transactions that this one conflicts with: a fee bump is as punctual as its original. */
      readonly replaces: readonly string[];
    }
  | {
      readonly type: 'included';
      readonly paymentId: Uuid;
      readonly txid: string;
      readonly vout: number;
      readonly amountSats: Sats;
      readonly firstSeenAtMs: number;
      readonly replaces: readonly string[];
      readonly height: number;
      readonly blockHash: string;
      readonly coinbase: boolean;
    }
  /** The chain has reached the height at which the payment has the confirmations asked for. */
  | { readonly type: 'confirmed'; readonly txid: string; readonly vout: number }
  | { readonly type: 'final'; readonly txid: string; readonly vout: number }
  /** Its block has left the active chain; the transaction is unconfirmed again. */
  | { readonly type: 'returned'; readonly txid: string; readonly vout: number }
  | { readonly type: 'replaced'; readonly txid: string; readonly vout: number; readonly by: string }
  | { readonly type: 'dropped'; readonly txid: string; readonly vout: number }
  /** The node has taken a payment of one of the order's invoices. */
  | {
      readonly type: 'lightning_settled';
      readonly paymentId: Uuid;
      readonly paymentHash: string;
      /** Whole satoshis of what arrived: what counts for the order. */
      readonly amountSats: Sats;
      readonly receivedMsat: Msats;
      readonly settledAtMs: number;
    }
  | ({ readonly paymentId: Uuid } & HoldEvent)
  | { readonly type: 'expired'; readonly atMs: number }
  | { readonly type: 'cancelled'; readonly atMs: number }
  | { readonly type: 'late_accepted'; readonly atMs: number }
  | ({ readonly type: 'refunds' } & RefundSums);

/** Decisions about where a payment came from: the first by rules, the others by people. */
export type HoldEvent =
  | { readonly type: 'screened'; readonly verdict: 'approve' | 'hold' }
  | { readonly type: 'hold_released' }
  | { readonly type: 'hold_frozen' }
  /** It goes back: refunds may take it from now on. */
  | { readonly type: 'hold_returned' };

/** All refunds of an order added up: what paying/refunds tells when one of them has changed. */
export type RefundSums = Pick<
  OrderRefunds,
  'refundedSats' | 'refundingSats' | 'heldWantedSats' | 'excessWantedSats'
>;

/**
 * A confirmed payment is watched until this many blocks lie above its own (design §7): as deep as
 * the deepest reorganisation that is followed.
 */
export const FINALITY_DEPTH = 100;
/** A block reward can not be spent before it has this many confirmations (Bitcoin consensus). */
export const COINBASE_MATURITY = 100;

const LIVE: ReadonlySet<PaymentState> = new Set(['seen', 'included', 'confirmed', 'final']);
const CONFIRMED: ReadonlySet<PaymentState> = new Set(['confirmed', 'final']);

/** The coins exist as far as the node knows. */
export function isLive(payment: Payment): boolean {
  return LIVE.has(payment.state);
}

/** It has its confirmations, whatever is decided about it. */
export function isConfirmed(payment: Payment): boolean {
  return CONFIRMED.has(payment.state);
}

const WITHHELD: ReadonlySet<PaymentHold> = new Set(['screening', 'held', 'frozen']);

/** Out of everybody's reach until it is decided about, or for good; payment.withheld in SQL. */
export function isWithheld(payment: Payment): boolean {
  return WITHHELD.has(payment.hold);
}

/** A decision about it has to be made. */
export function isScreeningDue({ hold }: Payment): boolean {
  return hold === 'screening' || hold === 'shadow';
}

/** Confirmed, and the order's or its payer's to have. */
export function isAvailable(payment: Payment): boolean {
  return isConfirmed(payment) && !isWithheld(payment);
}

/**
 * What people outside are told of it: one word for everything that is not decided or frozen, or an
 * answer of ours would tell somebody that he is being looked at (no tipping-off).
 */
export function reviewOf(payment: Payment): 'none' | 'pending' | 'returned' {
  if (isWithheld(payment)) return 'pending';
  return payment.hold === 'returnable' ? 'returned' : 'none';
}

/** Confirmations at a tip height: the block itself is the first. */
export function confirmationsAt(payment: Payment, tipHeight: number): number {
  return payment.height === null ? 0 : Math.max(0, tipHeight - payment.height + 1);
}
