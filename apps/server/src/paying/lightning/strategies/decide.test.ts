import { completeLightningStrategy, type LightningStrategy } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, MIN_ATTEMPT_MS, MIN_REMAINING_MS, remainingTimeoutMs } from './decide.ts';
import { configuredPauseMs, countSent } from './pauses.ts';
import { reactionTo } from './reactions.ts';
import {
  anyAdvice,
  anyHistory,
  anyQuote,
  anyStrategy,
  failedAt,
  retryableClasses,
  START_MS,
  testQuote,
} from './test-strategies.ts';
import type { StrategyDecision, StrategyHistory, StrategyQuote } from './types.ts';

const RUNS = { numRuns: 2_000 };
const immediate = completeLightningStrategy({ kind: 'immediate' });
const tiered = completeLightningStrategy({ kind: 'tiered' });
const fastFail = completeLightningStrategy({ kind: 'fast_fail' });
const manual = completeLightningStrategy({ kind: 'manual' });
const sinceMs = fc.oneof(
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: 20_000_000 }),
);

/** Now is after everything that history knows. */
function nowOf({ attempts, startedAtMs }: StrategyHistory, afterMs: number): number {
  const last = attempts.at(-1);
  return (last?.endedAtMs ?? last?.startedAtMs ?? startedAtMs) + afterMs;
}

test('an attempt always ends before the invoice expires, with the margin to spare', () => {
  let sent = 0;
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const nowMs = nowOf(history, after);
      const decision = decide(strategy, history, nowMs, quote);
      if (decision.action !== 'send' || quote.expiresAtMs === null) return;
      sent += 1;
      expect(nowMs + decision.timeoutMs + strategy.expiryMarginSeconds * 1_000).toBeLessThanOrEqual(
        quote.expiresAtMs,
      );
      expect(decision.timeoutMs).toBeGreaterThanOrEqual(MIN_ATTEMPT_MS);
      expect(decision.timeoutMs).toBeLessThanOrEqual(strategy.attemptTimeoutSeconds * 1_000);
    }),
    RUNS,
  );
  // The property would say nothing if hardly anything were sent.
  expect(sent).toBeGreaterThan(20);
});

test('with an open attempt it waits, whatever else holds', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const nowMs = nowOf(history, after);
      const isOpen = history.attempts.some(({ endedAtMs }) => endedAtMs === null);
      const { action } = decide(strategy, history, nowMs, quote);
      if (isOpen) expect(action).toBe('wait');
    }),
    RUNS,
  );
});

test('it never sends more often than the maximum', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const decision = decide(strategy, history, nowOf(history, after), quote);
      if (countSent(history.attempts) >= strategy.maxAttempts) {
        expect(decision.action).not.toBe('send');
      }
    }),
    RUNS,
  );
});

test('a failure that trying again does not cure ends it at once', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const failureClass = history.attempts.at(-1)?.failureClass ?? null;
      if (failureClass === null || reactionTo(failureClass) !== 'never') return;
      const decision = decide(strategy, history, nowOf(history, after), quote);
      expect(decision).toEqual({ action: 'give_up', reason: 'not_retryable', failureClass });
    }),
    RUNS,
  );
  for (const failureClass of ['expired', 'recipient_rejected', 'already_paid'] as const) {
    const history = historyOf(failedAt([START_MS], failureClass));
    expect(decide(tiered, history, START_MS + 2_000, testQuote()).action).toBe('give_up');
  }
});

test('a fee never exceeds its limit, and no wait ends in the past', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const nowMs = nowOf(history, after);
      const decision = decide(strategy, history, nowMs, quote);
      if (decision.action === 'send') {
        expect(decision.feeBudgetMsat).toBeLessThanOrEqual(quote.maxFeeMsat);
      }
      if (decision.action === 'wait') expect(decision.untilMs).toBeGreaterThan(nowMs);
    }),
    RUNS,
  );
});

test('the same arguments give the same decision, and are not changed', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, sinceMs, (strategy, history, quote, after) => {
      const nowMs = nowOf(history, after);
      const before = structuredClone({ strategy, history, quote });
      const first = decide(strategy, history, nowMs, quote);
      expect(decide(strategy, history, nowMs, quote)).toEqual(first);
      expect({ strategy, history, quote }).toEqual(before);
    }),
  );
});

test('without history a prediction changes nothing', () => {
  fc.assert(
    fc.property(anyStrategy, anyHistory, anyQuote, anyAdvice, sinceMs, (...args) => {
      const [strategy, history, quote, advice, after] = args;
      const nowMs = nowOf(history, after);
      const unknown = { ...advice, confidence: 0, feeBudgetMsat: null };
      expect(decide(strategy, history, nowMs, { ...quote, advice: unknown })).toEqual(
        decide(strategy, history, nowMs, { ...quote, advice: null }),
      );
    }),
    RUNS,
  );
});

