import { completeLightningStrategy } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../strategies/index.ts';
import { advise } from './advise.ts';
import { adviseStrategy } from './advise-strategy.ts';
import { attemptOrder } from './attempt-order.ts';
import { observeAll } from './observe.ts';
import { presentEstimate } from './present.ts';
import { anyRecords, MINUTE_MS, record, repeated, START_MS } from './test-attempts.ts';

const amountMsat = 100_000_000n;
const tiered = completeLightningStrategy({ kind: 'tiered' });

test('what is left has at least the chance of its first attempt, and none has none', () => {
  fc.assert(
    fc.property(anyRecords, fc.integer({ min: 1, max: 20 }), (records, count) => {
      const buckets = observeAll(records);
      const atMs = (records.at(-1)?.endedAtMs ?? START_MS) + MINUTE_MS;
      const planned = Array.from({ length: count }, (_, i) => atMs + i * 10 * MINUTE_MS);
      const about = { destination: 'r0', amountMsat, atMs };
      const before = structuredClone(buckets);
      const { probability, remainingChance } = advise(buckets, { ...about, plannedAtMs: planned });
      expect(remainingChance).toBeGreaterThanOrEqual(probability - 1e-9);
      expect(remainingChance).toBeLessThanOrEqual(1);
      expect(advise(buckets, { ...about, plannedAtMs: [] }).remainingChance).toBe(0);
      // What it imagines stays imagined.
      expect(buckets).toEqual(before);
    }),
  );
});

test('a payment without history is sent as if there were no prediction', () => {
  const history = { startedAtMs: START_MS, attempts: [], requestedAtMs: null };
  const facts = { destination: 'r0', amountMsat, expiresAtMs: null, nowMs: START_MS };
  const advice = adviseStrategy(new Map(), tiered, history, facts);
  expect(advice).toMatchObject({ confidence: 0, feeBudgetMsat: null, waitMs: null });
  const quote = { amountMsat, maxFeeMsat: 500n, expiresAtMs: null, sendableMsat: null };
  expect(decide(tiered, history, START_MS, { ...quote, advice })).toMatchObject({
    ...{ action: 'send', feeBudgetMsat: 500n },
  });
});

test('who can not be reached is given up after fewer attempts, and the next one after one', () => {
  const buckets = observeAll(repeated(60, 4 * 3_600_000, { outcome: 'no_route' }));
  const nowMs = START_MS + 61 * 4 * 3_600_000;
  const failed = { startedAtMs: nowMs, endedAtMs: nowMs, failureClass: 'no_route' as const };
  const attempts = [{ ...failed, feeLimitMsat: 500n }];
  const history = { startedAtMs: nowMs, attempts, requestedAtMs: null };
  const after = observeAll([record({ ...failed, outcome: 'no_route' })], buckets);
  const expiresAtMs = nowMs + 20 * MINUTE_MS;
  const facts = { destination: 'r0', amountMsat, expiresAtMs, nowMs };
  const advice = adviseStrategy(after, tiered, history, facts);
  const strict = { ...tiered, prediction: { ...tiered.prediction, giveUpBelowPercent: 10 } };
  const quote = { amountMsat, maxFeeMsat: 500n, expiresAtMs, sendableMsat: null };
  expect(decide(strict, history, nowMs, { ...quote, advice })).toMatchObject({
    ...{ action: 'give_up', reason: 'unlikely' },
  });
});

test('a fee budget has room above what was paid, and needs more than one payment', () => {
  const at = (records: Parameters<typeof observeAll>[0]) =>
    advise(observeAll(records), {
      ...{ destination: 'r0', amountMsat, atMs: START_MS + 10 * MINUTE_MS, plannedAtMs: [] },
    }).feeBudgetMsat;
  expect(at([record()])).toBeNull();
  // 1,000 ppm were paid; three times that, and one.
  expect(at(repeated(5, MINUTE_MS))).toBe(300_001n);
  expect(at(repeated(5, MINUTE_MS, { feeMsat: 0n }))).toBe(2_000n);
});

test('an estimate is presented with what a person needs, rounded', () => {
  const buckets = observeAll(repeated(3, 10 * MINUTE_MS, { outcome: 'peer_offline' }));
  const nowMs = START_MS + 25 * MINUTE_MS;
  const about = { destination: 'r0', amountMsat, nowMs };
  const advice = advise(buckets, { ...about, atMs: nowMs, plannedAtMs: [] });
  const shown = presentEstimate(advice, about);
  expect(shown).toMatchObject({
    afterFailure: { failureClass: 'peer_offline', secondsAgo: 298 },
    amountMsat: '100000000',
    at: new Date(nowMs).toISOString(),
  });
  expect(Date.parse(shown.worthTryingAt ?? '')).toBeGreaterThanOrEqual(nowMs);
  expect(shown.sentence).toContain('offline');
});

test('the likely go before the unlikely, those passed over before all, and none is lost', () => {
  const waiting = fc.record({
    dueAtMs: fc.integer({ min: START_MS - 300_000, max: START_MS }),
    expiresAtMs: fc.option(fc.integer({ min: START_MS, max: START_MS + 1_000_000 })),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(waiting), (due) => {
      const ordered = attemptOrder(due, START_MS);
      expect(new Set(ordered)).toEqual(new Set(due));
      expect(ordered).toHaveLength(due.length);
      const ranks = ordered.map(({ dueAtMs, probability }) => {
        if (START_MS - dueAtMs > 120_000) return probability >= 0.5 ? 0 : 1;
        return probability >= 0.5 ? 2 : 3;
      });
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    }),
  );
});
