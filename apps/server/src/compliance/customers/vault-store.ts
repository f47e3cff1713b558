import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export async function readVault(tx: Tx, merchantId: Uuid): Promise<Uint8Array | undefined> {
  const row = await tx.maybe<{ sealed_key: Buffer }>(
    'SELECT sealed_key FROM customer_vault WHERE merchant_id = $1',
    [merchantId],
  );
  return row?.sealed_key;
}

/** @returns the store's key: this one, or that of whoever was quicker */
export async function insertVault(
  tx: Tx,
  vault: { merchantId: Uuid; sealedKey: Uint8Array; atMs: number },
): Promise<Uint8Array> {
  const row = await tx.maybe<{ sealed_key: Buffer }>(
    `INSERT INTO customer_vault (merchant_id, sealed_key, created_at) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING sealed_key`,
    [vault.merchantId, vault.sealedKey, new Date(vault.atMs)],
  );
  if (row !== undefined) return row.sealed_key;
  const known = await readVault(tx, vault.merchantId);
  if (known === undefined) throw new Error('a vault that was in the way is there');
  return known;
}

/** Ownership of one store changes one at a time: two changes could close a circle between them. */
export async function lockOwnership(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query('SELECT 1 FROM customer_vault WHERE merchant_id = $1 FOR NO KEY UPDATE', [
    merchantId,
  ]);
}
