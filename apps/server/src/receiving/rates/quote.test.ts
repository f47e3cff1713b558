import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Combined, combine, type Observation } from './quote.ts';

const NOW_MS = 1_800_000_000_000;
const rule = { minSources: 2, maxAgeMs: 60_000, maxDeviationBps: 200, spreadBps: 0 };

function seen(prices: readonly (bigint | number)[], observedAtMs = NOW_MS): Observation[] {
  return prices.map((price, i) => ({
    source: `source${i}`,
    pricePerBtcE8: BigInt(price),
    observedAtMs,
  }));
}

function run(observations: readonly Observation[], changes: Partial<typeof rule> = {}): Combined {
  return combine({ currency: 'EUR', observations, rule: { ...rule, ...changes }, nowMs: NOW_MS });
}

function priceOf(combined: Combined): bigint | undefined {
  return combined.ok ? combined.rate.pricePerBtcE8 : undefined;
}

test('the price is the median; of an even number it is the mean of the middle two, rounded down', () => {
  expect(priceOf(run(seen([1000, 1010, 1005])))).toBe(1005n);
  expect(priceOf(run(seen([1000, 1001])))).toBe(1000n);
  expect(priceOf(run(seen([1003, 1000, 1010, 1006])))).toBe(1004n);
});

test('the age limit is inclusive, and one millisecond later an observation is stale', () => {
  expect(run(seen([1000, 1000], NOW_MS - 60_000)).ok).toBe(true);
  const late = run(seen([1000, 1000], NOW_MS - 60_001));
  expect(late).toMatchObject({ ok: false, code: 'too_few_sources' });
  expect(late.rejected.map((r) => r.reason)).toEqual([
    'stale: 60001 ms old, at most 60000 ms are allowed',
    'stale: 60001 ms old, at most 60000 ms are allowed',
  ]);
});

test('an observation from the future counts as none: the clock has jumped back', () => {
  const combined = run(seen([1000, 1000], NOW_MS + 1));
  expect(combined).toMatchObject({ ok: false, code: 'too_few_sources' });
  expect(combined.rejected[0]?.reason).toContain('the clock has jumped back');
});

test('a price that is not positive is dropped, never averaged in', () => {
  const combined = run(seen([0, -5, 1000, 1002]));
  expect(priceOf(combined)).toBe(1001n);
  expect(combined.rejected.map((r) => r.source)).toEqual(['source0', 'source1']);
});

test('a far outlier is left out and named', () => {
  const combined = run(seen([1000, 1004, 5000]));
  expect(priceOf(combined)).toBe(1002n);
  expect(combined.rejected).toEqual([
    { source: 'source2', reason: 'more than 200 basis points from the median' },
  ]);
  // Exactly at the limit is within it: 2 % of 1000 is 20.
  expect(priceOf(run(seen([1000, 1000, 1020])))).toBe(1000n);
  expect(run(seen([1000, 1000, 1020])).rejected).toEqual([]);
  expect(run(seen([1000, 1000, 1021])).rejected).toHaveLength(1);
});

test('when most sources are outliers there is no price, even if the rule wants one source only', () => {
  expect(run(seen([50, 100, 150]), { minSources: 1 })).toMatchObject({
    ok: false,
    code: 'sources_disagree',
  });
  expect(run(seen([1000, 1000, 2000, 2000]))).toMatchObject({
    ok: false,
    code: 'sources_disagree',
  });
  expect(run(seen([1000, 2000]))).toMatchObject({ ok: false, code: 'sources_disagree' });
});

test('one source repeated is one witness, and its newest word counts', () => {
  const observations = [
    { source: 'kraken', pricePerBtcE8: 1000n, observedAtMs: NOW_MS - 2 },
    { source: 'kraken', pricePerBtcE8: 1001n, observedAtMs: NOW_MS - 1 },
  ];
  expect(run(observations).ok).toBe(false);
  expect(priceOf(run(observations, { minSources: 1 }))).toBe(1001n);
});

test('the spread lowers the price of a bitcoin, rounding down: never against the merchant', () => {
  expect(priceOf(run(seen([10_000, 10_000]), { spreadBps: 100 }))).toBe(9_900n);
  expect(priceOf(run(seen([101, 101]), { spreadBps: 100 }))).toBe(99n);
  expect(run(seen([1, 1]), { spreadBps: 1 }).ok).toBe(false);
});

const prices = fc.array(fc.bigInt({ min: 1n, max: 10n ** 18n }), { minLength: 1, maxLength: 9 });

test('without a spread the price lies between the prices used, and enough are used', () => {
  fc.assert(
    fc.property(prices, fc.integer({ min: 1, max: 4 }), (values, minSources) => {
      const combined = run(seen(values), { minSources });
      if (!combined.ok) return;
      const used = combined.used.map((o) => o.pricePerBtcE8);
      expect(used.length).toBeGreaterThanOrEqual(minSources);
      expect(2 * used.length).toBeGreaterThan(values.length);
      expect(used.some((p) => p <= combined.rate.pricePerBtcE8)).toBe(true);
      expect(used.some((p) => p >= combined.rate.pricePerBtcE8)).toBe(true);
      expect(used.length + combined.rejected.length).toBe(values.length);
    }),
  );
});

test('a lying minority cannot move the price out of what the honest majority says', () => {
  const honest = fc.array(fc.bigInt({ min: 100_000n, max: 101_000n }), {
    minLength: 3,
    maxLength: 5,
  });
  const liars = fc.array(fc.bigInt({ min: 1n, max: 10n ** 18n }), { maxLength: 2 });
  fc.assert(
    fc.property(honest, liars, (truth, lies) => {
      const price = priceOf(run(seen([...lies, ...truth])));
      expect(price).toBeDefined();
      if (price === undefined) return;
      expect(price >= truth.reduce((a, b) => (a < b ? a : b))).toBe(true);
      expect(price <= truth.reduce((a, b) => (a > b ? a : b))).toBe(true);
    }),
  );
});

test('the order in which sources answer changes nothing', () => {
  fc.assert(
    fc.property(prices, (values) => {
      const forth = seen(values);
      expect(priceOf(run([...forth].reverse()))).toBe(priceOf(run(forth)));
    }),
  );
});