test('the first attempt is made whatever the prediction says', () => {
  fc.assert(
    fc.property(anyStrategy, anyQuote, anyAdvice, (strategy, quote, advice) => {
      const history = historyOf([]);
      const { action } = decide(strategy, history, START_MS, { ...quote, advice });
      expect(action).toBe(decide(strategy, history, START_MS, { ...quote, advice: null }).action);
    }),
    RUNS,
  );
});

/** Plays a payout to its end: attempts fail as told, and it is asked exactly when it wants. */
function play(
  strategy: LightningStrategy,
  quoteAt: (nowMs: number) => StrategyQuote,
  outcomes: readonly { lastsShare: number; failureClass: (typeof retryableClasses)[number] }[],
  askedAfterMs: number | null = null,
) {
  const attempts: StrategyHistory['attempts'][number][] = [];
  let nowMs = START_MS;
  const wishAtMs = askedAfterMs === null ? null : START_MS + askedAfterMs;
  for (let step = 0; step < 20_000; step++) {
    const requestedAtMs = wishAtMs !== null && wishAtMs <= nowMs ? wishAtMs : null;
    const history = { startedAtMs: START_MS, attempts, requestedAtMs };
    const decision: StrategyDecision = decide(strategy, history, nowMs, quoteAt(nowMs));
    if (decision.action === 'give_up') return { attempts, endedAtMs: nowMs, decision };
    if (decision.action === 'wait') {
      // The wish comes in between, as a click does.
      const isWished = wishAtMs !== null && wishAtMs > nowMs && wishAtMs < decision.untilMs;
      nowMs = isWished ? wishAtMs : decision.untilMs;
      continue;
    }
    const outcome = outcomes[attempts.length % outcomes.length];
    if (outcome === undefined) throw new Error('an outcome is needed');
    const endedAtMs = nowMs + Math.floor(decision.timeoutMs * outcome.lastsShare);
    const { failureClass } = outcome;
    attempts.push({
      ...{ startedAtMs: nowMs, endedAtMs, failureClass },
      feeLimitMsat: decision.feeBudgetMsat,
    });
    nowMs = endedAtMs;
  }
  throw new Error('it does not end');
}

const outcomes = fc.array(
  fc.record({
    lastsShare: fc.double({ min: 0, max: 1, noNaN: true }),
    failureClass: fc.constantFrom(...retryableClasses),
  }),
  { minLength: 1, maxLength: 10 },
);

test('every payout ends, within its maximum, with its money free at the end of its time', () => {
  fc.assert(
    fc.property(anyStrategy, anyQuote, outcomes, fc.option(sinceMs), (...args) => {
      const [strategy, quote, fails, askedAfterMs] = args;
      const { attempts, endedAtMs } = play(strategy, () => quote, fails, askedAfterMs);
      expect(attempts.length).toBeLessThanOrEqual(strategy.maxAttempts);
      expect(endedAtMs).toBeLessThanOrEqual(latestEndMs(strategy, quote));
    }),
    { numRuns: 500 },
  );
});

test('pauses are as configured or longer, but for a higher fee, a person, and the last chance', () => {
  let compared = 0;
  fc.assert(
    fc.property(anyStrategy, anyQuote, outcomes, (strategy, quote, fails) => {
      const { attempts } = play(strategy, () => quote, fails);
      const marginMs = quote.expiresAtMs === null ? 0 : strategy.expiryMarginSeconds * 1_000;
      const lastChanceMs = latestEndMs(strategy, quote, marginMs) - 15_000;
      attempts.forEach((attempt, i) => {
        const before = attempts[i - 1];
        if (before === undefined || before.endedAtMs === null) return;
        const raised =
          before.failureClass === 'fee_limit' && before.feeLimitMsat < quote.maxFeeMsat;
        const pauseMs = attempt.startedAtMs - before.endedAtMs;
        const isLast = attempt.startedAtMs >= lastChanceMs;
        const configuredMs = configuredPauseMs(strategy, i);
        compared += 1;
        if (raised) return;
        expect(pauseMs).toBeGreaterThanOrEqual(isLast ? configuredMs / 2 : configuredMs);
      });
    }),
    { numRuns: 500 },
  );
  expect(compared).toBeGreaterThan(100);
});

