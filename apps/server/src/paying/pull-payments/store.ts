import type { PullPaymentPeriod, PullPaymentState } from '@quittance/contract';
import { assert, type Currency, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { PullPayment, PullPaymentApproval } from './pull-payment.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  name: string;
  description: string | null;
  state: PullPaymentState;
  currency: Currency;
  limit_units: bigint;
  period: PullPaymentPeriod | null;
  min_draw_msat: bigint;
  max_draw_msat: bigint | null;
  starts_at: Date;
  expires_at: Date | null;
  link_hash: Buffer | null;
  approvals_needed: number;
  approvals: PullPaymentApproval[];
  created_by: string;
  created_at: Date;
  archived_at: Date | null;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, name, description, state, currency, limit_units, period,
  min_draw_msat, max_draw_msat, starts_at, expires_at, link_hash, approvals_needed, approvals,
  created_by, created_at, archived_at, updated_at`;

function pullPaymentOf(row: Row): PullPayment {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    name: row.name,
    description: row.description,
    state: row.state,
    currency: row.currency,
    limitUnits: row.limit_units,
    period: row.period,
    minDrawMsat: row.min_draw_msat,
    maxDrawMsat: row.max_draw_msat,
    startsAtMs: row.starts_at.getTime(),
    expiresAtMs: row.expires_at?.getTime() ?? null,
    linkHash: row.link_hash === null ? null : new Uint8Array(row.link_hash),
    approvalsNeeded: row.approvals_needed,
    approvals: row.approvals,
    createdBy: row.created_by,
    createdAtMs: row.created_at.getTime(),
    archivedAtMs: row.archived_at?.getTime() ?? null,
    updatedAtMs: row.updated_at.getTime(),
  };
}

export async function insertPullPayment(tx: Tx, pull: PullPayment): Promise<void> {
  await tx.query(
    `INSERT INTO pull_payment (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
            $12, $13, $14, $15, $16, $17, $18, $19)`,
    [
      pull.merchantId,
      pull.id,
      pull.name,
      pull.description,
      pull.state,
      pull.currency,
      pull.limitUnits,
      pull.period,
      pull.minDrawMsat,
      pull.maxDrawMsat,
      new Date(pull.startsAtMs),
      dateOf(pull.expiresAtMs),
      pull.linkHash,
      pull.approvalsNeeded,
      JSON.stringify(pull.approvals),
      pull.createdBy,
      new Date(pull.createdAtMs),
      dateOf(pull.archivedAtMs),
      new Date(pull.updatedAtMs),
    ],
  );
}

/** Writes what changes in the life of a pull payment; the caller holds its lock. */
export async function updatePullPayment(tx: Tx, pull: PullPayment): Promise<void> {
  const written = await tx.query(
    `UPDATE pull_payment SET state = $3, link_hash = $4, approvals = $5, archived_at = $6,
            updated_at = $7
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    [
      pull.merchantId,
      pull.id,
      pull.state,
      pull.linkHash,
      JSON.stringify(pull.approvals),
      dateOf(pull.archivedAtMs),
      new Date(pull.updatedAtMs),
    ],
  );
  assert(written.length === 1, 'a pull payment that is locked is there');
}

/** A pull payment of a merchant: one that is another merchant's is not found. */
export type OwnPullPayment = { merchantId: Uuid; id: Uuid };

export async function readPullPaymentRow(
  tx: Tx,
  own: OwnPullPayment,
): Promise<PullPayment | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM pull_payment WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : pullPaymentOf(row);
}

/** Locks it: draws, approvals and its end go one after the other. */
export async function lockPullPayment(
  tx: Tx,
  own: OwnPullPayment,
): Promise<PullPayment | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM pull_payment WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : pullPaymentOf(row);
}

/** By the hash of its link's secret, whosever it is. */
export async function findPullPaymentByLink(
  tx: Tx,
  linkHash: Uint8Array,
): Promise<PullPayment | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM pull_payment WHERE link_hash = $1`, [
    linkHash,
  ]);
  return row === undefined ? undefined : pullPaymentOf(row);
}

export type PullPaymentFilter = {
  merchantId: Uuid;
  startingAfter?: Uuid | undefined;
  limit: number;
  state?: PullPaymentState | undefined;
};

/** A merchant's pull payments, the newest first. */
export async function readPullPaymentRows(
  tx: Tx,
  filter: PullPaymentFilter,
): Promise<PullPayment[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM pull_payment
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR state = $4)
      ORDER BY id DESC LIMIT $2`,
    [filter.merchantId, filter.limit, filter.startingAfter ?? null, filter.state ?? null],
  );
  return rows.map(pullPaymentOf);
}

export async function readPullPaymentsById(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Map<Uuid, PullPayment>> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM pull_payment WHERE merchant_id = $1 AND id = ANY ($2::uuid[])`,
    [which.merchantId, which.ids],
  );
  return new Map(rows.map((row) => [row.id, pullPaymentOf(row)]));
}
