import { assert } from '@quittance/kernel';
import { type BucketScope, type PredictionBucket } from './types.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** After so long an observation counts half. A recipient's bad hour is over sooner than its habits. */
const HALF_LIFE_MS: Readonly<Record<BucketScope, number>> = {
  overall: 14 * DAY_MS,
  retry: 14 * DAY_MS,
  destination: 7 * DAY_MS,
  destination_retry: 12 * HOUR_MS,
  channel: DAY_MS,
};

/** By then less than a hundredth of the slowest evidence that hangs on recipients is left. */
export const FORGET_BUCKETS_AFTER_MS = 60 * DAY_MS;
/** Of one store: about 5,000 recipients of late. The longest untouched go first. */
export const MAX_BUCKETS = 20_000;

export function emptyBucket(
  scope: BucketScope,
  key: string,
  band: number,
  atMs: number,
): PredictionBucket {
  return {
    ...{ scope, key, band, successes: 0, failures: 0, updatedAtMs: atMs, peakFeePpm: 0 },
    ...{ lastPassedMsat: null, lastPassedAtMs: null },
    ...{ lastFailedMsat: null, lastFailedAtMs: null, lastFailureClass: null },
  };
}

export type Weights = { readonly successes: number; readonly failures: number };

/** What a bucket weighs at a time; nothing for one that does not exist. */
export function weightsAt(bucket: PredictionBucket | undefined, atMs: number): Weights {
  if (bucket === undefined) return { successes: 0, failures: 0 };
  const share = decay(bucket.scope, atMs - bucket.updatedAtMs);
  return { successes: bucket.successes * share, failures: bucket.failures * share };
}

/** Adds an observation. Older ones may come late: they add what would be left of them by now. */
export function addWeight(
  bucket: PredictionBucket,
  atMs: number,
  added: Weights,
): PredictionBucket {
  assert(added.successes >= 0 && added.failures >= 0, 'a weight is not negative');
  const updatedAtMs = Math.max(bucket.updatedAtMs, atMs);
  const kept = weightsAt(bucket, updatedAtMs);
  const share = decay(bucket.scope, updatedAtMs - atMs);
  return {
    ...bucket,
    updatedAtMs,
    peakFeePpm: bucket.peakFeePpm * decay(bucket.scope, updatedAtMs - bucket.updatedAtMs),
    successes: kept.successes + added.successes * share,
    failures: kept.failures + added.failures * share,
  };
}

function decay(scope: BucketScope, elapsedMs: number): number {
  return 2 ** (-Math.max(0, elapsedMs) / HALF_LIFE_MS[scope]);
}
