import type { CustomerSettings } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { MERCHANTS_CHANNEL } from '../../tenancy/merchants/index.ts';

export type StoredSettings = { settings: CustomerSettings; updatedBy: string; updatedAt: Date };

export async function findSettings(tx: Tx, merchantId: Uuid): Promise<StoredSettings | undefined> {
  return await tx.maybe<StoredSettings>(
    `SELECT settings, updated_by AS "updatedBy", updated_at AS "updatedAt"
       FROM customer_settings WHERE merchant_id = $1`,
    [merchantId],
  );
}

export async function writeSettings(
  tx: Tx,
  written: { merchantId: Uuid; settings: CustomerSettings; by: string; atMs: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO customer_settings (merchant_id, settings, updated_by, updated_at)
     VALUES ($1, $2, $3, $4)
     ON CONFLICT (merchant_id) DO UPDATE
        SET settings = excluded.settings, updated_by = excluded.updated_by,
            updated_at = excluded.updated_at`,
    [written.merchantId, JSON.stringify(written.settings), written.by, new Date(written.atMs)],
  );
  // Processes that make orders keep what they know of a store for a moment.
  await tx.query(`SELECT pg_notify('${MERCHANTS_CHANNEL}', $1)`, [written.merchantId]);
}
