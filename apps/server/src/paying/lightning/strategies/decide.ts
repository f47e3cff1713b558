import { type LightningStrategy, MAX_LIGHTNING_ATTEMPTS } from '@quittance/contract';
import { assert, type Msats } from '@quittance/kernel';
import { balanceLookMs, countSent, MIN_CONFIDENCE, pauseAfterMs } from './pauses.ts';
import { reactionTo } from './reactions.ts';
import type { StrategyAttempt, StrategyDecision, StrategyHistory, StrategyQuote } from './types.ts';

/** Below this an attempt is not worth beginning: one path alone takes a second or two. */
export const MIN_ATTEMPT_MS = 3_000;
/** Of an attempt that has been begun in time, so much has to be left once its invoice is there. */
export const MIN_REMAINING_MS = 1_000;
/** What the last attempt before the end is given, where the pauses would miss the end. */
const LAST_ATTEMPT_MS = 15_000;
/** How often to look after an attempt that is open; its own events usually come first. */
const LOOK_AFTER_OPEN_MS = 5_000;

/**
 * What to do with an approved Lightning payout that is not paid: send it, wait, or give up. Pure:
 * the same arguments always give the same answer.
 *
 * - With an attempt that is open it waits, whatever else holds.
 * - It never sends when the attempt could last into the margin before the invoice's expiry, or beyond
 *   the strategy's own end, nor more often than the maximum.
 * - It never waits for an attempt that can not come any more: then it gives up, and the money is free.
 * - Without history the first attempt is made as if there were no prediction.
 *
 * @throws {AssertionError} when an attempt has succeeded: such a payout has ended
 */
export function decide(
  strategy: LightningStrategy,
  history: StrategyHistory,
  nowMs: number,
  quote: StrategyQuote,
): StrategyDecision {
  const { attempts } = history;
  if (attempts.some(({ endedAtMs }) => endedAtMs === null)) {
    return { action: 'wait', untilMs: nowMs + LOOK_AFTER_OPEN_MS, reason: 'attempt_open' };
  }
  const last = attempts.at(-1);
  assert(
    attempts.every(({ failureClass }) => failureClass !== null),
    'a payout that was paid has no next attempt',
  );
  const lacksBalance = quote.sendableMsat !== null && quote.sendableMsat < quote.amountMsat;
  const failureClass = last?.failureClass ?? (lacksBalance ? 'insufficient_local_balance' : null);
  if (last !== undefined && failureClass !== null && reactionTo(failureClass) === 'never') {
    return { action: 'give_up', reason: 'not_retryable', failureClass };
  }
  if (countSent(attempts) >= strategy.maxAttempts || attempts.length >= MAX_LIGHTNING_ATTEMPTS) {
    return { action: 'give_up', reason: 'too_many_attempts', failureClass };
  }
  const window = windowOf(strategy, history, quote);
  if (nowMs > window.closesMs - MIN_ATTEMPT_MS) {
    return { action: 'give_up', reason: window.reason, failureClass };
  }
  const asked = isAsked(history, last);
  if (!asked && isUnlikely(strategy, attempts, quote)) {
    return { action: 'give_up', reason: 'unlikely', failureClass };
  }
  const due = dueOf(strategy, { history, quote, window, asked });
  if (due === null) return { action: 'give_up', reason: window.reason, failureClass };
  if (due.atMs > nowMs) return { action: 'wait', untilMs: due.atMs, reason: due.reason };
  if (lacksBalance) {
    const waitedMs = nowMs - (last?.endedAtMs ?? history.startedAtMs);
    const untilMs = nowMs + balanceLookMs(strategy, waitedMs);
    const soonest = Math.min(untilMs, window.closesMs - MIN_ATTEMPT_MS + 1);
    return { action: 'wait', untilMs: soonest, reason: 'own_balance' };
  }
  const timeoutMs = Math.min(strategy.attemptTimeoutSeconds * 1_000, window.closesMs - nowMs);
  return { action: 'send', feeBudgetMsat: feeBudget(strategy, attempts, quote), timeoutMs };
}

/**
 * How long an attempt may still last when getting an invoice has taken time, or has given one that
 * ends sooner than the payout's own end.
 * @returns null when too little is left: decide again
 */
