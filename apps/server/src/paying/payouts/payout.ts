import type {
  LightningFailureClass,
  LightningStrategy,
  LockedRate,
  PayoutDestinationKind,
  PayoutMethod,
  PayoutReason,
  PayoutSource,
  PayoutState,
} from '@quittance/contract';
import {
  assert,
  divide,
  type Ids,
  type Msats,
  MSATS_PER_SAT,
  type Sats,
  type Uuid,
} from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Approval, FeeFrom, Origin } from '../spends/index.ts';

export type { PayoutReason, PayoutState };

/** One key's word for a payout, and a person's signature where one was given (ADR 0009). */
export type PayoutApproval = {
  /** `key:<id>` or `processor:<id>`. */
  readonly by: string;
  readonly atMs: number;
  readonly signature: Approval | null;
};

/** A person wants it paid now, by itself and at these terms. */
export type PayRequest = {
  readonly by: string;
  readonly atMs: number;
  readonly targetBlocks: number;
  readonly maxFeeRateSatPerVb: number;
};

/** What was asked for when it was not bitcoin. */
export type PayoutPrice = {
  readonly amount: string;
  readonly currency: string;
  readonly rate: LockedRate;
};

/** What is different about a payout over Lightning (docs/adr/0014-lightning.md). */
export type LightningSide = {
  /** When the destination's invoice ends; null where each attempt gets a fresh one. */
  readonly expiresAtMs: number | null;
  /** Reserved for the route's fees beside the amount. */
  readonly feeLimitMsat: Msats;
  /** Chosen with the payout; null: as the processor or the store says. */
  readonly strategy: LightningStrategy | null;
  /** The attempt that is open, or that has paid it. */
  readonly attemptId: Uuid | null;
  readonly lastAttemptId: Uuid | null;
  /** Why the last attempt that failed did, whatever the payout's own reason is. */
  readonly lastFailure: LightningFailureClass | null;
  /** Of the invoice that is or was tried last. */
  readonly paymentHash: string | null;
  /** The recipient's receipt (BOLT 11). */
  readonly preimage: string | null;
  readonly feeMsat: Msats;
};

/** What somebody wants paid, and how far that is (docs/adr/0012-money-out.md). */
export type Payout = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly externalId: string | null;
  readonly source: PayoutSource;
  readonly batchId: Uuid | null;
  readonly refundId: Uuid | null;
  readonly method: PayoutMethod;
  readonly destination: string;
  readonly destinationKind: PayoutDestinationKind;
  /** Null for Lightning. */
  readonly script: Uint8Array | null;
  /** Exact; on chain always whole satoshis. */
  readonly amountMsat: Msats;
  readonly price: PayoutPrice | null;
  readonly feeFrom: FeeFrom;
  /** Zero where the sender pays the fee. */
  readonly maxFeeShareSats: Sats;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly state: PayoutState;
  readonly reason: PayoutReason | null;
  readonly origin: Origin | null;
  readonly approvalsNeeded: number;
  readonly approvals: readonly PayoutApproval[];
  /** Null for Lightning. */
  readonly walletId: Uuid | null;
  readonly payRequest: PayRequest | null;
  readonly processorId: Uuid | null;
  readonly spendId: Uuid | null;
  readonly lastSpendId: Uuid | null;
  readonly txid: string | null;
  readonly feeShareSats: Sats;
  /** Null on chain. */
  readonly lightning: LightningSide | null;
  readonly attempts: number;
  readonly notBeforeMs: number | null;
  /** Which of its reservations in the ledger is the present or the next one. */
  readonly ledgerEpoch: number;
  /** Counts the writes; a write that expects another one is refused. */
  readonly version: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly approvedAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly broadcastAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly stateSinceMs: number;
  readonly updatedAtMs: number;
};

/** A payout that a transaction pays, with what every such payout has. */
export type OnchainPayout = Payout & {
  readonly method: 'onchain';
  readonly script: Uint8Array;
  readonly walletId: Uuid;
  readonly amountSats: Sats;
};

/** The one place where an exact amount becomes the whole satoshis of an output. */
export function onchainPayout(payout: Payout): OnchainPayout {
  const { method, script, walletId, amountMsat } = payout;
  assert(method === 'onchain' && script !== null && walletId !== null, 'a payout on chain');
  assert(amountMsat % MSATS_PER_SAT === 0n, 'an output holds whole satoshis');
  const amountSats = amountMsat / MSATS_PER_SAT;
  return { ...payout, method, script, walletId, amountSats };
}

export type LightningPayout = Payout & {
  readonly method: 'lightning';
  readonly lightning: LightningSide;
};

export function lightningPayout(payout: Payout): LightningPayout {
  const { method, lightning } = payout;
  assert(method === 'lightning' && lightning !== null, 'a payout over Lightning');
  return { ...payout, method, lightning };
}

/** Whole satoshis that cover an exact amount: for limits, rules and people. */
export function coveringSats(msat: Msats): Sats {
  return divide(msat, MSATS_PER_SAT, 'up');
}

/** Who tells it and when. */
export type PayoutTelling = { readonly ids: Ids; readonly nowMs: number };

/** What a listener is told, in the transaction that made it so. */
export type PayoutChange = {
  readonly merchantId: Uuid;
  readonly payoutId: Uuid;
  readonly refundId: Uuid | null;
  readonly source: PayoutSource;
  readonly method: PayoutMethod;
  readonly before: PayoutState;
  readonly state: PayoutState;
  readonly reason: PayoutReason | null;
  readonly origin: Origin | null;
  /** Rounded up where the amount has millisatoshis. */
  readonly amountSats: Sats;
  readonly amountMsat: Msats;
  readonly feeShareSats: Sats;
  /** Of the route, over Lightning. */
  readonly feeMsat: Msats;
  readonly preimage: string | null;
  readonly spendId: Uuid | null;
  readonly txid: string | null;
};

/** Who wants to know how payouts fare: refunds. */
export type PayoutListener = {
  payoutChanged(tx: Tx, telling: PayoutTelling, change: PayoutChange): Promise<void>;
};

/** For who has nobody to tell. */
export const noPayoutListener: PayoutListener = { payoutChanged: async () => {} };
