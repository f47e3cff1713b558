import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import { amountBand, elapsedBand } from './bands.ts';
import { addWeight, emptyBucket } from './bucket.ts';
import { contextOf, isAlike, retryKey } from './context.ts';
import {
  ANY_BAND,
  type AttemptRecord,
  type BucketScope,
  type Buckets,
  bucketId,
  type PredictionBucket,
} from './types.ts';

/** Attempts close to each other see the same state of things: the second says little new. */
const FULL_WEIGHT_AFTER_MS = 600_000;
const LEAST_WEIGHT = 0.1;

/**
 * Failures that say something about the way to the recipient. The others are our own, or of this one
 * invoice.
 */
const telling: ReadonlySet<LightningFailureClass> = new Set([
  'no_route',
  'insufficient_capacity',
  'fee_limit',
  'peer_offline',
  'timeout_unknown',
  'not_resolved',
]);

export function isTelling({ outcome }: Pick<AttemptRecord, 'outcome'>): boolean {
  return outcome === 'succeeded' || telling.has(outcome);
}

/**
 * What an attempt that has ended changes: the buckets to write, in full. `buckets` has to hold those
 * of `overall` and `retry`, and those of the record's recipient and channels; none of the others is
 * looked at, so memory does not grow with history.
 */
export function observe(buckets: Buckets, record: AttemptRecord): PredictionBucket[] {
  if (!isTelling(record)) return [];
  const { destination, amountMsat, startedAtMs, endedAtMs } = record;
  const change = (scope: BucketScope, key: string, band: number, weight: number) => {
    const before = buckets.get(bucketId(scope, key, band));
    return addWeight(before ?? emptyBucket(scope, key, band, endedAtMs), endedAtMs, {
      successes: record.outcome === 'succeeded' ? weight : 0,
      failures: record.outcome === 'succeeded' ? 0 : weight,
    });
  };
  const context = contextOf(buckets, { destination, amountMsat, atMs: startedAtMs });
  const last = withOutcome(change('destination', destination, ANY_BAND, 1), record);
  const channels = channelsOf(buckets, record);
  if (context.kind === 'first') {
    const band = amountBand(amountMsat);
    const overall = change('overall', '', band, 1);
    return [overall, change('destination', destination, band, 1), last, ...channels];
  }
  const news = Math.max(LEAST_WEIGHT, Math.min(1, context.elapsedMs / FULL_WEIGHT_AFTER_MS));
  const retry = change('retry', retryKey(context), elapsedBand(context.elapsedMs), 1);
  const own = change('destination_retry', destination, amountBand(amountMsat), news);
  return [retry, own, last, ...channels];
}

/** Takes up one attempt after another. */
export function observeAll(
  records: Iterable<AttemptRecord>,
  buckets: Map<string, PredictionBucket> = new Map(),
): Map<string, PredictionBucket> {
  for (const record of records) learn(buckets, record);
  return buckets;
}

/** As `observe`, written into the map. */
export function learn(buckets: Map<string, PredictionBucket>, record: AttemptRecord): void {
  for (const bucket of observe(buckets, record)) {
    buckets.set(bucketId(bucket.scope, bucket.key, bucket.band), bucket);
  }
}

function withOutcome(bucket: PredictionBucket, record: AttemptRecord): PredictionBucket {
  const { amountMsat, endedAtMs, outcome } = record;
  const failedAtMs = bucket.lastFailedAtMs ?? Number.NEGATIVE_INFINITY;
  const passedAtMs = bucket.lastPassedAtMs ?? Number.NEGATIVE_INFINITY;
  if (outcome !== 'succeeded') {
    // One that is told late does not undo what came after it.
    if (endedAtMs < failedAtMs || endedAtMs < passedAtMs) return bucket;
    return {
      ...bucket,
      ...{ lastFailedAtMs: endedAtMs, lastFailedMsat: amountMsat, lastFailureClass: outcome },
    };
  }
  const peakFeePpm = Math.max(bucket.peakFeePpm, feePpm(record));
  if (endedAtMs < passedAtMs) return { ...bucket, peakFeePpm };
  const passed = { lastPassedAtMs: endedAtMs, lastPassedMsat: amountMsat, peakFeePpm };
  const failed = bucket.lastFailedMsat;
  const isOver = failed !== null && endedAtMs >= failedAtMs && isAlike(amountMsat, failed);
  const none = { lastFailedAtMs: null, lastFailedMsat: null, lastFailureClass: null };
  return { ...bucket, ...passed, ...(isOver ? none : {}) };
}

function feePpm({ feeMsat, amountMsat }: AttemptRecord): number {
  if (feeMsat === null || amountMsat <= 0n) return 0;
  return Number((feeMsat * 1_000_000n) / amountMsat);
}

function channelsOf(buckets: Buckets, record: AttemptRecord): PredictionBucket[] {
  const passed = new Set(record.passed);
  const changed = [...passed].map((id) => channel(buckets, id, record, 'passed'));
  const { failedAt, outcome } = record;
  const hasFailed = failedAt !== null && outcome !== 'succeeded' && !passed.has(failedAt);
  return hasFailed ? [...changed, channel(buckets, failedAt, record, 'failed')] : changed;
}

function channel(
  buckets: Buckets,
  id: string,
  { amountMsat, endedAtMs }: { amountMsat: Msats; endedAtMs: number } & AttemptRecord,
  what: 'passed' | 'failed',
): PredictionBucket {
  const before = buckets.get(bucketId('channel', id, ANY_BAND));
  const bucket = addWeight(before ?? emptyBucket('channel', id, ANY_BAND, endedAtMs), endedAtMs, {
    successes: what === 'passed' ? 1 : 0,
    failures: what === 'failed' ? 1 : 0,
  });
  if (what === 'passed') {
    return endedAtMs < (bucket.lastPassedAtMs ?? Number.NEGATIVE_INFINITY)
      ? bucket
      : { ...bucket, lastPassedAtMs: endedAtMs, lastPassedMsat: amountMsat };
  }
  return endedAtMs < (bucket.lastFailedAtMs ?? Number.NEGATIVE_INFINITY)
    ? bucket
    : { ...bucket, lastFailedAtMs: endedAtMs, lastFailedMsat: amountMsat };
}
