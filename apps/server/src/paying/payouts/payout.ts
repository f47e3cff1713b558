import type { LockedRate, PayoutReason, PayoutState } from '@quittance/contract';
import type { Ids, Sats, Uuid } from '@quittance/kernel';
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

/** What somebody wants paid, and how far that is (docs/adr/0012-money-out.md). */
export type Payout = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly externalId: string | null;
  readonly source: 'api' | 'batch' | 'refund';
  readonly batchId: Uuid | null;
  readonly refundId: Uuid | null;
  readonly method: 'onchain';
  readonly destination: string;
  readonly script: Uint8Array;
  readonly amountSats: Sats;
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
  readonly walletId: Uuid;
  readonly payRequest: PayRequest | null;
  readonly processorId: Uuid | null;
  readonly spendId: Uuid | null;
  readonly lastSpendId: Uuid | null;
  readonly txid: string | null;
  readonly feeShareSats: Sats;
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

/** Who tells it and when. */
export type PayoutTelling = { readonly ids: Ids; readonly nowMs: number };

/** What a listener is told, in the transaction that made it so. */
export type PayoutChange = {
  readonly merchantId: Uuid;
  readonly payoutId: Uuid;
  readonly refundId: Uuid | null;
  readonly before: PayoutState;
  readonly state: PayoutState;
  readonly reason: PayoutReason | null;
  readonly origin: Origin | null;
  readonly amountSats: Sats;
  readonly feeShareSats: Sats;
  readonly spendId: Uuid | null;
  readonly txid: string | null;
};

/** Who wants to know how payouts fare: refunds. */
export type PayoutListener = {
  payoutChanged(tx: Tx, telling: PayoutTelling, change: PayoutChange): Promise<void>;
};

/** For who has nobody to tell. */
export const noPayoutListener: PayoutListener = { payoutChanged: async () => {} };
