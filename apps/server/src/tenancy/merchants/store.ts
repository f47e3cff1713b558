import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Merchant } from './merchant.ts';
import { type MerchantSettings, readStoredSettings } from './settings.ts';

/** Its payload is the id of a merchant whose name or settings have changed. */
export const MERCHANTS_CHANNEL = 'quittance_merchants';

const COLUMNS = `id, name, settings, created_at AS "createdAt", updated_at AS "updatedAt"`;

type Row = Omit<Merchant, 'settings'> & { settings: Record<string, unknown> };

export async function insertMerchant(
  tx: Tx,
  merchant: { id: Uuid; name: string; settings: MerchantSettings; atMs: number },
): Promise<Merchant> {
  const row = await tx.one<Row>(
    `INSERT INTO merchant (id, name, settings, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $4) RETURNING ${COLUMNS}`,
    [merchant.id, merchant.name, JSON.stringify(merchant.settings), new Date(merchant.atMs)],
  );
  return fromRow(row);
}

/**
 * @param lock keeps others from changing it until the transaction ends; who only refers to it, such
 *   as a new order, does not wait
 */
export async function findMerchant(tx: Tx, id: Uuid, lock = false): Promise<Merchant | undefined> {
  const row = lock
    ? await tx.maybe<Row>(`SELECT ${COLUMNS} FROM merchant WHERE id = $1 FOR NO KEY UPDATE`, [id])
    : await tx.maybe<Row>(`SELECT ${COLUMNS} FROM merchant WHERE id = $1`, [id]);
  return row === undefined ? undefined : fromRow(row);
}

/** The newest first; ids are ordered by time. In asSystem. */
export async function selectMerchants(
  tx: Tx,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<Merchant[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM merchant WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
    [page.startingAfter ?? null, page.limit],
  );
  return rows.map(fromRow);
}

export async function writeMerchant(
  tx: Tx,
  merchant: { id: Uuid; name: string; settings: MerchantSettings; atMs: number },
): Promise<Merchant> {
  const row = await tx.one<Row>(
    `UPDATE merchant SET name = $2, settings = $3, updated_at = $4 WHERE id = $1
     RETURNING ${COLUMNS}`,
    [merchant.id, merchant.name, JSON.stringify(merchant.settings), new Date(merchant.atMs)],
  );
  await tx.query(`SELECT pg_notify('${MERCHANTS_CHANNEL}', $1)`, [merchant.id]);
  return fromRow(row);
}

function fromRow(row: Row): Merchant {
  return { ...row, settings: readStoredSettings(row.settings) };
}
