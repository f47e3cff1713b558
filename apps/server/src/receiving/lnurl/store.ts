import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { LightningAddress } from './lightning-address.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  name: string;
  description: string;
  min_msat: bigint;
  max_msat: bigint;
  comment_length: number;
  enabled: boolean;
  created_by: string;
  created_at: Date;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, name, description, min_msat, max_msat, comment_length, enabled,
  created_by, created_at, updated_at`;

function addressOf(row: Row): LightningAddress {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    name: row.name,
    description: row.description,
    minMsat: row.min_msat,
    maxMsat: row.max_msat,
    commentLength: row.comment_length,
    enabled: row.enabled,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

/** @returns whether the name was free */
export async function insertAddress(tx: Tx, address: LightningAddress): Promise<boolean> {
  const inserted = await tx.maybe(
    `INSERT INTO lightning_address (${COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (name) DO NOTHING RETURNING 1 AS inserted`,
    [
      address.merchantId,
      address.id,
      address.name,
      address.description,
      address.minMsat,
      address.maxMsat,
      address.commentLength,
      address.enabled,
      address.createdBy,
      new Date(address.createdAtMs),
      new Date(address.updatedAtMs),
    ],
  );
  return inserted !== undefined;
}

export async function updateAddress(tx: Tx, address: LightningAddress): Promise<void> {
  const written = await tx.query(
    `UPDATE lightning_address SET description = $3, min_msat = $4, max_msat = $5,
            comment_length = $6, enabled = $7, updated_at = $8
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    [
      address.merchantId,
      address.id,
      address.description,
      address.minMsat,
      address.maxMsat,
      address.commentLength,
      address.enabled,
      new Date(address.updatedAtMs),
    ],
  );
  assert(written.length === 1, 'an address that is locked is there');
}

/** An address of a merchant: one that is another merchant's is not found. */
export type OwnAddress = { merchantId: Uuid; id: Uuid };

export async function readAddress(tx: Tx, own: OwnAddress): Promise<LightningAddress | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_address WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : addressOf(row);
}

export async function lockAddress(tx: Tx, own: OwnAddress): Promise<LightningAddress | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_address WHERE merchant_id = $1 AND id = $2
        FOR NO KEY UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : addressOf(row);
}

/** Whosever it is. */
export async function findAddress(tx: Tx, name: string): Promise<LightningAddress | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM lightning_address WHERE name = $1`, [
    name,
  ]);
  return row === undefined ? undefined : addressOf(row);
}

export async function countAddresses(tx: Tx, merchantId: Uuid): Promise<number> {
  const { count } = await tx.one<{ count: bigint }>(
    'SELECT count(*) AS count FROM lightning_address WHERE merchant_id = $1',
    [merchantId],
  );
  return Number(count);
}

/** A merchant's addresses, the newest first. */
export async function readAddresses(
  tx: Tx,
  filter: { merchantId: Uuid; startingAfter?: Uuid | undefined; limit: number },
): Promise<LightningAddress[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_address
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $2`,
    [filter.merchantId, filter.limit, filter.startingAfter ?? null],
  );
  return rows.map(addressOf);
}
