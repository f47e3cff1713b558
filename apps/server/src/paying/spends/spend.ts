import type { Sats, Uuid } from '@quittance/kernel';

/** Where a spend is (docs/adr/0012-money-out.md). */
export type SpendState = 'planned' | 'signed' | 'broadcast' | 'confirmed' | 'final' | 'failed';
export type SpendKind = 'payouts' | 'consolidation' | 'child' | 'cancel';
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
  | 'conflict_not_final';

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
  /** Of a failed one: whether the same payouts may be tried in a new spend. */
  readonly retry: boolean;
};
