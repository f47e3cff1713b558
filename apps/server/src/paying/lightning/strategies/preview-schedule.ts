import {
  type LightningGiveUpReason,
  type LightningStrategy,
  MAX_LIGHTNING_ATTEMPTS,
} from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { decide } from './decide.ts';
import type { StrategyAttempt, StrategyHistory, StrategyQuote } from './types.ts';

export type Schedule = {
  readonly attempts: readonly {
    readonly number: number;
    readonly atMs: number;
    readonly timeoutMs: number;
  }[];
  /** It does nothing by itself. */
  readonly waitsForPerson: boolean;
  /** When the money is free at the latest, if no attempt's outcome stays open. */
  readonly endsAtMs: number;
  readonly endReason: LightningGiveUpReason;
};

/** A wait and a send for each attempt, and the end. */
const MAX_STEPS = 2 * MAX_LIGHTNING_ATTEMPTS + 2;

/**
 * The times at which a payout would be tried if every attempt failed for want of a route. It asks
 * `decide` itself, so it can not say anything else than what will be done.
 * @param attemptMs how long each attempt is taken to last
 */
export function previewSchedule(
  strategy: LightningStrategy,
  { createdAtMs, expiresAtMs, attemptMs = 0 }: PreviewOptions,
): Schedule {
  const history = { startedAtMs: createdAtMs, attempts: [], requestedAtMs: null };
  return planAhead(strategy, { history, nowMs: createdAtMs, expiresAtMs, attemptMs });
}

/**
 * The same for a payout that has been tried before: what the strategy would still do from now on,
 * without any prediction, if every further attempt failed.
 */
export function planAhead(strategy: LightningStrategy, options: PlanOptions): Schedule {
  const { history, expiresAtMs, attemptMs = 0 } = options;
  const quote: StrategyQuote = {
    amountMsat: 1n,
    maxFeeMsat: 0n,
    expiresAtMs,
    sendableMsat: null,
    advice: null,
  };
  const tried: StrategyAttempt[] = [...history.attempts];
  const attempts: Schedule['attempts'][number][] = [];
  let nowMs = options.nowMs;
  let waitsForPerson = false;
  for (let step = 0; step < MAX_STEPS; step++) {
    const decision = decide(strategy, { ...history, attempts: tried }, nowMs, quote);
    if (decision.action === 'give_up') {
      return { attempts, waitsForPerson, endsAtMs: nowMs, endReason: decision.reason };
    }
    if (decision.action === 'wait') {
      assert(decision.reason !== 'attempt_open', 'with an open attempt nothing can be planned');
      waitsForPerson ||= decision.reason === 'person';
      nowMs = decision.untilMs;
      continue;
    }
    const { timeoutMs } = decision;
    attempts.push({ number: tried.length + 1, atMs: nowMs, timeoutMs });
    const endedAtMs = nowMs + Math.min(attemptMs, timeoutMs);
    const failed = { startedAtMs: nowMs, endedAtMs, failureClass: 'no_route' as const };
    tried.push({ ...failed, feeLimitMsat: decision.feeBudgetMsat });
    nowMs = endedAtMs;
  }
  assert(false, 'a strategy ends after its attempts');
}

export type PreviewOptions = {
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly attemptMs?: number;
};

export type PlanOptions = {
  readonly history: StrategyHistory;
  readonly nowMs: number;
  readonly expiresAtMs: number | null;
  readonly attemptMs?: number;
};
