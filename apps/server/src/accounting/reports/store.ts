import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Transfers of a book that were recorded from `fromMs` on, before `toMs`, up to a sequence. */
export type Period = { merchantId: Uuid; fromMs: number; toMs: number; through: bigint };

/** What moved for one order, in millisatoshis. */
export type Movement = {
  order_id: Uuid;
  received: bigint;
  applied: bigint;
  drawn: bigint;
  refunded: bigint;
  paid_back: bigint;
};

/** The last transfer of a book: what a report reads ends there, however long it takes. */
export async function readHead(tx: Tx, merchantId: Uuid): Promise<bigint> {
  const row = await tx.maybe<{ head_sequence: bigint }>(
    'SELECT head_sequence FROM ledger_book WHERE id = $1',
    [merchantId],
  );
  return row?.head_sequence ?? 0n;
}

/**
 * Each figure counts one account of the transfers that it is about, so that nothing is counted
 * twice; which order a refund's payout belongs to is known by the refund, how much by the ledger.
 */
const MOVED = `
  SELECT coalesce(t.reference ->> 'orderId', r.order_id::text)::uuid AS order_id,
         CASE WHEN t.template IN ('payment-confirmed', 'payment-reorged')
                AND a.code = 'onchain.wallet' THEN 'received'
              WHEN t.template IN ('order-settled', 'order-unsettled')
                AND a.code = 'receipts.unapplied' THEN 'applied'
              WHEN t.template IN ('refund-drawn', 'refund-undrawn')
                AND a.code = 'receipts.unapplied' THEN 'drawn'
              WHEN t.template IN ('refund-sent', 'refund-reversed')
                AND a.code <> 'refundable.total' THEN 'refunded'
              WHEN t.template IN ('payout-sent', 'payout-reversed')
                AND a.code = 'merchant.available' THEN 'paid_back' END AS figure,
         CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END AS amount
    FROM ledger_transfer t
    JOIN ledger_entry e ON e.book_id = t.book_id AND e.sequence = t.sequence
    JOIN ledger_account a ON a.book_id = e.book_id AND a.id = e.account_id
    LEFT JOIN payout p ON t.template LIKE 'payout-%' AND p.merchant_id = t.book_id
          AND p.id = (t.reference ->> 'payoutId')::uuid
    LEFT JOIN refund r ON r.merchant_id = p.merchant_id AND r.id = p.refund_id
   WHERE t.book_id = $1 AND t.recorded_at >= $2 AND t.recorded_at < $3 AND t.sequence <= $4
     AND t.phase <> 'pending' AND t.phase <> 'void'`;

const FIGURES = ['received', 'applied', 'drawn', 'refunded', 'paid_back']
  .map((name) => `coalesce(sum(amount) FILTER (WHERE figure = '${name}'), 0)::bigint AS ${name}`)
  .join(', ');

const MOVED_OF_ORDERS = `SELECT * FROM (${MOVED}) m WHERE order_id IS NOT NULL AND figure IS NOT NULL`;

function valuesOf({ merchantId, fromMs, toMs, through }: Period): unknown[] {
  return [merchantId, new Date(fromMs), new Date(toMs), through];
}

/** Orders for which something moved, in the order of their ids. */
export function readMovements(
  tx: Tx,
  period: Period,
  page: { after: Uuid | null; limit: number },
): Promise<Movement[]> {
  return tx.query<Movement>(
    `SELECT order_id, ${FIGURES} FROM (${MOVED_OF_ORDERS}) n
      WHERE $5::uuid IS NULL OR order_id > $5 GROUP BY order_id ORDER BY order_id LIMIT $6`,
    [...valuesOf(period), page.after, page.limit],
  );
}

/** The same added up over all orders, with their number. */
export function sumMovements(
  tx: Tx,
  period: Period,
): Promise<Omit<Movement, 'order_id'> & { orders: number }> {
  return tx.one(
    `SELECT count(DISTINCT order_id)::int AS orders, ${FIGURES} FROM (${MOVED_OF_ORDERS}) n`,
    valuesOf(period),
  );
}

/**
 * Network fees that the merchant bore for the refunds of orders: of each payout as it says itself,
 * since the ledger books the fee of a transaction as a whole.
 */
export async function readRefundFees(
  tx: Tx,
  period: Period,
  orderIds: readonly Uuid[] | null,
): Promise<Map<Uuid, bigint>> {
  const rows = await tx.query<{ order_id: Uuid; fee_sats: bigint }>(
    `SELECT order_id, sum(fee_share_sats)::bigint AS fee_sats FROM refund
      WHERE merchant_id = $1 AND sent_at >= $2 AND sent_at < $3 AND fee_from = 'merchant'
        AND cap_state = 'posted' AND ($4::uuid[] IS NULL OR order_id = ANY($4))
      GROUP BY order_id`,
    [period.merchantId, new Date(period.fromMs), new Date(period.toMs), orderIds],
  );
  return new Map(rows.map((row) => [row.order_id, row.fee_sats]));
}
