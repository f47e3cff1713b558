import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addAmount,
  addPayment,
  bucketOf,
  compareAmount,
  EMPTY_SKETCH,
  MAX_BUCKETS,
  NO_ACTIVITY,
  readActivity,
} from './history.ts';

const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 14n }), { minLength: 1, maxLength: 200 });
const sketchOf = (list: readonly bigint[]) => list.reduce(addAmount, EMPTY_SKETCH);
const sorted = (list: readonly bigint[]) => list.toSorted((a, b) => (a < b ? -1 : 1));

test('buckets grow with the amount, are a 32nd of an octave wide, and are bounded', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 62n }), (minor) => {
      expect(bucketOf(minor + 1n)).toBeGreaterThanOrEqual(bucketOf(minor));
      // One part in 32 more is another bucket; one part in 64 is at most the next one.
      if (minor >= 32n) {
        expect(bucketOf(minor + minor / 32n + 1n)).toBeGreaterThan(bucketOf(minor));
        expect(bucketOf(minor + minor / 64n)).toBeLessThanOrEqual(bucketOf(minor) + 1);
      }
    }),
  );
  expect(bucketOf(2n ** 63n - 1n)).toBeLessThan(MAX_BUCKETS);
});

test('the median of the sketch is the true one to a 32nd, whatever the amounts', () => {
  fc.assert(
    fc.property(amounts, (list) => {
      const { medianMinor } = compareAmount(sketchOf(list), 1n);
      const exact = sorted(list)[Math.ceil(list.length / 2) - 1] ?? 0n;
      const found = BigInt(medianMinor ?? '-1');
      expect(found <= exact && exact - found <= exact / 32n).toBe(true);
    }),
  );
});

test('the plain z-score is that of the textbook', () => {
  fc.assert(
    fc.property(amounts, fc.bigInt({ min: 1n, max: 10n ** 14n }), (list, amount) => {
      const { plainZ } = compareAmount(sketchOf(list), amount);
      const numbers = list.map(Number);
      const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
      const squares = numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0);
      const deviation = Math.sqrt(squares / (numbers.length - 1));
      if (plainZ === null) {
        expect(numbers.length < 2 || deviation < 1e-3).toBe(true);
        return;
      }
      const exact = Math.max(
        -99_999,
        Math.min(99_999, (100 * (Number(amount) - mean)) / deviation),
      );
      // Floating point loses digits where amounts differ little; the sketch does not.
      expect(Math.abs(plainZ - exact)).toBeLessThan(2 + Math.abs(exact) / 1_000);
    }),
  );
});

test('a plain z-score with ten payments never passes 3, however absurd one of them is', () => {
  for (const absurd of [10n ** 3n, 10n ** 6n, 10n ** 12n]) {
    const ten = sketchOf([100n, 101n, 99n, 100n, 102n, 98n, 100n, 101n, 99n, absurd]);
    expect(Math.abs(compareAmount(ten, absurd).plainZ ?? 0)).toBeLessThanOrEqual(300);
    expect(compareAmount(ten, absurd).robustZ ?? 0).toBeGreaterThan(300);
  }
});

test('one large payment does not hide the next one from the robust score', () => {
  const usual = Array.from({ length: 40 }, (_, i) => 1_000n + BigInt(i * 10));
  const poisoned = compareAmount(
    sketchOf([...usual, 10_000_000n, 9_000_000n, 9_500_000n]),
    9_900_000n,
  );
  expect(poisoned.robustZ ?? 0).toBeGreaterThan(600);
  // The plain score is much smaller: the deviation has swallowed it.
  expect(poisoned.plainZ ?? 0).toBeLessThan(400);
});

test('a store of one price finds a little more normal and twice as much unusual', () => {
  const same = sketchOf(Array.from({ length: 50 }, () => 2_500n));
  expect(compareAmount(same, 2_500n).robustZ).toBe(0);
  expect(compareAmount(same, 2_750n).robustZ ?? 999).toBeLessThanOrEqual(300);
  expect(compareAmount(same, 5_000n).robustZ ?? 0).toBeGreaterThan(300);
});

test('in another unit the same amounts are as usual, to the width of a bucket', () => {
  const cents = Array.from({ length: 60 }, (_, i) => BigInt(1_000 + 170 * i));
  const a = compareAmount(sketchOf(cents), 64_000n).robustZ ?? 0;
  const b = compareAmount(sketchOf(cents.map((each) => each * 10n)), 640_000n).robustZ ?? 0;
  expect(a).toBeGreaterThan(300);
  expect(Math.abs(a - b)).toBeLessThan(a / 8);
});

test('activity counts the last 24 hours and a usual day, and stays small for ever', () => {
  const hourMs = 3_600_000;
  let activity = NO_ACTIVITY;
  let usual: number | null = null;
  // Two payments an hour for 100 days: 48 a day.
  for (let hour = 0; hour < 100 * 24; hour++) {
    activity = addPayment(addPayment(activity, hour * hourMs), hour * hourMs + 1);
    const now = readActivity(activity, hour * hourMs + 2);
    if (hour >= 48) expect(now.last24h).toBe(48);
    usual = now.usualDay;
    expect(activity.hours.size).toBeLessThanOrEqual(24);
    expect(activity.days.size).toBeLessThanOrEqual(29);
  }
  expect(usual).toBe(48);
  const later = readActivity(activity, (100 * 24 + 30) * hourMs);
  expect(later.last24h).toBe(0);
});

test('before a whole day is over there is no usual day', () => {
  const first = addPayment(NO_ACTIVITY, 5_000);
  expect(readActivity(first, 6_000)).toEqual({ last24h: 1, usualDay: null });
});
