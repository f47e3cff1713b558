import { expect, test } from 'vitest';
import { attemptsOf, fixedRateRule, rateRuleSchema } from './rule.ts';

test('an empty rule is a careful one: two witnesses, and no price rather than a doubtful one', () => {
  expect(rateRuleSchema.parse({})).toEqual({
    sources: 'all',
    minSources: 2,
    maxAgeMs: 180_000,
    maxDeviationBps: 200,
    spreadBps: 0,
    fallback: 'refuse',
  });
});

test.each([
  [{ sources: [] }],
  [{ sources: ['kraken', 'kraken'], minSources: 1 }],
  [{ sources: ['kraken'] }],
  [{ sources: ['Kraken!'], minSources: 1 }],
  [{ minSources: 0 }],
  [{ minSources: 1.5 }],
  [{ maxAgeMs: 86_400_000 }],
  [{ maxDeviationBps: 0 }],
  [{ spreadBps: -1 }],
  [{ spreadBps: 10_000 }],
  [{ fallback: [] }],
  [{ fallback: 'last known' }],
  [{ fallback: [{ sources: ['kraken'], minSources: 2 }] }],
  [{ fallback: [{ minSources: 1 }] }],
  [{ minSource: 1 }],
])('the rule %j is refused', (rule) => {
  expect(rateRuleSchema.safeParse(rule).success).toBe(false);
});

test('a fallback takes from the rule what it leaves open', () => {
  const rule = rateRuleSchema.parse({
    spreadBps: 50,
    maxAgeMs: 60_000,
    fallback: [
      { sources: ['coingecko'], minSources: 1, spreadBps: 200 },
      { sources: ['fixed'], minSources: 1 },
    ],
  });
  const shared = { maxDeviationBps: 200, maxAgeMs: 60_000, minSources: 1 };
  expect(attemptsOf(rule)).toEqual([
    { ...shared, sources: 'all', minSources: 2, spreadBps: 50 },
    { ...shared, sources: ['coingecko'], spreadBps: 200 },
    { ...shared, sources: ['fixed'], spreadBps: 50 },
  ]);
  expect(attemptsOf(fixedRateRule)).toHaveLength(1);
});
