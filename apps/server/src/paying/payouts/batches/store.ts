import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { JudgedLine } from './judge-lines.ts';

export type BatchFacts = {
  merchantId: Uuid;
  id: Uuid;
  name: string | null;
  walletId: Uuid | null;
  lineCount: number;
  validCount: number;
  duplicateCount: number;
  totalSats: bigint;
  createdBy: string;
  createdAtMs: number;
  acceptableUntilMs: number;
  acceptedAtMs: number | null;
};
export type Batch = BatchFacts & { lines: readonly JudgedLine[] };

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  name: string | null;
  wallet_id: Uuid | null;
  line_count: number;
  valid_count: number;
  duplicate_count: number;
  total_sats: bigint;
  created_by: string;
  created_at: Date;
  acceptable_until: Date;
  accepted_at: Date | null;
};

const FACTS = `merchant_id, id, name, wallet_id, line_count, valid_count, duplicate_count,
  total_sats, created_by, created_at, acceptable_until, accepted_at`;

function factsOf(row: Row): BatchFacts {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    name: row.name,
    walletId: row.wallet_id,
    lineCount: row.line_count,
    validCount: row.valid_count,
    duplicateCount: row.duplicate_count,
    totalSats: row.total_sats,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    acceptableUntilMs: row.acceptable_until.getTime(),
    acceptedAtMs: row.accepted_at?.getTime() ?? null,
  };
}

export async function insertBatch(tx: Tx, batch: Batch): Promise<void> {
  await tx.query(
    `INSERT INTO payout_batch (merchant_id, id, name, wallet_id, lines, line_count, valid_count,
            duplicate_count, total_sats, created_by, created_at, acceptable_until)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      batch.merchantId,
      batch.id,
      batch.name,
      batch.walletId,
      JSON.stringify(batch.lines),
      batch.lineCount,
      batch.validCount,
      batch.duplicateCount,
      batch.totalSats,
      batch.createdBy,
      new Date(batch.createdAtMs),
      new Date(batch.acceptableUntilMs),
    ],
  );
}

export type OwnBatch = { merchantId: Uuid; id: Uuid };

export async function readBatch(tx: Tx, own: OwnBatch): Promise<Batch | undefined> {
  const row = await tx.maybe<Row & { lines: JudgedLine[] }>(
    `SELECT ${FACTS}, lines FROM payout_batch WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : { ...factsOf(row), lines: row.lines };
}

/** Locks a batch, so that it is accepted once. */
export async function lockBatch(tx: Tx, own: OwnBatch): Promise<Batch | undefined> {
  const row = await tx.maybe<Row & { lines: JudgedLine[] }>(
    `SELECT ${FACTS}, lines FROM payout_batch WHERE merchant_id = $1 AND id = $2 FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : { ...factsOf(row), lines: row.lines };
}

export async function markBatchAccepted(tx: Tx, own: OwnBatch, atMs: number): Promise<void> {
  await tx.query('UPDATE payout_batch SET accepted_at = $3 WHERE merchant_id = $1 AND id = $2', [
    own.merchantId,
    own.id,
    new Date(atMs),
  ]);
}

/** A merchant's batches without their lines, the newest first. */
export async function readBatches(
  tx: Tx,
  page: { merchantId: Uuid; startingAfter: Uuid | undefined; limit: number },
): Promise<BatchFacts[]> {
  const rows = await tx.query<Row>(
    `SELECT ${FACTS} FROM payout_batch
      WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [page.merchantId, page.startingAfter ?? null, page.limit],
  );
  return rows.map(factsOf);
}
