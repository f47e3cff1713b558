import type { DrawState, LockedRate } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Draw } from './pull-payment.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  pull_payment_id: Uuid;
  card_id: Uuid | null;
  state: DrawState;
  reason: string | null;
  amount_msat: bigint;
  units: bigint;
  period_start: Date;
  card_day: Date | null;
  rate: LockedRate | null;
  invoice: string;
  payout_id: Uuid;
  created_at: Date;
  finished_at: Date | null;
};

const COLUMNS = `merchant_id, id, pull_payment_id, card_id, state, reason, amount_msat, units,
  period_start, card_day, rate, invoice, payout_id, created_at, finished_at`;

function drawOf(row: Row): Draw {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    pullPaymentId: row.pull_payment_id,
    cardId: row.card_id,
    state: row.state,
    reason: row.reason,
    amountMsat: row.amount_msat,
    units: row.units,
    periodStartMs: row.period_start.getTime(),
    cardDayMs: row.card_day?.getTime() ?? null,
    rate: row.rate,
    invoice: row.invoice,
    payoutId: row.payout_id,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
  };
}

export async function insertDraw(tx: Tx, draw: Draw): Promise<void> {
  await tx.query(
    `INSERT INTO pull_payment_draw (${COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      draw.merchantId,
      draw.id,
      draw.pullPaymentId,
      draw.cardId,
      draw.state,
      draw.reason,
      draw.amountMsat,
      draw.units,
      new Date(draw.periodStartMs),
      dateOf(draw.cardDayMs),
      draw.rate === null ? null : JSON.stringify(draw.rate),
      draw.invoice,
      draw.payoutId,
      new Date(draw.createdAtMs),
      dateOf(draw.finishedAtMs),
    ],
  );
}

/** Writes the end of a draw; one that has ended before is not written again. */
export async function endDrawRow(tx: Tx, draw: Draw, before: Draw['state']): Promise<void> {
  const written = await tx.query(
    `UPDATE pull_payment_draw SET state = $3, reason = $4, finished_at = $5
      WHERE merchant_id = $1 AND id = $2 AND state = $6 RETURNING 1 AS written`,
    [draw.merchantId, draw.id, draw.state, draw.reason, dateOf(draw.finishedAtMs), before],
  );
  assert(written.length === 1, 'a draw was ended by somebody else meanwhile');
}

/** Locks the draw of a payout; undefined where the payout is for something else. */
export async function lockDrawOfPayout(
  tx: Tx,
  of: { merchantId: Uuid; payoutId: Uuid },
): Promise<Draw | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM pull_payment_draw WHERE merchant_id = $1 AND payout_id = $2 FOR NO KEY UPDATE`,
    [of.merchantId, of.payoutId],
  );
  return row === undefined ? undefined : drawOf(row);
}

export async function readDrawRow(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
): Promise<Draw | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM pull_payment_draw WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : drawOf(row);
}

export type DrawFilter = {
  merchantId: Uuid;
  pullPaymentId: Uuid;
  startingAfter?: Uuid | undefined;
  limit: number;
  state?: DrawState | undefined;
  cardId?: Uuid | undefined;
};

/** The draws of a pull payment, the newest first. */
export async function readDrawRows(tx: Tx, filter: DrawFilter): Promise<Draw[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM pull_payment_draw
      WHERE merchant_id = $1 AND pull_payment_id = $2 AND ($4::uuid IS NULL OR id < $4)
        AND ($5::text IS NULL OR state = $5) AND ($6::uuid IS NULL OR card_id = $6)
      ORDER BY id DESC LIMIT $3`,
    [
      filter.merchantId,
      filter.pullPaymentId,
      filter.limit,
      filter.startingAfter ?? null,
      filter.state ?? null,
      filter.cardId ?? null,
    ],
  );
  return rows.map(drawOf);
}
