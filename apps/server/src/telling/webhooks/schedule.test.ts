import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_ATTEMPTS, REST_AFTER_FAILURES, restMs, retryDelayMs } from './schedule.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const HOUR_MS = 3_600_000;

test('every attempt but the last is followed by a wait between 4 s and 7.2 h', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), chance, (attempt, luck) => {
      const delay = retryDelayMs(attempt, luck);
      if (attempt >= MAX_ATTEMPTS) return delay === undefined;
      return delay !== undefined && delay >= 4_000 && delay <= 7.2 * HOUR_MS;
    }),
  );
});

test('whatever the jitter, all attempts together span between 2 and 4 days', () => {
  fc.assert(
    fc.property(fc.array(chance, { minLength: MAX_ATTEMPTS, maxLength: MAX_ATTEMPTS }), (lucks) => {
      const total = lucks.reduce((sum, luck, i) => sum + (retryDelayMs(i + 1, luck) ?? 0), 0);
      return total > 48 * HOUR_MS && total < 96 * HOUR_MS;
    }),
  );
  let nominal = 0;
  for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++)
    nominal += retryDelayMs(attempt, 0.5) ?? Number.NaN;
  expect(nominal / HOUR_MS).toBeGreaterThan(68);
  expect(nominal / HOUR_MS).toBeLessThan(76);
});

test('waits and rests never shrink as failures go on, and jitter keeps within a fifth', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), chance, (n, luck) => {
      const [now, next] = [retryDelayMs(n, luck), retryDelayMs(n + 1, luck)];
      if (now !== undefined && next !== undefined) {
        expect(next).toBeGreaterThanOrEqual(now);
        const middle = retryDelayMs(n, 0.5) ?? 0;
        expect(Math.abs(now - middle)).toBeLessThanOrEqual(middle * 0.2 + 1);
      }
      expect(restMs(n + 1, luck)).toBeGreaterThanOrEqual(restMs(n, luck));
      expect(restMs(n, luck)).toBeLessThanOrEqual(1.2 * HOUR_MS);
      expect(restMs(n, luck) > 0).toBe(n >= REST_AFTER_FAILURES);
    }),
  );
});
