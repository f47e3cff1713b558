import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backtest, calibrationOf } from './backtest.ts';
import { estimate } from './estimate.ts';
import { presentCalibration } from './present.ts';
import { anyRecords, MINUTE_MS, record, START_MS } from './test-attempts.ts';
import type { AttemptRecord } from './types.ts';

test('the Brier score is the mean squared error, and the table adds up', () => {
  const judged = [
    { probability: 0.95, baseRate: 0.5, success: true },
    { probability: 0.91, baseRate: 0.5, success: false },
    { probability: 0.2, baseRate: 0.5, success: false },
  ];
  const { brier, baseRateBrier, reliability } = calibrationOf(judged);
  expect(brier).toBeCloseTo((0.05 ** 2 + 0.91 ** 2 + 0.2 ** 2) / 3, 12);
  expect(baseRateBrier).toBeCloseTo(0.25, 12);
  expect(reliability).toMatchObject([
    { from: 0.2, count: 1, observed: 0 },
    { from: 0.9, count: 2, observed: 0.5 },
  ]);
  expect(reliability[1]?.predicted).toBeCloseTo(0.93, 12);
});

test('it judges every telling attempt once, whatever their order', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const result = backtest(records);
      expect(result.reliability.reduce((sum, { count }) => sum + count, 0)).toBe(result.attempts);
      expect(result.attempts).toBeLessThanOrEqual(records.length);
      expect(result.brier).toBeGreaterThanOrEqual(0);
      expect(result.brier).toBeLessThanOrEqual(1);
    }),
  );
});

test('it predicts from what had ended before, never from what came after', () => {
  const failed = record({ outcome: 'no_route', endedAtMs: START_MS + MINUTE_MS });
  const meanwhile = record({ startedAtMs: START_MS + 1_000, outcome: 'no_route' });
  const unknown = estimate(new Map(), { ...failed, atMs: START_MS }).probability;
  expect(backtest([meanwhile, failed]).brier).toBeCloseTo(unknown ** 2, 12);
  // The same attempt a minute after the first has ended is seen to be unlikely.
  const after = record({ startedAtMs: START_MS + 2 * MINUTE_MS, outcome: 'no_route' });
  expect(backtest([after, failed]).brier).toBeLessThan(unknown ** 2 / 1.5);
});

test('where recipients differ it is calibrated, and better than the plain rate', () => {
  const records = differingRecipients(3_000);
  const { brier, baseRateBrier, calibrationError } = backtest(records);
  expect(calibrationError).toBeLessThan(0.05);
  expect(brier).toBeLessThan(baseRateBrier * 0.8);
});

test('the calibration is told with its range, and says when there is too little', () => {
  const records = differingRecipients(200);
  const shown = presentCalibration(records, backtest(records));
  expect(shown).toMatchObject({ attempts: 200, from: new Date(START_MS).toISOString() });
  expect(shown.sentence).toContain('Over 200 attempts');
  const none = presentCalibration([], backtest([]));
  expect(none).toMatchObject({ attempts: 0, from: null, brierScore: null, reliability: [] });
  expect(none.sentence).toContain('too few');
});

/** Half of the recipients get nearly everything, half hardly anything; hours lie between attempts. */
function differingRecipients(count: number): AttemptRecord[] {
  let state = 7;
  const share = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
  return Array.from({ length: count }, (_, n) => {
    const recipient = Math.floor(share() * 20);
    const succeeds = share() < (recipient % 2 === 0 ? 0.9 : 0.1);
    return record({
      destination: `r${recipient}`,
      startedAtMs: START_MS + n * 20 * MINUTE_MS,
      outcome: succeeds ? 'succeeded' : 'insufficient_capacity',
    });
  });
}
