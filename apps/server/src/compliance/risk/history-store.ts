import { createHash } from 'node:crypto';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type Activity, HOURS_PER_DAY, NO_ACTIVITY } from './history.ts';

/** Numbers of payments as JSON has them, by bucket, hour or day. */
export type Counts = Record<string, number>;

type ActivityRow = { hours: Counts; days: Counts };

/** @returns undefined before a store's first decision */
export async function lockActivity(tx: Tx, merchantId: Uuid): Promise<ActivityRow | undefined> {
  return await tx.maybe<ActivityRow>(
    'SELECT hours, days FROM risk_activity WHERE merchant_id = $1 FOR UPDATE',
    [merchantId],
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
export function sourceHash(address: string): Buffer {
  return createHash('sha256').update(address).digest().subarray(0, 16);
}

export function activityOf({ hours, days }: ActivityRow): Activity {
  if (Object.keys(days).length === 0) return NO_ACTIVITY;
  return { hours: mapOf(hours), days: mapOf(days) };
}

export function mapOf(counts: Counts): Map<number, number> {
  const map = new Map<number, number>();
  for (const at of Object.keys(counts)) map.set(Number(at), counts[at] ?? 0);
  return map;
}
