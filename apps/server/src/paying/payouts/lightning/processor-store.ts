import {
  defaultLightningProcessor,
  type LightningProcessorSettings,
  lightningProcessorSettingsSchema,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

/** Pays a store's approved payouts over Lightning, by rules. A store has one at most. */
export type LightningPayer = {
  merchantId: Uuid;
  id: Uuid;
  settings: LightningProcessorSettings;
  dueAtMs: number;
  lastRunAtMs: number | null;
  lastOutcome: string | null;
  createdAtMs: number;
  updatedAtMs: number;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  settings: Record<string, unknown>;
  due_at: Date;
  last_run_at: Date | null;
  last_outcome: string | null;
  created_at: Date;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, settings, due_at, last_run_at, last_outcome, created_at,
  updated_at`;

function payerOf(row: Row): LightningPayer {
  const merged = { ...defaultLightningProcessor, ...row.settings };
  return {
    merchantId: row.merchant_id,
    id: row.id,
    settings: lightningProcessorSettingsSchema.parse(merged),
    dueAtMs: row.due_at.getTime(),
    lastRunAtMs: row.last_run_at?.getTime() ?? null,
    lastOutcome: row.last_outcome,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

/** @returns false when the store has one */
export async function insertLightningPayer(tx: Tx, payer: LightningPayer): Promise<boolean> {
  const made = await tx.query(
    `INSERT INTO payout_processor (merchant_id, id, kind, settings, paused, due_at, created_at,
            updated_at)
     VALUES ($1, $2, 'lightning', $3, $4, $5, $6, $6)
     ON CONFLICT (merchant_id) WHERE kind = 'lightning' DO NOTHING RETURNING 1 AS made`,
    [
      ...[payer.merchantId, payer.id, JSON.stringify(payer.settings), payer.settings.paused],
      ...[new Date(payer.dueAtMs), new Date(payer.createdAtMs)],
    ],
  );
  return made.length === 1;
}

export async function findLightningPayer(
  tx: Tx,
  merchantId: Uuid,
): Promise<LightningPayer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor WHERE merchant_id = $1 AND kind = 'lightning'`,
    [merchantId],
  );
  return row === undefined ? undefined : payerOf(row);
}

type OwnPayer = { merchantId: Uuid; id: Uuid };

export async function readLightningPayer(
  tx: Tx,
  own: OwnPayer,
): Promise<LightningPayer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor
      WHERE merchant_id = $1 AND id = $2 AND kind = 'lightning'`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : payerOf(row);
}

/**
 * Locks a store's processor: its settings stay as they are, and whoever counts what it has begun
 * counts alone.
 */
export async function lockLightningPayer(
  tx: Tx,
  own: OwnPayer,
): Promise<LightningPayer | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor
      WHERE merchant_id = $1 AND id = $2 AND kind = 'lightning' FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : payerOf(row);
}

export async function writeLightningPayer(
  tx: Tx,
  own: OwnPayer,
  change: { settings: LightningProcessorSettings; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE payout_processor SET settings = $3, paused = $4, due_at = $5, updated_at = $5
      WHERE merchant_id = $1 AND id = $2`,
    [
      ...[own.merchantId, own.id, JSON.stringify(change.settings), change.settings.paused],
      new Date(change.nowMs),
    ],
  );
}

/** Processors that are not paused, with whether they are due to begin new payouts. */
export async function readActivePayers(tx: Tx, limit: number): Promise<LightningPayer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout_processor r WHERE kind = 'lightning' AND NOT paused
        AND EXISTS (SELECT FROM payout p WHERE p.merchant_id = r.merchant_id
              AND p.method = 'lightning' AND p.state = 'approved')
      ORDER BY due_at, id LIMIT $1`,
    [limit],
  );
  return rows.map(payerOf);
}

export async function writePayerRun(
  tx: Tx,
  own: OwnPayer,
  run: { dueAtMs: number; nowMs: number; outcome: string },
): Promise<void> {
  await tx.query(
    `UPDATE payout_processor SET due_at = $3, last_run_at = $4, last_outcome = $5
      WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id, new Date(run.dueAtMs), new Date(run.nowMs), run.outcome],
  );
}

/** Processors that want to be told when little can be sent. */
export async function readPayersWithThreshold(tx: Tx, limit: number): Promise<LightningPayer[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout_processor
      WHERE kind = 'lightning' AND settings->>'lowOutboundSats' IS NOT NULL
      ORDER BY id LIMIT $1`,
    [limit],
  );
  return rows.map(payerOf);
}
