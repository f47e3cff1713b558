import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import { weightsAt } from './bucket.ts';
import { ANY_BAND, type Buckets, bucketId, type PredictionBucket } from './types.ts';

const DAY_MS = 86_400_000;
/**
 * After so long a failure says nothing of its own any more about the next attempt. Of somebody who
 * was never reached it is all that there is to know.
 */
const FAILURE_MATTERS_MS = { paidBefore: DAY_MS, neverPaid: 7 * DAY_MS };
/** A payment smaller than a quarter of what failed is another question. */
const ALIKE = 4n;
/** So much of a success has to be left for a recipient to count as one that was paid before. */
const PAID_BEFORE = 0.25;

/** Whether an attempt is a first one, or follows a failure at the same recipient. */
export type AttemptContext =
  | { readonly kind: 'first' }
  | {
      readonly kind: 'retry';
      readonly failureClass: LightningFailureClass;
      readonly elapsedMs: number;
      readonly paidBefore: boolean;
    };

export function contextOf(
  buckets: Buckets,
  { destination, amountMsat, atMs }: { destination: string; amountMsat: Msats; atMs: number },
): AttemptContext {
  const last = lastOf(buckets, destination);
  if (last === undefined || last.lastFailedAtMs === null) return { kind: 'first' };
  const { lastFailedMsat, lastFailureClass: failureClass } = last;
  if (lastFailedMsat === null || failureClass === null) return { kind: 'first' };
  const elapsedMs = Math.max(0, atMs - last.lastFailedAtMs);
  const paidBefore = weightsAt(last, atMs).successes >= PAID_BEFORE;
  const mattersMs = FAILURE_MATTERS_MS[paidBefore ? 'paidBefore' : 'neverPaid'];
  if (elapsedMs > mattersMs || !isAlike(amountMsat, lastFailedMsat)) return { kind: 'first' };
  return { kind: 'retry', failureClass, elapsedMs, paidBefore };
}

/** Failures are counted apart for recipients who were paid of late and for those who never were. */
export function retryKey({
  failureClass,
  paidBefore,
}: {
  failureClass: LightningFailureClass;
  paidBefore: boolean;
}): string {
  return `${failureClass}:${paidBefore ? 'paid_before' : 'never_paid'}`;
}

/** What happened last at a recipient. */
export function lastOf(buckets: Buckets, destination: string): PredictionBucket | undefined {
  return buckets.get(bucketId('destination', destination, ANY_BAND));
}

export function isAlike(amountMsat: Msats, failedMsat: Msats): boolean {
  return amountMsat * ALIKE >= failedMsat;
}
