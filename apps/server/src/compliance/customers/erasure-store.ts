import type { CustomerErasureRule } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Erasure } from './erasure.ts';
import type { OwnCustomer } from './store.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  customer_id: Uuid;
  cause: Erasure['cause'];
  rule: CustomerErasureRule;
  due_at: Date | null;
  requested_by: string;
  requested_at: Date;
  decided_at: Date;
  done_at: Date | null;
};

const COLUMNS = `merchant_id, id, customer_id, cause, rule, due_at, requested_by, requested_at,
  decided_at, done_at`;

function erasureOf(row: Row): Erasure {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    customerId: row.customer_id,
    cause: row.cause,
    rule: row.rule,
    dueAtMs: row.due_at?.getTime() ?? null,
    requestedBy: row.requested_by,
    requestedAtMs: row.requested_at.getTime(),
    decidedAtMs: row.decided_at.getTime(),
    doneAtMs: row.done_at?.getTime() ?? null,
  };
}

/** Writes it, new or as it has become. */
export async function writeErasure(tx: Tx, erasure: Erasure): Promise<void> {
  await tx.query(
    `INSERT INTO customer_erasure (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (merchant_id, id) DO UPDATE
        SET cause = excluded.cause, rule = excluded.rule, due_at = excluded.due_at,
            requested_by = excluded.requested_by, requested_at = excluded.requested_at,
            decided_at = excluded.decided_at, done_at = excluded.done_at`,
    [
      erasure.merchantId,
      erasure.id,
      erasure.customerId,
      erasure.cause,
      erasure.rule,
      dateOf(erasure.dueAtMs),
      erasure.requestedBy,
      new Date(erasure.requestedAtMs),
      new Date(erasure.decidedAtMs),
      dateOf(erasure.doneAtMs),
    ],
  );
}

/** Those of a customer, the newest first: one, and few more where it was corrected. */
export async function readErasures(tx: Tx, own: OwnCustomer, limit: number): Promise<Erasure[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_erasure WHERE merchant_id = $1 AND customer_id = $2
      ORDER BY id DESC LIMIT $3`,
    [own.merchantId, own.id, limit],
  );
  return rows.map(erasureOf);
}

export async function findOpenErasure(tx: Tx, own: OwnCustomer): Promise<Erasure | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM customer_erasure
      WHERE merchant_id = $1 AND customer_id = $2 AND done_at IS NULL`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : erasureOf(row);
}

export async function readDueErasures(
  tx: Tx,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<Erasure[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_erasure WHERE due_at <= $1 ORDER BY due_at LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map(erasureOf);
}

/** When a customer's documents go; null: nobody knows yet. */
export async function readErasureDueMs(tx: Tx, own: OwnCustomer): Promise<number | null> {
  return (await findOpenErasure(tx, own))?.dueAtMs ?? null;
}

/** Whether it has a part of an entity that is still a customer. */
export async function ownsCustomer(tx: Tx, own: OwnCustomer): Promise<boolean> {
  const row = await tx.maybe(
    `SELECT 1 AS found FROM customer_owner o
       JOIN customer e ON e.merchant_id = o.merchant_id AND e.id = o.entity_id
      WHERE o.merchant_id = $1 AND o.owner_id = $2 AND e.erased_at IS NULL LIMIT 1`,
    [own.merchantId, own.id],
  );
  return row !== undefined;
}

/** Whether a verification of the customer was ever in force. */
export async function wasVerified(tx: Tx, own: OwnCustomer): Promise<boolean> {
  const row = await tx.maybe(
    `SELECT 1 AS found FROM customer_verification
      WHERE merchant_id = $1 AND customer_id = $2 AND state = 'approved' LIMIT 1`,
    [own.merchantId, own.id],
  );
  return row !== undefined;
}

/** Deletes all that says anything of a customer but its own row and the log, which name nobody. */
export async function deleteTraces(tx: Tx, own: OwnCustomer): Promise<void> {
  const values = [own.merchantId, own.id];
  await tx.query(
    `DELETE FROM customer_callback WHERE merchant_id = $1 AND verification_id IN
       (SELECT id FROM customer_verification WHERE merchant_id = $1 AND customer_id = $2)`,
    values,
  );
  await tx.query(
    'DELETE FROM customer_verification WHERE merchant_id = $1 AND customer_id = $2',
    values,
  );
  await tx.query('DELETE FROM customer_hit WHERE merchant_id = $1 AND customer_id = $2', values);
  await tx.query(
    'DELETE FROM customer_document WHERE merchant_id = $1 AND customer_id = $2',
    values,
  );
  await tx.query('DELETE FROM customer_index WHERE merchant_id = $1 AND customer_id = $2', values);
}

/** Whether an order of the customer can still be paid: what becomes of it is not known yet. */
export async function hasOpenOrder(tx: Tx, own: OwnCustomer, nowMs: number): Promise<boolean> {
  const row = await tx.maybe(
    `SELECT 1 AS found FROM orders
      WHERE merchant_id = $1 AND customer_id = $2 AND received_sats = 0
        AND cancelled_at IS NULL AND monitor_until > $3 LIMIT 1`,
    [own.merchantId, own.id, new Date(nowMs)],
  );
  return row !== undefined;
}

/**
 * Erasures that were done and whose cases and reports still have their texts: not those about whom a
 * case was opened afterwards, until that has ended.
 */
export async function readUnredacted(tx: Tx, limit: number): Promise<Erasure[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_erasure e
      WHERE done_at IS NOT NULL AND texts_redacted_at IS NULL AND NOT EXISTS
            (SELECT FROM compliance_cases_of_customer(e.merchant_id, e.customer_id) AS of (id)
               JOIN compliance_case c ON c.merchant_id = e.merchant_id AND c.id = of.id
               LEFT JOIN filing f ON f.merchant_id = c.merchant_id AND f.case_id = c.id
              WHERE c.state <> 'closed' OR f.state IN ('draft', 'prepared', 'approved'))
      ORDER BY done_at LIMIT $1`,
    [limit],
  );
  return rows.map(erasureOf);
}

export async function markRedacted(
  tx: Tx,
  { merchantId, id, atMs }: { merchantId: Uuid; id: Uuid; atMs: number },
): Promise<void> {
  await tx.query(
    'UPDATE customer_erasure SET texts_redacted_at = $3 WHERE merchant_id = $1 AND id = $2',
    [merchantId, id, new Date(atMs)],
  );
}
