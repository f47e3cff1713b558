import type { Random, Sats } from '@quittance/kernel';
import type { FeeRate } from '../fees/fee-rate.ts';
import type { Replaced } from '../fees/replacement.ts';
import type { DescriptorSizes, InputSize } from './sizes.ts';

/** An output of the wallet that may be spent. */
export interface Coin {
  /** Unique in the wallet: "txid:vout". */
  readonly id: string;
  readonly valueSats: Sats;
  readonly input: InputSize;
  /** 0 when confirmed; else its own transaction and that one's unconfirmed ancestors, counted. */
  readonly unconfirmedDepth: number;
  /** What its unconfirmed ancestors lack at the wanted rate (`ancestorDebt`); paid on top. */
  readonly ancestorDebtSats?: Sats;
}

/** Somebody to be paid. */
export interface Payment {
  readonly script: Uint8Array;
  readonly amountSats: Sats;
  /** `sender`: the output has the whole amount. `recipient`: the fee share is taken off it. */
  readonly feeFrom: 'sender' | 'recipient';
}

export interface SelectionLimits {
  /** Default {@link MAX_INPUTS}. */
  readonly maxInputs?: number;
  /** Default: what nodes relay, 400,000. */
  readonly maxWeight?: number;
  /** Coins with more unconfirmed transactions behind them are left alone. Default 0: confirmed only. */
  readonly maxUnconfirmedDepth?: number;
  /**
   * Default {@link MAX_CONSOLIDATION_INPUTS}, and 0 for a replacement or a child without payments. 0 never
   * spends a coin that is not needed.
   */
  readonly maxConsolidationInputs?: number;
  /**
   * A policy's highest fee. A plan above it is proposed only when there is none below, and is then
   * the one of the lowest fee: tidying up never makes a payment break the policy.
   */
  readonly feeCeilingSats?: Sats;
  /** Smaller change is given to the fee. At least, and by default, what makes the change worthwhile. */
  readonly minChangeSats?: Sats;
}

export interface SelectionRequest {
  readonly coins: readonly Coin[];
  /** May be empty when `mustInclude` is not: then everything goes to the change (a child's bump). */
  readonly payments: readonly Payment[];
  readonly feeRate: FeeRate;
  /** What spending a coin costs some other day: decides whether to save inputs or to tidy up. */
  readonly longTermFeeRate: FeeRate;
  readonly change: DescriptorSizes;
  /** Ids of coins that must be spent, such as one of the transaction that is replaced. */
  readonly mustInclude?: readonly string[];
  /** Fees that have to be outbid (BIP125). */
  readonly replaces?: Replaced;
  readonly limits?: SelectionLimits;
  /** Same bytes, same plan. */
  readonly random: Random;
}

export type SelectionAlgorithm =
  | 'branch_and_bound'
  | 'pairs'
  | 'least_weight'
  | 'largest_first'
  | 'consolidation';

export interface PlannedPayment {
  /** What the output pays. */
  readonly outputSats: Sats;
  /** Its part of the fee, whoever bears it. */
  readonly feeShareSats: Sats;
}

export interface Plan {
  readonly inputs: readonly Coin[];
  /** Null: no change output. */
  readonly changeSats: Sats | null;
  /** inputs = outputs + change + fee, to the satoshi. */
  readonly feeSats: Sats;
  /** In the order of the request's payments. Their shares and `walletFeeSats` add up to `feeSats`. */
  readonly payments: readonly PlannedPayment[];
  /** What the wallet pays for itself: coins spent to tidy up, and what is given up instead of change. */
  readonly walletFeeSats: Sats;
  readonly weight: number;
  readonly vsize: number;
  /** Bitcoin Core's waste metric, in sat, rounded up. */
  readonly wasteSats: bigint;
  readonly algorithm: SelectionAlgorithm;
}

export type Selection =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly code: 'nothing_to_do'; readonly reason: string }
  | {
      readonly ok: false;
      readonly code: 'unknown_coin';
      readonly id: string;
      readonly reason: string;
    }
  | {
      readonly ok: false;
      readonly code: 'dust_output';
      /** Which payment. */
      readonly index: number;
      readonly dustLimitSats: Sats;
      readonly reason: string;
    }
  | {
      readonly ok: false;
      readonly code: 'fee_exceeds_payment';
      readonly index: number;
      readonly reason: string;
    }
  | {
      readonly ok: false;
      readonly code: 'insufficient_funds';
      /** So much more, in coins that cost nothing to spend, would be enough. */
      readonly missingSats: Sats;
      readonly reason: string;
    }
  | { readonly ok: false; readonly code: 'too_large'; readonly reason: string };

/** A signer and a hardware wallet have to get through them; 1,400 P2WPKH inputs fill 400,000 WU. */
export const MAX_INPUTS = 1_400;
/** Tidying up waits for cheap days anyway; a payment should not become a big transaction for it. */
export const MAX_CONSOLIDATION_INPUTS = 50;
