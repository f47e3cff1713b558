import type { LightningFailureClass } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { OWN_PEER_CODES } from '../check-before-sending.ts';
import { type AttemptRecord, bucketId, type BucketScope, type PredictionBucket } from './types.ts';

/** An attempt that has ended and is not yet taken up. */
export type UnlearntAttempt = {
  readonly id: Uuid;
  readonly destination: string;
  /** Null for one that says nothing about its recipient, since it never left us. */
  readonly record: Omit<AttemptRecord, 'destination'> | null;
};

/** The first half of the key of our advisory locks, so that they meet no others. */
const LOCK_CLASS = 0x1ea7;

/** Stores with attempts to take up. */
export async function readMerchantsToLearn(tx: Tx, limit: number): Promise<Uuid[]> {
  const rows = await tx.query<{ merchant_id: Uuid }>(
    `SELECT DISTINCT merchant_id FROM lightning_attempt
      WHERE learnt_at IS NULL AND ended_at IS NOT NULL LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.merchant_id);
}

/** One learns for a store at a time; whoever does not get it leaves it to the other. */
export async function tryLearnLock(tx: Tx, merchantId: Uuid): Promise<boolean> {
  const { locked } = await tx.one<{ locked: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1::int, hashtext($2)) AS locked',
    [LOCK_CLASS, merchantId],
  );
  return locked;
}

type AttemptRow = {
  id: Uuid;
  destination: string;
  amount_msat: Msats;
  state: 'succeeded' | 'failed';
  sends: number;
  failure_class: LightningFailureClass | null;
  failure_code: string | null;
  failure_at: string | null;
  fee_msat: Msats | null;
  started_at: Date;
  ended_at: Date;
};

/**
 * Oldest first, of one store.
 * @param which.payoutId only this payout's
 */
export async function readUnlearnt(
  tx: Tx,
  which: { merchantId: Uuid; payoutId: Uuid | null; limit: number },
): Promise<UnlearntAttempt[]> {
  const rows = await tx.query<AttemptRow>(
    `SELECT a.id, p.destination, a.amount_msat, a.state, a.sends, a.failure_class, a.failure_code,
            a.failure_at, a.fee_msat, a.started_at, a.ended_at
       FROM lightning_attempt a
       JOIN payout p ON p.merchant_id = a.merchant_id AND p.id = a.payout_id
      WHERE a.merchant_id = $1 AND a.learnt_at IS NULL AND a.ended_at IS NOT NULL
        AND ($2::uuid IS NULL OR a.payout_id = $2)
      ORDER BY a.ended_at, a.id LIMIT $3`,
    [which.merchantId, which.payoutId, which.limit],
  );
  return rows.map((row) => ({ id: row.id, destination: row.destination, record: recordOf(row) }));
}

/** Short channel ids; other backends name a node, which is no channel. */
const CHANNEL_ID = /^\d{1,8}x\d{1,8}x\d{1,5}$/;

function recordOf(row: Omit<AttemptRow, 'destination'>): UnlearntAttempt['record'] {
  const { failure_class: failureClass, failure_at: failureAt } = row;
  // What was refused before it was sent is our own affair, but for an address without an answer.
  if (row.sends === 0 && failureClass !== 'not_resolved') return null;
  if (OWN_PEER_CODES.includes(row.failure_code ?? '')) return null;
  return {
    amountMsat: row.amount_msat,
    startedAtMs: row.started_at.getTime(),
    endedAtMs: row.ended_at.getTime(),
    outcome: failureClass ?? 'succeeded',
    feeMsat: row.fee_msat,
    failedAt: failureAt !== null && CHANNEL_ID.test(failureAt) ? failureAt : null,
  };
}

export async function markLearnt(
  tx: Tx,
  merchantId: Uuid,
  learnt: readonly { id: Uuid; recipient: string | null }[],
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt a SET learnt_at = $2, recipient = n.recipient
       FROM unnest($3::uuid[], $4::text[]) AS n (id, recipient)
      WHERE a.merchant_id = $1 AND a.id = n.id`,
    [
      ...[merchantId, new Date(nowMs)],
      ...[learnt.map(({ id }) => id), learnt.map(({ recipient }) => recipient)],
    ],
  );
}

/** The last attempts that were taken up, oldest first: what a backtest reads. */
export async function readRecords(
  tx: Tx,
  merchantId: Uuid,
  limit: number,
): Promise<AttemptRecord[]> {
  const rows = await tx.query<AttemptRow & { recipient: string }>(
    `SELECT id, recipient, amount_msat, state, sends, failure_class, failure_code, failure_at,
            fee_msat, started_at, ended_at
       FROM lightning_attempt
      WHERE merchant_id = $1 AND ended_at IS NOT NULL AND recipient IS NOT NULL
      ORDER BY ended_at DESC, id DESC LIMIT $2`,
    [merchantId, limit],
  );
  return rows.toReversed().flatMap((row) => {
    const record = recordOf(row);
    return record === null ? [] : [{ ...record, destination: row.recipient }];
  });
}

