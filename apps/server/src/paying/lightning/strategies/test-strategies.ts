import {
  completeLightningStrategy,
  type LightningFailureClass,
  type LightningStrategy,
  lightningFailureClasses,
} from '@quittance/contract';
import fc from 'fast-check';
import type { StrategyAdvice, StrategyAttempt, StrategyHistory, StrategyQuote } from './types.ts';

/** What tests of strategies have in common: any strategy, any history, any quote. */

export const START_MS = 1_700_000_000_000;

const timing = {
  attemptTimeoutSeconds: fc.integer({ min: 3, max: 600 }),
  expiryMarginSeconds: fc.integer({ min: 5, max: 600 }),
  maxAttempts: fc.integer({ min: 1, max: 100 }),
  prediction: fc.record({
    use: fc.boolean(),
    giveUpBelowPercent: fc.integer({ min: 0, max: 50 }),
    maxStretchPercent: fc.integer({ min: 100, max: 1_000 }),
  }),
};
const giveUpAfterSeconds = fc.oneof(
  fc.integer({ min: 10, max: 600 }),
  fc.integer({ min: 600, max: 604_800 }),
);

const immediate = fc
  .record({
    kind: fc.constant('immediate' as const),
    pauses: fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 3_540 })),
    growthPercent: fc.integer({ min: 100, max: 1_000 }),
    giveUpAfterSeconds,
    ...timing,
  })
  .map(({ pauses: [firstPauseSeconds, more], ...rest }) => ({
    ...rest,
    firstPauseSeconds,
    maxPauseSeconds: firstPauseSeconds + more,
  }));
const tiered = fc
  .record({
    kind: fc.constant('tiered' as const),
    pauses: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3_600 })),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
    giveUpAfterSeconds,
    ...timing,
  })
  .map(({ pauses, ...rest }) => {
    const seconds = pauses.map(([, pauseSeconds]) => pauseSeconds).toSorted((a, b) => a - b);
    const tiers = pauses.map(([count], i) => ({ pauses: count, pauseSeconds: seconds[i] ?? 1 }));
    return { ...rest, tiers };
  });
const fastFail = fc.record({
  kind: fc.constant('fast_fail' as const),
  budgetSeconds: fc.integer({ min: 5, max: 300 }),
  pauseSeconds: fc.integer({ min: 1, max: 60 }),
  ...timing,
});
const manual = fc.record({ kind: fc.constant('manual' as const), giveUpAfterSeconds, ...timing });

export const anyStrategy: fc.Arbitrary<LightningStrategy> = fc
  .oneof(immediate, tiered, fastFail, manual)
  .map((input) => completeLightningStrategy(input));

export const retryableClasses = [
  'no_route',
  'insufficient_capacity',
  'fee_limit',
  'peer_offline',
  'not_resolved',
] as const satisfies readonly LightningFailureClass[];

const attempt = fc.record({
  gapMs: fc.integer({ min: 0, max: 900_000 }),
  lastsMs: fc.integer({ min: 0, max: 60_000 }),
  failureClass: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...retryableClasses) },
    { weight: 1, arbitrary: fc.constantFrom(...lightningFailureClasses) },
  ),
  feeLimitMsat: fc.bigInt({ min: 0n, max: 10_000n }),
});

/** A history whose attempts follow each other; the last may be open. */
export const anyHistory: fc.Arbitrary<StrategyHistory> = fc
  .record({
    attempts: fc.array(attempt, { maxLength: 14 }),
    lastIsOpen: fc.boolean(),
    requestedAfterMs: fc.option(fc.integer({ min: 0, max: 10_000_000 })),
  })
  .map(({ attempts, lastIsOpen, requestedAfterMs }) => {
    let atMs = START_MS;
    const made = attempts.map(({ gapMs, lastsMs, failureClass, feeLimitMsat }): StrategyAttempt => {
      const startedAtMs = atMs + gapMs;
      atMs = startedAtMs + lastsMs;
      return { startedAtMs, endedAtMs: atMs, failureClass, feeLimitMsat };
    });
    const last = made.at(-1);
    if (lastIsOpen && last !== undefined) {
      made[made.length - 1] = { ...last, endedAtMs: null, failureClass: null };
    }
    const requestedAtMs = requestedAfterMs === null ? null : START_MS + requestedAfterMs;
    return { startedAtMs: START_MS, attempts: made, requestedAtMs };
  });

const share = fc.double({ min: 0, max: 1, noNaN: true });
export const anyAdvice: fc.Arbitrary<StrategyAdvice> = fc.record({
  probability: share,
  confidence: share,
  remainingChance: share,
  feeBudgetMsat: fc.option(fc.bigInt({ min: 0n, max: 20_000n })),
  waitMs: fc.option(fc.integer({ min: 0, max: 10_000_000 })),
});

export const anyQuote: fc.Arbitrary<StrategyQuote> = fc.record({
  amountMsat: fc.bigInt({ min: 1n, max: 1_000_000_000n }),
  maxFeeMsat: fc.bigInt({ min: 0n, max: 10_000n }),
  expiresAtMs: fc.option(
    fc.oneof(
      fc.integer({ min: START_MS - 100_000, max: START_MS + 4_000_000 }),
      fc.integer({ min: START_MS, max: START_MS + 100_000_000 }),
    ),
  ),
  sendableMsat: fc.option(fc.bigInt({ min: 0n, max: 1_000_000_000n }), { freq: 2 }),
  advice: fc.option(anyAdvice),
});

export function testQuote(changes: Partial<StrategyQuote> = {}): StrategyQuote {
  const none = { expiresAtMs: null, sendableMsat: null, advice: null };
  return { amountMsat: 100_000n, maxFeeMsat: 1_000n, ...none, ...changes };
}

/** Attempts that failed, given by when they began; each lasted a second. */
export function failedAt(
  times: readonly number[],
  failureClass: LightningFailureClass = 'no_route',
): StrategyAttempt[] {
  return times.map((startedAtMs) => ({
    ...{ startedAtMs, endedAtMs: startedAtMs + 1_000, failureClass, feeLimitMsat: 1_000n },
  }));
}
