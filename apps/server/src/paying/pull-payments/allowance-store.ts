import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What a limit is of, and in which of its periods. */
export type AllowanceKey = { merchantId: Uuid; holderId: Uuid; periodStartMs: number };

/**
 * Takes of a limit, if so much is left. The row that it writes is locked until the caller's
 * transaction ends, so that of draws that race for the same rest only as many win as it covers; the
 * table's own check refuses what a mistake here would let through.
 * @param maxUnits the limit as it is now
 * @returns whether so much was left
 */
export async function takeAllowance(
  tx: Tx,
  key: AllowanceKey,
  { units, maxUnits }: { units: bigint; maxUnits: bigint },
): Promise<boolean> {
  assert(units > 0n, 'takeAllowance: something is taken');
  if (units > maxUnits) return false;
  const taken = await tx.maybe(
    `INSERT INTO draw_allowance AS a (merchant_id, holder_id, period_start, max_units, used_units)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (merchant_id, holder_id, period_start) DO UPDATE
        SET max_units = excluded.max_units, used_units = a.used_units + excluded.used_units
      WHERE a.used_units + excluded.used_units <= excluded.max_units
     RETURNING 1 AS taken`,
    [key.merchantId, key.holderId, new Date(key.periodStartMs), maxUnits, units],
  );
  return taken !== undefined;
}

/** Gives back what a draw took that was not paid. */
export async function returnAllowance(tx: Tx, key: AllowanceKey, units: bigint): Promise<void> {
  const returned = await tx.query(
    `UPDATE draw_allowance SET used_units = used_units - $4
      WHERE merchant_id = $1 AND holder_id = $2 AND period_start = $3 RETURNING 1 AS returned`,
    [key.merchantId, key.holderId, new Date(key.periodStartMs), units],
  );
  assert(returned.length === 1, 'what is given back was taken before');
}

/**
 * Takes again what was given back, for a draw that was paid after all. The money has gone, so it is
 * taken whatever is left: the limit of the period counts it, and is full if that is above it.
 */
export async function retakeAllowance(tx: Tx, key: AllowanceKey, units: bigint): Promise<void> {
  const taken = await tx.query(
    `UPDATE draw_allowance SET used_units = used_units + $4,
            max_units = greatest(max_units, used_units + $4)
      WHERE merchant_id = $1 AND holder_id = $2 AND period_start = $3 RETURNING 1 AS taken`,
    [key.merchantId, key.holderId, new Date(key.periodStartMs), units],
  );
  assert(taken.length === 1, 'what is taken again was taken before');
}

/** How much was taken in a period; of holders that are not in the answer, nothing. */
export async function readAllowances(
  tx: Tx,
  keys: readonly AllowanceKey[],
): Promise<Map<Uuid, bigint>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.query<{ holder_id: Uuid; used_units: bigint }>(
    `SELECT a.holder_id, a.used_units FROM draw_allowance a
       JOIN unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS k (merchant_id, holder_id, start)
         ON a.merchant_id = k.merchant_id AND a.holder_id = k.holder_id AND a.period_start = k.start`,
    [
      keys.map(({ merchantId }) => merchantId),
      keys.map(({ holderId }) => holderId),
      keys.map(({ periodStartMs }) => new Date(periodStartMs)),
    ],
  );
  return new Map(rows.map((row) => [row.holder_id, row.used_units]));
}
