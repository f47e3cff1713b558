import { expect, test } from 'vitest';
import {
  completeLightningStrategy,
  defaultLightningStrategies,
  lightningStrategyInputSchema,
  lightningStrategyKinds,
  lightningStrategySchema,
} from './lightning-strategies.ts';

test('every default is a strategy that can be stored, and what its kind alone means', () => {
  for (const kind of lightningStrategyKinds) {
    expect(lightningStrategySchema.parse(defaultLightningStrategies[kind])).toEqual(
      completeLightningStrategy(lightningStrategyInputSchema.parse({ kind })),
    );
  }
});

test('what is named replaces its default alone', () => {
  const strategy = completeLightningStrategy({ kind: 'tiered', maxAttempts: 4 });
  expect(strategy).toEqual({ ...defaultLightningStrategies.tiered, maxAttempts: 4 });
});

test('parameters out of bounds, of another kind, or that contradict each other are refused', () => {
  const refused = [
    { kind: 'tiered', maxAttempts: 0 },
    { kind: 'tiered', maxAttempts: 101 },
    { kind: 'tiered', tiers: [] },
    { kind: 'tiered', budgetSeconds: 30 },
    { kind: 'fast_fail', budgetSeconds: 301 },
    { kind: 'immediate', firstPauseSeconds: 0 },
    { kind: 'manual', giveUpAfterSeconds: 1_000_000 },
    { kind: 'immediate', expiryMarginSeconds: 1 },
    { kind: 'never' },
  ];
  for (const input of refused) {
    expect(lightningStrategyInputSchema.safeParse(input).success, JSON.stringify(input)).toBe(
      false,
    );
  }
  const shrinking = [
    { pauses: 1, pauseSeconds: 600 },
    { pauses: 1, pauseSeconds: 120 },
  ];
  expect(() => completeLightningStrategy({ kind: 'tiered', tiers: shrinking })).toThrow('shorter');
  expect(() =>
    completeLightningStrategy({ kind: 'immediate', firstPauseSeconds: 20, maxPauseSeconds: 10 }),
  ).toThrow('longest');
});
