import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OrderStatus } from './payment.ts';
import type { LiveChange } from './store.ts';

export type DuePayment = { merchantId: Uuid; orderId: Uuid; txid: string; vout: number };

type DueRow = { merchant_id: Uuid; order_id: Uuid; txid: Buffer; vout: number };

/** Payments that have the confirmations their order asks for, at this tip. */
export async function readPaymentsToConfirm(
  tx: Tx,
  tipHeight: number,
  limit: number,
): Promise<DuePayment[]> {
  const rows = await tx.query<DueRow>(
    `SELECT merchant_id, order_id, txid, vout FROM payment
      WHERE state = 'included' AND confirms_at_height <= $1
      ORDER BY confirms_at_height LIMIT $2`,
    [tipHeight, limit],
  );
  return rows.map(dueOf);
}

/** Confirmed payments that have become final at this tip. */
export async function readPaymentsToFinalise(
  tx: Tx,
  tipHeight: number,
  limit: number,
): Promise<DuePayment[]> {
  const rows = await tx.query<DueRow>(
    `SELECT merchant_id, order_id, txid, vout FROM payment
      WHERE state = 'confirmed' AND finals_at_height <= $1
      ORDER BY finals_at_height LIMIT $2`,
    [tipHeight, limit],
  );
  return rows.map(dueOf);
}

/** The payments that some transactions make, whatever their state. */
export async function readPaymentsOfTransactions(
  tx: Tx,
  txids: readonly string[],
): Promise<DuePayment[]> {
  const rows = await tx.query<DueRow>(
    'SELECT merchant_id, order_id, txid, vout FROM payment WHERE txid = ANY($1::bytea[])',
    [txids.map(parseHash)],
  );
  return rows.map(dueOf);
}

function dueOf(row: DueRow): DuePayment {
  return {
    merchantId: row.merchant_id,
    orderId: row.order_id,
    txid: displayHash(row.txid),
    vout: row.vout,
  };
}

/** Open orders whose time is over. */
export async function readOrdersToExpire(tx: Tx, nowMs: number, limit: number): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM orders WHERE expired_at IS NULL AND cancelled_at IS NULL
        AND status IN ('PENDING', 'UNDERPAID', 'UNCONFIRMED') AND expires_at < $1
      ORDER BY expires_at LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map(({ id }) => id);
}

/** Orders with a payment that is in a block and still short of confirmations, at this tip. */
export async function readConfirmingOrders(
  tx: Tx,
  tipHeight: number,
  limit: number,
): Promise<LiveChange[]> {
  const rows = await tx.query<{
    id: Uuid;
    status: OrderStatus;
    version: number;
    updated_at: Date;
    confirmations: number;
  }>(
    `SELECT o.id, o.status, o.version, o.updated_at,
            least(o.required_confirmations, $1 - p.height + 1) AS confirmations
       FROM (SELECT merchant_id, order_id, max(height) AS height FROM payment
              WHERE state = 'included' GROUP BY merchant_id, order_id LIMIT $2) p
       JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id`,
    [tipHeight, limit],
  );
  return rows.map((row) => ({
    orderId: row.id,
    status: row.status,
    version: row.version,
    atMs: row.updated_at.getTime(),
    confirmations: row.confirmations,
  }));
}