type BucketRow = {
  scope: BucketScope;
  key: string;
  band: number;
  successes: number;
  failures: number;
  peak_fee_ppm: number;
  last_passed_msat: Msats | null;
  last_passed_at: Date | null;
  last_failed_msat: Msats | null;
  last_failed_at: Date | null;
  last_failure_class: LightningFailureClass | null;
  updated_at: Date;
};

/** All that estimates for these recipients and channels look at: a few hundred rows. */
export async function readBuckets(
  tx: Tx,
  merchantId: Uuid,
  about: { recipients: readonly string[]; channels: readonly string[] },
): Promise<Map<string, PredictionBucket>> {
  const rows = await tx.query<BucketRow>(
    `SELECT scope, key, band, successes, failures, peak_fee_ppm, last_passed_msat, last_passed_at,
            last_failed_msat, last_failed_at, last_failure_class, updated_at
       FROM prediction_bucket
      WHERE merchant_id = $1
        AND (scope IN ('overall', 'retry')
          OR (scope IN ('destination', 'destination_retry') AND key = ANY ($2::text[]))
          OR (scope = 'channel' AND key = ANY ($3::text[])))`,
    [merchantId, about.recipients, about.channels],
  );
  return new Map(rows.map((row) => [bucketId(row.scope, row.key, row.band), bucketOf(row)]));
}

function bucketOf(row: BucketRow): PredictionBucket {
  const { scope, key, band, successes, failures } = row;
  return {
    ...{ scope, key, band, successes, failures, peakFeePpm: row.peak_fee_ppm },
    lastPassedMsat: row.last_passed_msat,
    lastPassedAtMs: row.last_passed_at?.getTime() ?? null,
    lastFailedMsat: row.last_failed_msat,
    lastFailedAtMs: row.last_failed_at?.getTime() ?? null,
    lastFailureClass: row.last_failure_class,
    updatedAtMs: row.updated_at.getTime(),
  };
}

export async function writeBuckets(
  tx: Tx,
  merchantId: Uuid,
  buckets: readonly PredictionBucket[],
): Promise<void> {
  const dates = (times: (number | null)[]) =>
    times.map((ms) => (ms === null ? null : new Date(ms)));
  await tx.query(
    `INSERT INTO prediction_bucket (merchant_id, scope, key, band, successes, failures,
            peak_fee_ppm, last_passed_msat, last_passed_at, last_failed_msat, last_failed_at,
            last_failure_class, updated_at)
     SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::smallint[], $5::float8[], $6::float8[],
            $7::float8[], $8::bigint[], $9::timestamptz[], $10::bigint[], $11::timestamptz[],
            $12::text[], $13::timestamptz[]) AS n
     ON CONFLICT (merchant_id, scope, key, band) DO UPDATE SET
            successes = excluded.successes, failures = excluded.failures,
            peak_fee_ppm = excluded.peak_fee_ppm, updated_at = excluded.updated_at,
            last_passed_msat = excluded.last_passed_msat,
            last_passed_at = excluded.last_passed_at,
            last_failed_msat = excluded.last_failed_msat,
            last_failed_at = excluded.last_failed_at,
            last_failure_class = excluded.last_failure_class`,
    [
      ...[merchantId, buckets.map((one) => one.scope), buckets.map((one) => one.key)],
      ...[buckets.map((one) => one.band), buckets.map((one) => one.successes)],
      ...[buckets.map((one) => one.failures), buckets.map((one) => one.peakFeePpm)],
      buckets.map((one) => one.lastPassedMsat),
      dates(buckets.map((one) => one.lastPassedAtMs)),
      buckets.map((one) => one.lastFailedMsat),
      dates(buckets.map((one) => one.lastFailedAtMs)),
      buckets.map((one) => one.lastFailureClass),
      dates(buckets.map((one) => one.updatedAtMs)),
    ],
  );
}

/** Removes what nobody has touched since a time, and of each store what is beyond the most kept. */
export async function deleteForgotten(
  tx: Tx,
  { untouchedSinceMs, limit }: { untouchedSinceMs: number; limit: number },
): Promise<void> {
  await tx.query('DELETE FROM prediction_bucket WHERE updated_at < $1', [
    new Date(untouchedSinceMs),
  ]);
  await tx.query(
    `DELETE FROM prediction_bucket b USING (
       SELECT merchant_id, scope, key, band, row_number() OVER (
                PARTITION BY merchant_id ORDER BY updated_at DESC) AS place
         FROM prediction_bucket) AS n
      WHERE n.place > $1 AND b.merchant_id = n.merchant_id AND b.scope = n.scope
        AND b.key = n.key AND b.band = n.band`,
    [limit],
  );
}
