import { createHash } from 'node:crypto';
import { assert, type Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import {
  type Activity,
  type AmountSketch,
  EMPTY_SKETCH,
  HOURS_PER_DAY,
  NO_ACTIVITY,
} from './history.ts';

type Counts = Record<string, number>;

/**
 * A store's history for one decision, locked until the transaction ends: decisions about one store go
 * one after the other, so that each sees all before it. A few rows, whatever the store's age.
 * @returns busiest: payments in the 24 hours before this one from the busiest of `addresses`
 */
export async function lockHistory(
  tx: Tx,
  of: { merchantId: Uuid; currency: string; addresses: readonly string[]; hour: number },
): Promise<History> {
  const [locked, amounts, busiest] = await together([
    lockActivity(tx, of.merchantId),
    readAmounts(tx, of),
    readBusiest(tx, of),
  ]);
  if (locked !== undefined) return { activity: activityOf(locked), amounts, busiest };
  // Another first decision may have been made while this one waited.
  const activity = activityOf(await beginActivity(tx, of.merchantId));
  return { activity, amounts: await readAmounts(tx, of), busiest: await readBusiest(tx, of) };
}

export type History = { amounts: AmountSketch; activity: Activity; busiest: number };

async function readAmounts(
  tx: Tx,
  { merchantId, currency }: { merchantId: Uuid; currency: string },
): Promise<AmountSketch> {
  const row = await tx.maybe<{
    payments: bigint;
    sum: string;
    sum_of_squares: string;
    buckets: Counts;
  }>(
    `SELECT payments, sum::text, sum_of_squares::text, buckets FROM risk_amounts
      WHERE merchant_id = $1 AND currency = $2`,
    [merchantId, currency],
  );
  if (row === undefined) return EMPTY_SKETCH;
  return {
    count: Number(row.payments),
    sum: BigInt(row.sum),
    sumOfSquares: BigInt(row.sum_of_squares),
    buckets: mapOf(row.buckets),
  };
}

/** By whole hours, the one of this payment included. */
async function readBusiest(
  tx: Tx,
  of: { merchantId: Uuid; addresses: readonly string[]; hour: number },
): Promise<number> {
  if (of.addresses.length === 0) return 0;
  const { most } = await tx.one<{ most: number }>(
    `SELECT coalesce(max(payments), 0)::int AS most FROM (
       SELECT sum(payments) AS payments FROM risk_source_hour
        WHERE merchant_id = $1 AND source = ANY($2::bytea[]) AND hour > $3 AND hour <= $4
        GROUP BY source) AS counted`,
    [of.merchantId, of.addresses.map(hashOf), of.hour - HOURS_PER_DAY, of.hour],
  );
  return most;
}

type ActivityRow = { hours: Counts; days: Counts };

async function lockActivity(tx: Tx, merchantId: Uuid): Promise<ActivityRow | undefined> {
  return await tx.maybe<ActivityRow>(
    'SELECT hours, days FROM risk_activity WHERE merchant_id = $1 FOR UPDATE',
    [merchantId],
  );
}

/** The first decision about a store; two at once wait for each other here. */
async function beginActivity(tx: Tx, merchantId: Uuid): Promise<ActivityRow> {
  await tx.query(
    `INSERT INTO risk_activity (merchant_id, hours, days) VALUES ($1, '{}', '{}')
     ON CONFLICT (merchant_id) DO NOTHING`,
    [merchantId],
  );
  const row = await lockActivity(tx, merchantId);
  assert(row !== undefined, 'beginActivity: the row was just written');
  return row;
}

export async function saveActivity(tx: Tx, merchantId: Uuid, activity: Activity): Promise<void> {
  await tx.query('UPDATE risk_activity SET hours = $2, days = $3 WHERE merchant_id = $1', [
    merchantId,
    JSON.stringify(Object.fromEntries(activity.hours)),
    JSON.stringify(Object.fromEntries(activity.days)),
  ]);
}

export async function saveAmounts(
  tx: Tx,
  { merchantId, currency }: { merchantId: Uuid; currency: string },
  amounts: AmountSketch,
): Promise<void> {
  await tx.query(
    `INSERT INTO risk_amounts (merchant_id, currency, payments, sum, sum_of_squares, buckets)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (merchant_id, currency) DO UPDATE SET payments = excluded.payments,
            sum = excluded.sum, sum_of_squares = excluded.sum_of_squares,
            buckets = excluded.buckets`,
    [
      ...[merchantId, currency, amounts.count, amounts.sum.toString()],
      ...[amounts.sumOfSquares.toString(), JSON.stringify(Object.fromEntries(amounts.buckets))],
    ],
  );
}

/** Counts a payment for the addresses that it came from. */
export async function countSources(
  tx: Tx,
  of: { merchantId: Uuid; addresses: readonly string[]; hour: number },
): Promise<void> {
  if (of.addresses.length === 0) return;
  await tx.query(
    `INSERT INTO risk_source_hour AS h (merchant_id, source, hour, payments)
     SELECT $1, source, $3, 1 FROM unnest($2::bytea[]) AS source
     ON CONFLICT (merchant_id, source, hour) DO UPDATE SET payments = h.payments + 1`,
    [of.merchantId, of.addresses.map(hashOf), of.hour],
  );
}

/** Lets go of what is too old to count. @returns whether there may be more */
export async function pruneSources(tx: Tx, hour: number, limit: number): Promise<boolean> {
  const rows = await tx.query(
    `DELETE FROM risk_source_hour WHERE (merchant_id, source, hour) IN (
       SELECT merchant_id, source, hour FROM risk_source_hour WHERE hour <= $1 LIMIT $2
         FOR UPDATE SKIP LOCKED) RETURNING 1`,
    [hour - HOURS_PER_DAY, limit],
  );
  return rows.length === limit;
}

/** Sixteen bytes of the hash: addresses are told apart, and can not be read off. */
function hashOf(address: string): Buffer {
  return createHash('sha256').update(address).digest().subarray(0, 16);
}

function activityOf({ hours, days }: ActivityRow): Activity {
  if (Object.keys(days).length === 0) return NO_ACTIVITY;
  return { hours: mapOf(hours), days: mapOf(days) };
}

function mapOf(counts: Counts): Map<number, number> {
  return new Map(Object.entries(counts).map(([at, count]) => [Number(at), count]));
}
