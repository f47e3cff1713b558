import type { MonitoringBacktest, MonitoringSettings } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';

export type Backtest = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly state: MonitoringBacktest['state'];
  readonly settings: MonitoringSettings;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly result: MonitoringBacktest['result'];
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  state: Backtest['state'];
  settings: MonitoringSettings;
  from_at: Date | null;
  to_at: Date | null;
  requested_by: string;
  requested_at: Date;
  finished_at: Date | null;
  result: Backtest['result'];
};

const COLUMNS = `merchant_id, id, state, settings, from_at, to_at, requested_by, requested_at,
  finished_at, result`;

function backtestOf(row: Row): Backtest {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    state: row.state,
    settings: row.settings,
    fromMs: row.from_at?.getTime() ?? null,
    toMs: row.to_at?.getTime() ?? null,
    requestedBy: row.requested_by,
    requestedAtMs: row.requested_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    result: row.result,
  };
}

export async function insertBacktest(tx: Tx, backtest: Backtest): Promise<void> {
  await tx.query(
    `INSERT INTO monitoring_backtest (merchant_id, id, state, settings, from_at, to_at,
            requested_by, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      backtest.merchantId,
      backtest.id,
      backtest.state,
      JSON.stringify(backtest.settings),
      dateOf(backtest.fromMs),
      dateOf(backtest.toMs),
      backtest.requestedBy,
      new Date(backtest.requestedAtMs),
    ],
  );
}

export async function countWaiting(tx: Tx, merchantId: Uuid): Promise<number> {
  const { waiting } = await tx.one<{ waiting: bigint }>(
    `SELECT count(*) AS waiting FROM monitoring_backtest
      WHERE merchant_id = $1 AND state = 'waiting'`,
    [merchantId],
  );
  return Number(waiting);
}

/** The one that has waited longest. */
export async function findWaiting(tx: Tx): Promise<Backtest | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_backtest WHERE state = 'waiting'
      ORDER BY requested_at, id LIMIT 1`,
  );
  return row === undefined ? undefined : backtestOf(row);
}

/** Of two processes that have run it, the first one's result stays; they are the same. */
export async function finishBacktest(
  tx: Tx,
  {
    merchantId,
    id,
    result,
    atMs,
  }: Pick<Backtest, 'merchantId' | 'id' | 'result'> & { atMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE monitoring_backtest SET state = $3, result = $4, finished_at = $5
      WHERE merchant_id = $1 AND id = $2 AND state = 'waiting'`,
    [
      merchantId,
      id,
      result === null ? 'failed' : 'done',
      result === null ? null : JSON.stringify(result),
      new Date(atMs),
    ],
  );
}

export async function readBacktest(
  tx: Tx,
  { merchantId, id }: { merchantId: Uuid; id: Uuid },
): Promise<Backtest | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM monitoring_backtest WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : backtestOf(row);
}

export async function listBacktests(
  tx: Tx,
  page: { merchantId: Uuid; startingAfter?: Uuid | undefined; limit: number },
): Promise<Backtest[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM monitoring_backtest
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $2`,
    [page.merchantId, page.limit, page.startingAfter ?? null],
  );
  return rows.map(backtestOf);
}