test('the configured pauses never shrink', () => {
  fc.assert(
    fc.property(anyStrategy, fc.integer({ min: 1, max: 99 }), (strategy, n) => {
      expect(configuredPauseMs(strategy, n + 1)).toBeGreaterThanOrEqual(
        configuredPauseMs(strategy, n),
      );
    }),
  );
});

test('what is left to nobody is given up without waiting for it', () => {
  fc.assert(
    fc.property(anyStrategy, anyQuote, outcomes, (strategy, quote, fails) => {
      if (strategy.kind === 'manual') return;
      const { attempts, endedAtMs } = play(
        strategy,
        () => ({ ...quote, sendableMsat: null }),
        fails,
      );
      const last = attempts.at(-1);
      expect(endedAtMs).toBe(last?.endedAtMs ?? START_MS);
    }),
    { numRuns: 500 },
  );
});

test('manual never sends by itself, and sends when a person asks', () => {
  const quote = testQuote();
  expect(decide(manual, historyOf([]), START_MS + 5_000, quote)).toMatchObject({
    ...{ action: 'wait', reason: 'person' },
  });
  const asked = { ...historyOf([]), requestedAtMs: START_MS + 5_000 };
  expect(decide(manual, asked, START_MS + 5_000, quote).action).toBe('send');
  const tried = { ...asked, attempts: failedAt([START_MS + 5_000]) };
  expect(decide(manual, tried, START_MS + 9_000, quote).action).toBe('wait');
  const again = { ...tried, requestedAtMs: START_MS + 20_000 };
  expect(decide(manual, again, START_MS + 20_000, quote).action).toBe('send');
  expect(play(manual, () => quote, [{ lastsShare: 0, failureClass: 'no_route' }])).toMatchObject({
    ...{ attempts: [], decision: { reason: 'time_over' } },
  });
});

test('a wish is answered by one attempt, though it failed in the same moment', () => {
  const wish = { ...historyOf([]), requestedAtMs: START_MS };
  const refused = failedAt([START_MS]).map((one) => ({ ...one, endedAtMs: START_MS }));
  const after = { ...wish, attempts: refused };
  expect(decide(manual, after, START_MS, testQuote()).action).toBe('wait');
  expect(decide(tiered, after, START_MS, testQuote()).action).toBe('wait');
});

test('what our own channels can not send waits for them, and does not use up attempts', () => {
  const poor = testQuote({ sendableMsat: 10n });
  expect(decide(tiered, historyOf([]), START_MS, poor)).toMatchObject({
    ...{ action: 'wait', reason: 'own_balance', untilMs: START_MS + 30_000 },
  });
  const times = Array.from({ length: 12 }, (_, i) => START_MS + i * 2_000_000);
  const refused = historyOf(failedAt(times, 'insufficient_local_balance'));
  expect(decide(tiered, refused, START_MS + 40_000_000, testQuote()).action).toBe('send');
  expect(decide(tiered, refused, START_MS + 86_400_000, poor)).toMatchObject({
    ...{ action: 'give_up', reason: 'time_over', failureClass: 'insufficient_local_balance' },
  });
  expect(decide(fastFail, historyOf([]), START_MS, poor)).toMatchObject({
    untilMs: START_MS + 1_000,
  });
});

test('a card’s money is free within its budget, though its balance or path is missing', () => {
  const fails = [{ lastsShare: 1, failureClass: 'no_route' as const }];
  expect(play(fastFail, () => testQuote(), fails).endedAtMs).toBe(START_MS + 30_000);
  const quick = [{ lastsShare: 0, failureClass: 'no_route' as const }];
  expect(play(fastFail, () => testQuote(), quick).endedAtMs).toBe(START_MS + 4_000);
  const poor = testQuote({ sendableMsat: 0n });
  expect(play(fastFail, () => poor, fails).endedAtMs).toBeLessThanOrEqual(START_MS + 30_000);
});

test('a fee limit below the maximum is raised at once', () => {
  const tooLow = failedAt([START_MS], 'fee_limit').map((one) => ({ ...one, feeLimitMsat: 10n }));
  const quote = testQuote();
  const decision = decide(tiered, historyOf(tooLow), START_MS + 1_000, quote);
  expect(decision).toMatchObject({ action: 'send', feeBudgetMsat: 1_000n });
  const atMost = failedAt([START_MS], 'fee_limit');
  expect(decide(tiered, historyOf(atMost), START_MS + 1_000, quote).action).toBe('wait');
});

