import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bimodalProbability } from './bimodal.ts';

const CAPACITY = 1_000_000;
const amount = fc.integer({ min: 0, max: CAPACITY });
const evidence = fc.option(fc.record({ amount, ageMs: fc.integer({ min: 0, max: 100_000_000 }) }));

test('it is a probability that never rises with the amount', () => {
  fc.assert(
    fc.property(amount, amount, evidence, evidence, (one, other, passed, failed) => {
      const small = bimodalProbability(Math.min(one, other), CAPACITY, { passed, failed });
      const large = bimodalProbability(Math.max(one, other), CAPACITY, { passed, failed });
      expect(small).toBeGreaterThanOrEqual(large - 1e-12);
      expect(small).toBeLessThanOrEqual(1);
      expect(large).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('what has passed never makes it less likely, what has failed never more', () => {
  fc.assert(
    fc.property(amount, amount, fc.integer({ min: 0, max: 100_000_000 }), (asked, seen, ageMs) => {
      const unknown = bimodalProbability(asked, CAPACITY);
      const shown = { amount: seen, ageMs };
      const after = (passed: boolean) =>
        bimodalProbability(asked, CAPACITY, {
          ...(passed ? { passed: shown, failed: null } : { passed: null, failed: shown }),
        });
      expect(after(true)).toBeGreaterThanOrEqual(unknown - 1e-12);
      expect(after(false)).toBeLessThanOrEqual(unknown + 1e-12);
    }),
  );
});

test('what was seen just now is certain, and is forgotten with time', () => {
  const now = { amount: 400_000, ageMs: 0 };
  expect(bimodalProbability(400_000, CAPACITY, { passed: now, failed: null })).toBe(1);
  expect(bimodalProbability(400_000, CAPACITY, { passed: null, failed: now })).toBe(0);
  const old = { amount: 400_000, ageMs: 10 * 86_400_000 };
  const unknown = bimodalProbability(400_000, CAPACITY);
  expect(bimodalProbability(400_000, CAPACITY, { passed: null, failed: old })).toBeCloseTo(unknown);
  expect(bimodalProbability(400_000, CAPACITY, { passed: old, failed: null })).toBeCloseTo(unknown);
});

test('most channels can send hardly anything or hardly take anything', () => {
  // Between a third and two thirds of the capacity there is hardly a balance.
  const third = bimodalProbability(CAPACITY / 3, CAPACITY);
  expect(third - bimodalProbability((2 * CAPACITY) / 3, CAPACITY)).toBeLessThan(0.05);
  expect(third).toBeCloseTo(0.5, 1);
  expect(bimodalProbability(CAPACITY + 1, CAPACITY)).toBe(0);
  expect(bimodalProbability(0, CAPACITY)).toBe(1);
});
