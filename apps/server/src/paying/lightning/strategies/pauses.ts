import type { LightningStrategy } from '@quittance/contract';
import { unreachable } from '@quittance/kernel';
import { reactionAfter } from './reactions.ts';
import type { StrategyAttempt, StrategyQuote } from './types.ts';

/** Between looks at our own balance or node: soon enough, and no load on it. */
const OWN_PAUSE_MS = 30_000;
const MAX_OWN_PAUSE_MS = 900_000;
/** A holder waits at the counter: look often, for its few seconds. */
const OWN_PAUSE_OF_CARD_MS = 1_000;
/** What is known of a destination below this is not enough to change anything by. */
export const MIN_CONFIDENCE = 0.4;

/**
 * The pause that is configured after the n-th attempt that counted; it never shrinks with n. Zero
 * for `manual`, where a person is the pause.
 */
export function configuredPauseMs(strategy: LightningStrategy, n: number): number {
  switch (strategy.kind) {
    case 'immediate': {
      const grown = strategy.firstPauseSeconds * (strategy.growthPercent / 100) ** (n - 1);
      return Math.round(Math.min(strategy.maxPauseSeconds, grown) * 1_000);
    }
    case 'tiered': {
      let last = 0;
      for (const tier of strategy.tiers) {
        last += tier.pauses;
        if (n <= last) return tier.pauseSeconds * 1_000;
      }
      return (strategy.tiers.at(-1)?.pauseSeconds ?? 0) * 1_000;
    }
    case 'fast_fail':
      return strategy.pauseSeconds * 1_000;
    case 'manual':
      return 0;
    default:
      return unreachable(strategy);
  }
}

/** How long to wait after the last attempt, counted from its end. */
export function pauseAfterMs(
  strategy: LightningStrategy,
  attempts: readonly StrategyAttempt[],
  quote: StrategyQuote,
): number {
  const last = attempts.at(-1);
  if (last === undefined || last.failureClass === null) return 0;
  if (reactionAfter(last) === 'ours') return ownPauseMs(strategy, attempts);
  // There is a path, and we may pay what it costs: nothing has to change but the budget.
  if (last.failureClass === 'fee_limit' && last.feeLimitMsat < quote.maxFeeMsat) return 0;
  const pauseMs = configuredPauseMs(strategy, countSent(attempts));
  const { advice } = quote;
  if (!strategy.prediction.use || advice === null || advice.waitMs === null) return pauseMs;
  if (advice.confidence < MIN_CONFIDENCE) return pauseMs;
  const longestMs = (pauseMs * strategy.prediction.maxStretchPercent) / 100;
  return Math.round(Math.min(longestMs, Math.max(pauseMs, advice.waitMs)));
}

/**
 * How soon to look again whether our channels can send, without an attempt: the less often the longer
 * it has lasted.
 */
export function balanceLookMs(strategy: LightningStrategy, waitedMs: number): number {
  if (strategy.kind === 'fast_fail') return OWN_PAUSE_OF_CARD_MS;
  return Math.round(Math.min(MAX_OWN_PAUSE_MS, Math.max(OWN_PAUSE_MS, waitedMs / 10)));
}

/** Doubles with each failure in a row that was our own. */
function ownPauseMs(strategy: LightningStrategy, attempts: readonly StrategyAttempt[]): number {
  if (strategy.kind === 'fast_fail') return OWN_PAUSE_OF_CARD_MS;
  const sent = attempts.findLastIndex(isSent);
  const inARow = attempts.length - 1 - sent;
  return Math.min(MAX_OWN_PAUSE_MS, OWN_PAUSE_MS * 2 ** Math.max(0, inARow - 1));
}

/** How many attempts count towards the maximum: those that were given to the network. */
export function countSent(attempts: readonly StrategyAttempt[]): number {
  return attempts.filter(isSent).length;
}

function isSent(attempt: StrategyAttempt): boolean {
  return reactionAfter(attempt) !== 'ours';
}
