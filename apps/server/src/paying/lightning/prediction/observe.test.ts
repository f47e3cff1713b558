import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amountBand, ELAPSED_BANDS, elapsedBand, elapsedBandStartMs } from './bands.ts';
import { weightsAt } from './bucket.ts';
import { isTelling, learn, observe, observeAll } from './observe.ts';
import { anyRecords, MINUTE_MS, record, repeated, START_MS } from './test-attempts.ts';
import { type AttemptRecord, bucketId, type PredictionBucket } from './types.ts';

const DAY_MS = 86_400_000;

/** As a database keeps a row: nothing of the object survives but its fields. */
function stored(bucket: PredictionBucket): PredictionBucket {
  const text = JSON.stringify(bucket, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as PredictionBucket;
}

test('learning one attempt at a time from stored rows is the same as all at once', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const rows = new Map<string, PredictionBucket>();
      for (const one of records) {
        for (const bucket of observe(rows, one)) {
          rows.set(bucketId(bucket.scope, bucket.key, bucket.band), stored(bucket));
        }
      }
      expect(rows).toEqual(observeAll(records));
    }),
  );
});

test('weights are the decayed counts of the attempts themselves', () => {
  fc.assert(
    fc.property(anyRecords, fc.integer({ min: 0, max: 30 }), (records, days) => {
      const buckets = observeAll(records);
      const atMs = START_MS + 400 * DAY_MS + days * DAY_MS;
      for (const destination of ['r0', 'r1', 'r2', 'r3']) {
        const sum = { successes: 0, failures: 0 };
        for (const one of records.filter(isTelling)) {
          if (one.destination !== destination) continue;
          // Seven days: the half-life of what is known of recipients.
          const weight = 2 ** (-(atMs - one.endedAtMs) / (7 * DAY_MS));
          sum[one.outcome === 'succeeded' ? 'successes' : 'failures'] += weight;
        }
        const seen = weightsAt(buckets.get(bucketId('destination', destination, -1)), atMs);
        expect(seen.successes).toBeCloseTo(sum.successes, 9);
        expect(seen.failures).toBeCloseTo(sum.failures, 9);
      }
    }),
  );
});

test('every telling attempt counts once as a first one or as a retry', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      for (const [i, one] of records.entries()) {
        const scopes = observe(observeAll(records.slice(0, i)), one).map(({ scope }) => scope);
        const general = scopes.filter((scope) => scope === 'overall' || scope === 'retry');
        expect(general).toHaveLength(isTelling(one) ? 1 : 0);
      }
    }),
  );
});

test('an attempt reads and writes no bucket of another recipient or channel', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const buckets = observeAll(records.slice(0, -1));
      const last = records.at(-1);
      if (last === undefined) return;
      const isOwn = (id: string) => {
        const [scope, key] = id.split('|');
        if (scope === 'overall' || scope === 'retry') return true;
        return scope === 'channel' ? key === last.failedAt : key === last.destination;
      };
      const watched = {
        get(id: string) {
          expect(isOwn(id), id).toBe(true);
          return buckets.get(id);
        },
      };
      for (const { scope, key, band } of observe(watched, last)) {
        expect(isOwn(bucketId(scope, key, band))).toBe(true);
      }
    }),
  );
});

test('memory does not grow with history', () => {
  const buckets = new Map<string, PredictionBucket>();
  const outcomes = ['succeeded', 'no_route', 'peer_offline'] as const;
  const sizes: number[] = [];
  for (let n = 0; n < 6_000; n++) {
    learn(
      buckets,
      record({
        destination: `r${n % 7}`,
        amountMsat: BigInt(1 + ((n * 7_919) % 1_000)) * 1_000_000n,
        startedAtMs: START_MS + n * MINUTE_MS,
        outcome: outcomes[(n * 31) % 3] ?? 'succeeded',
      }),
    );
    if (n % 2_000 === 1_999) sizes.push(buckets.size);
  }
  // A row for each recipient and amount band, each failure class and time band, and no more.
  expect(sizes[2]).toBeLessThan((sizes[0] ?? 0) + 20);
  expect(sizes[2]).toBeLessThan(200);
});

test('our own failures and those of one invoice say nothing about the recipient', () => {
  const silent = ['node_unavailable', 'insufficient_local_balance', 'expired', 'already_paid'];
  for (const outcome of silent as AttemptRecord['outcome'][]) {
    expect(observe(new Map(), record({ outcome }))).toEqual([]);
  }
});

test('failures close to each other weigh less than ones apart', () => {
  const failed = { outcome: 'no_route' } as const;
  const weight = (everyMs: number) => {
    const records = repeated(10, everyMs, failed);
    const buckets = observeAll(records);
    const bucket = buckets.get(bucketId('destination_retry', 'r0', amountBand(100_000_000n)));
    return bucket?.failures ?? 0;
  };
  expect(weight(5_000)).toBeLessThan(1.5);
  expect(weight(15 * MINUTE_MS)).toBeGreaterThan(6);
});

test('bands grow with what they measure, and begin where they say', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (amountMsat) => {
      expect(amountBand(amountMsat * 4n)).toBeGreaterThanOrEqual(amountBand(amountMsat));
      expect(amountBand(amountMsat)).toBeLessThan(14);
    }),
  );
  expect([0n, 3_999n, 4_000n, 16_000n].map(amountBand)).toEqual([0, 0, 1, 2]);
  for (let band = 0; band < ELAPSED_BANDS; band++) {
    expect(elapsedBand(elapsedBandStartMs(band))).toBe(band);
  }
});
