import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeEstimate } from './describe.ts';
import { estimate } from './estimate.ts';
import { observeAll } from './observe.ts';
import { anyRecords, MINUTE_MS, record, repeated, START_MS } from './test-attempts.ts';

const amountMsat = 100_000_000n;
const anyAmount = fc.bigInt({ min: 1n, max: 10n ** 13n });
const later = fc.integer({ min: 0, max: 1_000_000_000 });

test('an estimate is a probability that is never certain', () => {
  fc.assert(
    fc.property(anyRecords, anyAmount, later, (records, amount, afterMs) => {
      const buckets = observeAll(records);
      const atMs = (records.at(-1)?.endedAtMs ?? START_MS) + afterMs;
      const about = { destination: 'r1', amountMsat: amount, atMs };
      const { probability, confidence } = estimate(buckets, about);
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThan(1);
    }),
  );
});

test('without history nothing is known, and a larger amount is less likely', () => {
  const at = (amount: bigint) =>
    estimate(new Map(), { destination: 'r0', amountMsat: amount, atMs: START_MS });
  expect(at(1_000n).confidence).toBe(0);
  expect(at(1_000_000n).probability).toBeGreaterThan(0.95);
  expect(at(1_000_000_000n).probability).toBeLessThan(at(1_000_000n).probability);
});

test('a success makes the next of its size likelier, a failure less likely', () => {
  fc.assert(
    fc.property(anyRecords, fc.integer({ min: 0, max: 3 }), (records, n) => {
      const destination = `r${n}`;
      const atMs = (records.at(-1)?.endedAtMs ?? START_MS) + MINUTE_MS;
      const ask = { destination, amountMsat, atMs: atMs + 3_000 };
      const before = estimate(observeAll(records), ask);
      const one = { destination, amountMsat, startedAtMs: atMs, endedAtMs: atMs + 2_000 };
      const success = observeAll([...records, record(one)]);
      const failure = observeAll([...records, record({ ...one, outcome: 'no_route' })]);
      expect(estimate(success, ask).probability).toBeGreaterThan(
        estimate(failure, ask).probability,
      );
      expect(estimate(failure, ask).confidence).toBeGreaterThanOrEqual(before.confidence * 0.5);
    }),
  );
});

test('after a failure patience helps, by and by', () => {
  const buckets = observeAll([...repeated(5, 86_400_000 / 4), failedAt(START_MS + 2 * 86_400_000)]);
  const chances = [1, 5, 30, 120, 600].map((minutes) => {
    const atMs = START_MS + 2 * 86_400_000 + minutes * MINUTE_MS;
    return estimate(buckets, { destination: 'r0', amountMsat, atMs }).probability;
  });
  expect(chances).toEqual(chances.toSorted((a, b) => a - b));
  expect(chances[0]).toBeLessThan(0.3);
  expect(chances[4]).toBeGreaterThan(0.4);
});

test('who has never been reached becomes unlikely; a small payment says little about a large one', () => {
  const hidden = observeAll(repeated(10, 20 * MINUTE_MS, { outcome: 'no_route' }));
  const atMs = START_MS + 240 * MINUTE_MS;
  expect(estimate(hidden, { destination: 'r0', amountMsat, atMs }).probability).toBeLessThan(0.1);
  // Somebody else is not touched by that retries there have failed.
  const other = estimate(hidden, { destination: 'other', amountMsat, atMs });
  expect(other.context.kind).toBe('first');
  const small = observeAll(repeated(10, MINUTE_MS, { amountMsat: 1_000_000n }));
  const large = { destination: 'r0', amountMsat: 2_000_000_000n, atMs };
  const tiny = { destination: 'r0', amountMsat: 1_000_000n, atMs };
  expect(estimate(small, tiny).probability).toBeGreaterThan(0.9);
  expect(estimate(small, large).probability).toBeLessThan(0.8);
});

test('a channel on the way that has just refused makes it unlikely', () => {
  const buckets = observeAll([record({ outcome: 'insufficient_capacity', failedAt: '1x1x1' })]);
  const ask = { destination: 'other', amountMsat, atMs: START_MS + 10_000 };
  const via = ['1x1x1'];
  expect(estimate(buckets, { ...ask, via }).probability).toBeLessThan(
    estimate(buckets, ask).probability / 2,
  );
  const unknown = ['9x9x9'];
  expect(estimate(buckets, { ...ask, via: unknown })).toEqual(estimate(buckets, ask));
});

test('a person is told in words, with no raw number in them', () => {
  fc.assert(
    fc.property(anyRecords, anyAmount, later, (records, amount, afterMs) => {
      const atMs = (records.at(-1)?.endedAtMs ?? START_MS) + afterMs;
      const about = { destination: 'r1', amountMsat: amount, atMs };
      const sentence = describeEstimate(estimate(observeAll(records), about));
      expect(sentence).toMatch(/^[A-Z0-9].*\.$/);
      expect(sentence).not.toMatch(/NaN|undefined|null|\d\.\d/);
    }),
  );
  const about = { destination: 'r0', amountMsat, atMs: START_MS + 241_000 };
  expect(describeEstimate(estimate(new Map(), about))).toContain('Nothing is known');
  expect(describeEstimate(estimate(observeAll([failedAt(START_MS)]), about))).toContain(
    'failed 4 min ago: no path led to the recipient',
  );
});

function failedAt(startedAtMs: number) {
  return record({ startedAtMs, endedAtMs: startedAtMs + 1_000, outcome: 'no_route' });
}
