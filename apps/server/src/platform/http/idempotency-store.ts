import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../db/index.ts';

export type StoredAnswer = { requestHash: Uint8Array; status: number; response: unknown };

/**
 * Claims a key for the present transaction. Another transaction that holds it is waited for, at
 * most `waitMs`; a row that is visible afterwards is always complete.
 * @returns false when an answer is stored under the key already
 */
export async function claimKey(
  tx: Tx,
  row: { merchantId: Uuid; key: string; requestHash: Uint8Array; nowMs: number; waitMs: number },
): Promise<boolean> {
  await tx.query(`SELECT set_config('lock_timeout', $1, true)`, [`${row.waitMs}ms`]);
  const claimed = await tx.query(
    `INSERT INTO idempotency_key (merchant_id, key, request_hash, status, response, created_at)
     VALUES ($1, $2, $3, 0, 'null', $4)
     ON CONFLICT (merchant_id, key) DO NOTHING
     RETURNING 1`,
    [row.merchantId, row.key, row.requestHash, new Date(row.nowMs)],
  );
  await tx.query(`SELECT set_config('lock_timeout', '0', true)`);
  return claimed.length === 1;
}

export async function readAnswer(tx: Tx, merchantId: Uuid, key: string): Promise<StoredAnswer> {
  return await tx.one<StoredAnswer>(
    `SELECT request_hash AS "requestHash", status, response
       FROM idempotency_key WHERE merchant_id = $1 AND key = $2`,
    [merchantId, key],
  );
}

export async function storeAnswer(
  tx: Tx,
  row: { merchantId: Uuid; key: string; status: number; response: unknown },
): Promise<void> {
  await tx.query(
    `UPDATE idempotency_key SET status = $3, response = $4 WHERE merchant_id = $1 AND key = $2`,
    [row.merchantId, row.key, row.status, JSON.stringify(row.response)],
  );
}

/** @returns how many were removed */
export async function deleteAnswers(tx: Tx, beforeMs: number, limit: number): Promise<number> {
  const rows = await tx.query(
    `DELETE FROM idempotency_key WHERE (merchant_id, key) IN (
       SELECT merchant_id, key FROM idempotency_key WHERE created_at < $1
        ORDER BY created_at LIMIT $2)
     RETURNING 1`,
    [new Date(beforeMs), limit],
  );
  return rows.length;
}
