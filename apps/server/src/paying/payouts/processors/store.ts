import {
  defaultPayoutProcessor,
  type PayoutProcessorSettings,
  payoutProcessorSettingsSchema,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

/** Rung when a processor may have something to do before it is due. */
export const PROCESSORS_CHANNEL = 'quittance_processors';

export type Processor = {
  merchantId: Uuid;
  id: Uuid;
  kind: 'onchain';
  walletId: Uuid;
  settings: PayoutProcessorSettings;
  dueAtMs: number;
  lastRunAtMs: number | null;
  lastOutcome: string | null;
  /** Runs in a row that ended in a fault. */
  failures: number;
  createdAtMs: number;
  updatedAtMs: number;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  kind: 'onchain';
  wallet_id: Uuid;
  settings: Record<string, unknown>;
  due_at: Date;
  last_run_at: Date | null;
  last_outcome: string | null;
  failures: number;
  created_at: Date;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, kind, wallet_id, settings, due_at, last_run_at, last_outcome,
  failures, created_at, updated_at`;

function processorOf(row: Row): Processor {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    kind: row.kind,
    walletId: row.wallet_id,
    settings: payoutProcessorSettingsSchema.parse({ ...defaultPayoutProcessor, ...row.settings }),
    dueAtMs: row.due_at.getTime(),
    lastRunAtMs: row.last_run_at?.getTime() ?? null,
    lastOutcome: row.last_outcome,
    failures: row.failures,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  };
}

export async function insertProcessor(tx: Tx, processor: Processor): Promise<boolean> {
  const made = await tx.query(
    `INSERT INTO payout_processor (merchant_id, id, kind, wallet_id, settings, paused, due_at,
            created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
     ON CONFLICT (merchant_id, wallet_id) DO NOTHING RETURNING 1 AS made`,
    [
      processor.merchantId,
      processor.id,
      processor.kind,
      processor.walletId,
      JSON.stringify(processor.settings),
      processor.settings.paused,
      new Date(processor.dueAtMs),
      new Date(processor.createdAtMs),
    ],
  );
  return made.length === 1;
}

export type OwnProcessor = { merchantId: Uuid; id: Uuid };

export async function readProcessor(tx: Tx, own: OwnProcessor): Promise<Processor | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor WHERE merchant_id = $1 AND id = $2 AND kind = 'onchain'`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : processorOf(row);
}

/** Locks it: its settings stay as they are, and no worker plans with it meanwhile. */
export async function lockProcessor(tx: Tx, own: OwnProcessor): Promise<Processor | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor WHERE merchant_id = $1 AND id = $2 AND kind = 'onchain' FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : processorOf(row);
}

export async function findProcessorOfWallet(
  tx: Tx,
  which: { merchantId: Uuid; walletId: Uuid },
): Promise<Processor | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor WHERE merchant_id = $1 AND wallet_id = $2`,
    [which.merchantId, which.walletId],
  );
  return row === undefined ? undefined : processorOf(row);
}

/** The most that a transaction of a wallet may pay by the rules of its processor, in sat/kvB. */
export async function readMaxFeeRate(
  tx: Tx,
  which: { merchantId: Uuid; walletId: Uuid },
): Promise<bigint> {
  const { feePolicy } =
    (await findProcessorOfWallet(tx, which))?.settings ?? defaultPayoutProcessor;
  return BigInt(feePolicy.maxFeeRateSatPerVb) * 1_000n;
}

export async function readProcessors(tx: Tx, merchantId: Uuid): Promise<Processor[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout_processor WHERE merchant_id = $1 AND kind = 'onchain'
      ORDER BY id DESC`,
    [merchantId],
  );
  return rows.map(processorOf);
}

export async function writeProcessorSettings(
  tx: Tx,
  own: OwnProcessor,
  change: { settings: PayoutProcessorSettings; dueAtMs: number; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE payout_processor SET settings = $3, paused = $4, due_at = $5, updated_at = $6
      WHERE merchant_id = $1 AND id = $2`,
    [
      own.merchantId,
      own.id,
      JSON.stringify(change.settings),
      change.settings.paused,
      new Date(change.dueAtMs),
      new Date(change.nowMs),
    ],
  );
}

export async function deleteProcessor(tx: Tx, own: OwnProcessor): Promise<boolean> {
  const gone = await tx.query(
    'DELETE FROM payout_processor WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS gone',
    [own.merchantId, own.id],
  );
  return gone.length === 1;
}

/** Not of a wallet that is held; the table is owned by paying/guard. */
const NOT_HELD = 'NOT EXISTS (SELECT FROM wallet_hold h WHERE h.wallet_id = r.wallet_id)';

/**
 * Processors that are due. One that pays at once is due when something waits for it; after a fault
 * all of them wait for `due_at`.
 */
export async function readDueProcessors(
  tx: Tx,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<Processor[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM payout_processor r
      WHERE NOT paused AND kind = 'onchain' AND due_at <= $1 AND ${NOT_HELD}
        AND (settings->>'intervalSeconds' <> '0' OR EXISTS (
          SELECT FROM payout p WHERE p.merchant_id = r.merchant_id AND p.wallet_id = r.wallet_id
             AND p.state = 'approved' AND (p.not_before IS NULL OR p.not_before <= $1)))
      ORDER BY due_at, id LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map(processorOf);
}

/** Takes a due processor for one run, unless another worker has it. */
export async function takeProcessor(
  tx: Tx,
  own: OwnProcessor,
  nowMs: number,
): Promise<Processor | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM payout_processor r
      WHERE merchant_id = $1 AND id = $2 AND NOT paused AND due_at <= $3 AND ${NOT_HELD}
      FOR UPDATE SKIP LOCKED`,
    [own.merchantId, own.id, new Date(nowMs)],
  );
  return row === undefined ? undefined : processorOf(row);
}

export async function writeRun(
  tx: Tx,
  own: OwnProcessor,
  run: { dueAtMs: number; nowMs: number; outcome: string; failures: number },
): Promise<void> {
  await tx.query(
    `UPDATE payout_processor SET due_at = $3, last_run_at = $4, last_outcome = $5, failures = $6
      WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id, new Date(run.dueAtMs), new Date(run.nowMs), run.outcome, run.failures],
  );
}

/** Tells workers that something may be waiting; heard at commit. */
export async function ringProcessors(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_notify('${PROCESSORS_CHANNEL}', '')`);
}
