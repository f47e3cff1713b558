import type {
  LightningFailureClass,
  LightningGiveUpReason,
  LightningWaitReason,
} from '@quittance/contract';
import type { Msats } from '@quittance/kernel';

/** One attempt as a strategy sees it. Times are milliseconds since 1970. */
export type StrategyAttempt = {
  readonly startedAtMs: number;
  /** Null while nobody can say for certain what became of it. */
  readonly endedAtMs: number | null;
  /** Null while it is open. */
  readonly failureClass: LightningFailureClass | null;
  readonly feeLimitMsat: Msats;
  /** A peer of our own was away, and nothing was sent: it says nothing of the destination. */
  readonly isOwnPeer?: boolean;
};

/** What has happened to a payout that has not been paid. */
export type StrategyHistory = {
  /** When the strategy's time began: the approval. */
  readonly startedAtMs: number;
  /** Oldest first. */
  readonly attempts: readonly StrategyAttempt[];
  /** When a person last asked to try it now. */
  readonly requestedAtMs: number | null;
};

/** What is known now about the payment that would be sent. */
export type StrategyQuote = {
  readonly amountMsat: Msats;
  /** The most that its fee may be, by the processor's and the payout's limits. */
  readonly maxFeeMsat: Msats;
  /** Of the invoice; null where each attempt gets a fresh one (Lightning address, offer). */
  readonly expiresAtMs: number | null;
  /** What our own channels can send in this moment; null where the node does not say. */
  readonly sendableMsat: Msats | null;
  /** What history suggests (../prediction); null where nobody asked it. */
  readonly advice: StrategyAdvice | null;
};

/** What the prediction puts before a strategy, which may do otherwise. */
export type StrategyAdvice = {
  /** That an attempt now succeeds, 0 to 1. */
  readonly probability: number;
  /** How much history of this destination stands behind it: 0 none, towards 1 a lot. */
  readonly confidence: number;
  /** That any of the attempts that are still planned succeeds, 0 to 1. */
  readonly remainingChance: number;
  /** What such a payment has cost before, with room; null without enough history. */
  readonly feeBudgetMsat: Msats | null;
  /** How long after the last failure it is worth trying again; null: no opinion. */
  readonly waitMs: number | null;
};

export type StrategyDecision =
  | {
      readonly action: 'send';
      readonly feeBudgetMsat: Msats;
      /** How long the node may try. It ends before the invoice's expiry less the margin. */
      readonly timeoutMs: number;
    }
  | {
      readonly action: 'wait';
      /** Later than now; ask again then, or when something about the payout changes. */
      readonly untilMs: number;
      readonly reason: LightningWaitReason;
    }
  | {
      readonly action: 'give_up';
      readonly reason: LightningGiveUpReason;
      /** Of the last attempt, or why there was none; null when nothing stood in its way. */
      readonly failureClass: LightningFailureClass | null;
    };