export function remainingTimeoutMs(
  strategy: LightningStrategy,
  { timeoutMs }: Extract<StrategyDecision, { action: 'send' }>,
  times: { readonly decidedAtMs: number; readonly nowMs: number; readonly expiresAtMs: number },
): number | null {
  const lastMs = times.expiresAtMs - strategy.expiryMarginSeconds * 1_000;
  const leftMs = Math.min(times.decidedAtMs + timeoutMs, lastMs) - times.nowMs;
  return leftMs >= MIN_REMAINING_MS ? leftMs : null;
}

type Window = {
  /** Every attempt is over by then. */
  readonly closesMs: number;
  /** What it means when nothing more can be tried before. */
  readonly reason: 'expired' | 'time_over';
};

function windowOf(
  strategy: LightningStrategy,
  { startedAtMs }: StrategyHistory,
  { expiresAtMs }: StrategyQuote,
): Window {
  const seconds =
    strategy.kind === 'fast_fail' ? strategy.budgetSeconds : strategy.giveUpAfterSeconds;
  const endsMs = startedAtMs + seconds * 1_000;
  if (expiresAtMs === null) return { closesMs: endsMs, reason: 'time_over' };
  const expiryMs = expiresAtMs - strategy.expiryMarginSeconds * 1_000;
  return expiryMs <= endsMs
    ? { closesMs: expiryMs, reason: 'expired' }
    : { closesMs: endsMs, reason: 'time_over' };
}

/**
 * A person's wish counts until an attempt has ended after it. One that ended in the same millisecond
 * answers it too: else an attempt that is refused at once would be repeated without a pause.
 */
function isAsked({ requestedAtMs }: StrategyHistory, last: StrategyAttempt | undefined): boolean {
  return requestedAtMs !== null && requestedAtMs > (last?.endedAtMs ?? Number.NEGATIVE_INFINITY);
}

function isUnlikely(
  { kind, prediction }: LightningStrategy,
  attempts: readonly StrategyAttempt[],
  { advice }: StrategyQuote,
): boolean {
  // Where a person decides, a person gives up.
  if (kind === 'manual') return false;
  if (!prediction.use || advice === null || countSent(attempts) === 0) return false;
  if (advice.confidence < MIN_CONFIDENCE) return false;
  return advice.remainingChance * 100 < prediction.giveUpBelowPercent;
}

/**
 * When the next attempt is due; null when it would come too late. An attempt that would miss the end
 * is brought forward once, to the last moment, if at least half of the pause has passed by then.
 */
function dueOf(
  strategy: LightningStrategy,
  options: { history: StrategyHistory; quote: StrategyQuote; window: Window; asked: boolean },
): { atMs: number; reason: 'pause' | 'own_node' | 'own_balance' | 'person' } | null {
  const { history, quote, window, asked } = options;
  const last = history.attempts.at(-1);
  if (asked) return { atMs: history.requestedAtMs ?? 0, reason: 'person' };
  if (strategy.kind === 'manual') {
    return { atMs: window.closesMs - MIN_ATTEMPT_MS + 1, reason: 'person' };
  }
  if (last === undefined) return { atMs: history.startedAtMs, reason: 'pause' };
  const endedMs = last.endedAtMs ?? 0;
  const pauseMs = pauseAfterMs(strategy, history.attempts, quote);
  const dueMs = endedMs + pauseMs;
  const reason = waitReason(last);
  if (dueMs <= window.closesMs - MIN_ATTEMPT_MS) return { atMs: dueMs, reason };
  const lengthMs = Math.min(LAST_ATTEMPT_MS, strategy.attemptTimeoutSeconds * 1_000);
  const lastChanceMs = window.closesMs - lengthMs;
  return lastChanceMs >= endedMs + pauseMs / 2 ? { atMs: lastChanceMs, reason } : null;
}

function waitReason(last: StrategyAttempt): 'pause' | 'own_node' | 'own_balance' {
  const { failureClass } = last;
  if (failureClass === 'node_unavailable' || last.isOwnPeer === true) return 'own_node';
  return failureClass === 'insufficient_local_balance' ? 'own_balance' : 'pause';
}

/** What history suggests, unless that was too little before; never above the limit. */
function feeBudget(
  { prediction }: LightningStrategy,
  attempts: readonly StrategyAttempt[],
  { advice, maxFeeMsat }: StrategyQuote,
): Msats {
  const suggested = advice?.feeBudgetMsat ?? null;
  if (!prediction.use || suggested === null || suggested > maxFeeMsat) return maxFeeMsat;
  const tooLow = attempts.some(({ failureClass }) => failureClass === 'fee_limit');
  return tooLow ? maxFeeMsat : suggested;
}