test('history that knows better lengthens a pause, up to the stretch, and ends what is hopeless', () => {
  const history = historyOf(failedAt([START_MS]));
  const known = { probability: 0.1, confidence: 0.9, remainingChance: 0.5, feeBudgetMsat: 20n };
  const stretched = testQuote({ advice: { ...known, waitMs: 10_000_000 } });
  expect(decide(tiered, history, START_MS + 1_000, stretched)).toMatchObject({
    untilMs: START_MS + 1_000 + 360_000,
  });
  const hopeless = testQuote({ advice: { ...known, remainingChance: 0.005, waitMs: null } });
  expect(decide(tiered, history, START_MS + 1_000, hopeless)).toMatchObject({
    ...{ action: 'give_up', reason: 'unlikely', failureClass: 'no_route' },
  });
  expect(decide(tiered, historyOf([]), START_MS, hopeless)).toMatchObject({
    ...{ action: 'send', feeBudgetMsat: 20n },
  });
  const asked = { ...history, requestedAtMs: START_MS + 2_000 };
  expect(decide(tiered, asked, START_MS + 2_000, hopeless).action).toBe('send');
});

test('what is left after getting an invoice is neither more than was decided nor into its margin', () => {
  const offset = fc.integer({ min: 0, max: 700_000 });
  fc.assert(
    fc.property(anyStrategy, offset, offset, offset, (strategy, timeoutMs, tookMs, leftMs) => {
      const decision = { action: 'send', feeBudgetMsat: 0n, timeoutMs } as const;
      const nowMs = START_MS + tookMs;
      const expiresAtMs = nowMs + leftMs;
      const times = { decidedAtMs: START_MS, nowMs, expiresAtMs };
      const left = remainingTimeoutMs(strategy, decision, times);
      if (left === null) return;
      expect(left).toBeGreaterThanOrEqual(MIN_REMAINING_MS);
      expect(nowMs + left).toBeLessThanOrEqual(START_MS + timeoutMs);
      expect(nowMs + left + strategy.expiryMarginSeconds * 1_000).toBeLessThanOrEqual(expiresAtMs);
    }),
  );
  const send = { action: 'send', feeBudgetMsat: 0n, timeoutMs: 60_000 } as const;
  const times = { decidedAtMs: START_MS, nowMs: START_MS + 5_000, expiresAtMs: START_MS + 90_000 };
  expect(remainingTimeoutMs(tiered, send, times)).toBe(55_000);
});

test('immediate tries again within seconds', () => {
  const fails = [{ lastsShare: 0, failureClass: 'insufficient_capacity' as const }];
  const { attempts, decision } = play(immediate, () => testQuote(), fails);
  const seconds = attempts.map(({ startedAtMs }) => (startedAtMs - START_MS) / 1_000);
  expect(seconds).toEqual([0, 2, 6, 14, 30, 62, 122, 182, 242, 302]);
  expect(decision.reason).toBe('too_many_attempts');
});

test('a payout that was paid is never asked about', () => {
  const paid = failedAt([START_MS]).map((one) => ({ ...one, failureClass: null }));
  expect(() => decide(tiered, historyOf(paid), START_MS + 5_000, testQuote())).toThrow('paid');
});

function latestEndMs(
  strategy: LightningStrategy,
  { expiresAtMs }: StrategyQuote,
  marginMs = 0,
): number {
  const seconds =
    strategy.kind === 'fast_fail' ? strategy.budgetSeconds : strategy.giveUpAfterSeconds;
  // What has expired before it began ends at its beginning.
  const expiryMs = Math.max(START_MS, (expiresAtMs ?? Number.POSITIVE_INFINITY) - marginMs);
  return Math.min(START_MS + seconds * 1_000, expiryMs);
}

function historyOf(attempts: StrategyHistory['attempts']): StrategyHistory {
  return { startedAtMs: START_MS, attempts, requestedAtMs: null };
}

test('a peer of our own that is away is waited for like our own node, and no attempt is lost by it', () => {
  const quote = testQuote();
  const times = Array.from({ length: 12 }, (_, i) => START_MS + i * 1_000_000);
  const away = failedAt(times, 'peer_offline').map((one) => ({ ...one, isOwnPeer: true }));
  const lastMs = away.at(-1)?.endedAtMs ?? 0;
  expect(decide(tiered, historyOf(away), lastMs + 1, quote)).toMatchObject({
    ...{ action: 'wait', reason: 'own_node' },
  });
  const once = failedAt([START_MS], 'peer_offline').map((one) => ({ ...one, isOwnPeer: true }));
  expect(decide(tiered, historyOf(once), START_MS + 60_000, quote).action).toBe('send');
  // One further on counts, and has the pause of the strategy.
  const others = historyOf(failedAt(times, 'peer_offline'));
  expect(decide(tiered, others, lastMs + 1, quote)).toMatchObject({ action: 'give_up' });
});
