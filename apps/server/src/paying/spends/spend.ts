import type { FeeRate } from '@quittance/bitcoin';
import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Where a spend is (docs/adr/0012-money-out.md). */
export type SpendState = 'planned' | 'signed' | 'broadcast' | 'confirmed' | 'final' | 'failed';
export type SpendKind = 'payouts' | 'consolidation' | 'child';
/** Who set it off: an automated processor, or a person through the API. */
export type Origin = 'processor_auto' | 'manual';
/** Who bears the network's fee of an output. */
export type FeeFrom = 'sender' | 'recipient';

/** A person's or the server's word for exactly this output (ADR 0009). */
export type Approval = { approver: string; expiresAtMs: number; signature: string };

/** One output that a spend has to pay. */
export type PayoutOutput = {
  readonly payoutId: Uuid;
  readonly script: Uint8Array;
  /** What it takes from the book; what arrives is less by the fee share where the recipient pays. */
  readonly amountSats: Sats;
  readonly feeFrom: FeeFrom;
  readonly maxFeeShareSats: Sats;
  readonly approvals: readonly Approval[];
};

/** What a spend may cost at most, in every one of its versions. */
export type FeeLimits = {
  readonly maxFeeRate: FeeRate;
  /** Of the amounts together, in hundredths of a percent; null: no such limit. */
  readonly maxFeeShareBps: number | null;
};

/** Why a plan could not be made, or a spend can not go on: stable codes. */
export type SpendReason =
  | 'insufficient_funds'
  | 'fee_above_limit'
  | 'fee_share_above_limit'
  | 'output_below_dust'
  | 'too_many_outputs'
  | 'no_fee_estimate'
  | 'signer_unavailable'
  | 'signer_refused'
  | 'awaiting_signature'
  | 'node_unavailable'
  | 'broadcast_refused'
  | 'fee_too_low'
  | 'coin_gone'
  | 'conflict_not_final'
  | 'cancelled';

/** A coin as text, "txid:vout", with the txid as people write it. */
export type OutpointText = string;

/**
 * How far one transaction of a spend has come. planned: no signature is known. signed: the bytes
 * are stored. broadcast: a node has taken them at some time. rejected: refused for certain.
 * replaced: another version took its place before it was signed.
 */
export type VersionState = 'planned' | 'signed' | 'broadcast' | 'rejected' | 'replaced';

export type ChangeOutput = {
  readonly branch: 0 | 1;
  readonly index: number;
  readonly vout: number;
  readonly valueSats: Sats;
};

/** One transaction that was made for a spend. */
export type SpendVersion = {
  readonly version: number;
  readonly state: VersionState;
  /** `cancel` returns everything to the wallet: it stops the payment by spending the anchor. */
  readonly purpose: 'pay' | 'cancel';
  /**
   * Others may have it, whatever we remember: it was about to be sent, or its PSBT was given out
   * for signing. From then on only the chain can say that it will never be mined.
   */
  readonly exposed: boolean;
  readonly txid: string | null;
  readonly inputs: readonly OutpointText[];
  readonly feeSats: Sats;
  readonly vsize: number;
  /** What leaves the wallet with it: outputs that are not ours, and the fee. */
  readonly outSats: Sats;
  /** Where the change goes, if there is any. */
  readonly change: ChangeOutput | null;
  /** What each recipient who bears the fee gets less, by payout. */
  readonly feeShares: Readonly<Record<Uuid, Sats>>;
  readonly rejectCode: string | null;
};

export type Spend = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly walletId: Uuid;
  readonly kind: SpendKind;
  readonly origin: Origin;
  readonly state: SpendState;
  readonly anchor: OutpointText;
  /** The version that counts: in a block, else the newest that a node took, else the newest. */
  readonly version: number;
  readonly ledgerEpoch: number;
  /** The version that the book shows, if it shows one. */
  readonly bookedVersion: number | null;
  readonly dueAtMs: number | null;
  readonly attempts: number;
  readonly reason: SpendReason | null;
  /** More about the reason, for a person: the node's or the signer's own words. */
  readonly detail: string | null;
  readonly height: number | null;
  readonly blockHash: string | null;
  readonly limits: FeeLimits;
  readonly createdAtMs: number;
};

/** What a listener is told, in the transaction that made it so. */
export type SpendChange = {
  readonly merchantId: Uuid;
  readonly spendId: Uuid;
  readonly kind: SpendKind;
  readonly origin: Origin;
  readonly before: SpendState;
  readonly state: SpendState;
  /** Of the version that counts; null before it is known. */
  readonly txid: string | null;
  readonly feeSats: Sats;
  readonly height: number | null;
  readonly outputs: readonly { payoutId: Uuid; feeShareSats: Sats }[];
  readonly reason: SpendReason | null;
  /** The node's or the signer's own words about the reason. */
  readonly detail: string | null;
  /** Of a failed one: whether the same payouts may be tried in a new spend. */
  readonly retry: boolean;
};

/** Who tells it, when, and at which height of the chain. */
export type SpendTelling = {
  readonly ids: { next(): Uuid };
  readonly nowMs: number;
  readonly tipHeight: number;
};

/** Who wants to know what becomes of spends: paying/payouts. */
export type SpendListener = {
  /** Locks the rows that `spendChanged` will touch; called before anything is posted (ADR 0012). */
  lock?(tx: Tx, spendIds: readonly Uuid[]): Promise<void>;
  spendChanged(tx: Tx, telling: SpendTelling, change: SpendChange): Promise<void>;
};

/** @property spendId the spend that is to pay it, which is locked with the others */
export type PaidPayout = { readonly spendId: Uuid | null };

/**
 * Recognises payments of ours that the database has forgotten, because it was restored from a backup
 * that is older than they are: paying/payouts knows what is to be paid.
 */
export type SpendAdopter = {
  /** Open payouts that these transactions seem to pay; without any there is nothing to adopt. */
  findPaid(tx: Tx, txids: readonly string[]): Promise<readonly PaidPayout[]>;
  /** Locks the payouts that `adopt` may touch; called after spends are locked. */
  lock(tx: Tx, txids: readonly string[]): Promise<void>;
  adopt(tx: Tx, telling: SpendTelling, txids: readonly string[]): Promise<void>;
};
