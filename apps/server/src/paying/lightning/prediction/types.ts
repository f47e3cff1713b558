import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';

/** An attempt that has ended, as prediction learns from it. Times are milliseconds since 1970. */
export type AttemptRecord = {
  /**
   * Whom it was for, always written the same way: the recipient's node id, or the Lightning address
   * where there is one.
   */
  readonly destination: string;
  readonly amountMsat: Msats;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: 'succeeded' | LightningFailureClass;
  /** What it cost; null unless it succeeded. */
  readonly feeMsat: Msats | null;
  /** The short channel id that failed, where the node told. */
  readonly failedAt: string | null;
  /** Channels that it passed, where the node told. */
  readonly passed?: readonly string[];
};

/**
 * - overall: first attempts by amount, whoever got them
 * - retry: attempts after a failure, by its class and by how long ago it was
 * - destination: first attempts to one recipient by amount; band -1 keeps what happened last
 * - destination_retry: attempts to one recipient after a failure there, by amount
 * - channel: what a channel has passed and refused
 */
export const bucketScopes = [
  'overall',
  'retry',
  'destination',
  'destination_retry',
  'channel',
] as const;
export type BucketScope = (typeof bucketScopes)[number];

/** The band of a bucket that is not divided by amount or time. */
export const ANY_BAND = -1;

/**
 * What is kept of many attempts: one row of `prediction_bucket`, unique by scope, key and band. The
 * weights have decayed up to `updatedAtMs` and go on decaying from there (bucket.ts).
 */
export type PredictionBucket = {
  readonly scope: BucketScope;
  readonly key: string;
  readonly band: number;
  readonly successes: number;
  readonly failures: number;
  readonly updatedAtMs: number;
  /** The highest fee of late, in millionths of the amount; 0 when none is known. */
  readonly peakFeePpm: number;
  readonly lastPassedMsat: Msats | null;
  readonly lastPassedAtMs: number | null;
  readonly lastFailedMsat: Msats | null;
  readonly lastFailedAtMs: number | null;
  readonly lastFailureClass: LightningFailureClass | null;
};

/** Buckets by `bucketId`. What is not there has never been seen. */
export type Buckets = Pick<ReadonlyMap<string, PredictionBucket>, 'get'>;

export function bucketId(scope: BucketScope, key: string, band: number): string {
  return `${scope}|${key}|${band}`;
}
