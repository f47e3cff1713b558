import { displayHash, parseHash } from '@quittance/bitcoin';
import { assert, fromHex, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OrderStatus, PayableOrder, Payment, PaymentHold, PaymentState } from './payment.ts';

/** A payable order with what an event tells about it besides. */
export type StoredOrder = PayableOrder & {
  readonly externalId: string | null;
  readonly priceCurrency: string;
  readonly priceMinor: bigint;
};

type OrderRow = {
  merchant_id: Uuid;
  id: Uuid;
  external_id: string | null;
  price_currency: string;
  price_minor: bigint;
  status: OrderStatus;
  due_sats: bigint;
  tolerance_below_sats: bigint;
  tolerance_above_sats: bigint;
  required_confirmations: number;
  late_policy: 'hold' | 'accept';
  screening: 'off' | 'shadow' | 'on';
  expires_at: Date;
  monitor_until: Date;
  expired_at: Date | null;
  cancelled_at: Date | null;
  late_accepted_at: Date | null;
  received_sats: bigint;
  confirmed_sats: bigint;
  late_sats: bigint;
  review_sats: bigint;
  settled_sats: bigint;
  settlement_epoch: number;
  refunded_sats: bigint;
  refunding_sats: bigint;
  refund_held_wanted_sats: bigint;
  refund_excess_wanted_sats: bigint;
  refund_held_drawn_sats: bigint;
  refund_excess_drawn_sats: bigint;
  refund_draw_epoch: number;
  version: number;
};

type PaymentRow = {
  order_id: Uuid;
  id: Uuid;
  method: 'onchain' | 'lightning';
  payment_hash: Buffer | null;
  txid: Buffer | null;
  vout: number | null;
  amount_sats: bigint;
  state: PaymentState;
  hold: PaymentHold;
  late: boolean;
  first_seen_at: Date;
  height: number | null;
  block_hash: Buffer | null;
  confirms_at_height: number | null;
  finals_at_height: number | null;
  replaced_by: Buffer | null;
  ledger_epoch: number;
};

/**
 * Locks orders against every other writer until the transaction ends, always in one sequence. What a
 * store asks for in screening (compliance_settings, owned by compliance/settings; no row: nothing)
 * is read on the way, so that stores without it pay no round trip, and a new setting holds at once.
 */
export async function lockOrders(tx: Tx, orderIds: readonly Uuid[]): Promise<StoredOrder[]> {
  const rows = await tx.query<OrderRow>(
    `SELECT merchant_id, id, external_id, price_currency, price_minor, status, due_sats,
            tolerance_below_sats, tolerance_above_sats, required_confirmations, late_policy,
            expires_at, monitor_until, expired_at, cancelled_at, late_accepted_at, received_sats,
            confirmed_sats, late_sats, review_sats, settled_sats, settlement_epoch,
            refunded_sats, refunding_sats, refund_held_wanted_sats, refund_excess_wanted_sats,
            refund_held_drawn_sats, refund_excess_drawn_sats, refund_draw_epoch, version,
            coalesce((SELECT risk FROM compliance_settings c
                       WHERE c.merchant_id = orders.merchant_id), 'off') AS screening
       FROM orders WHERE id = ANY($1::uuid[]) ORDER BY merchant_id, id FOR UPDATE`,
    [orderIds],
  );
  return rows.map(orderOf);
}

/**
 * Locks the orders of all payments that this tip confirms or makes final. To be called before
 * anything of a step is applied: the first transfer locks the ledger's book, and from then on no
 * order may be waited for, since a merchant's decision locks its order first and then the book.
 * No row leaves the database, however many there are.
 */
export async function lockOrdersDue(tx: Tx, tipHeight: number): Promise<void> {
  await tx.query(
    `WITH due AS (
       SELECT merchant_id, order_id FROM payment
        WHERE state = 'included' AND confirms_at_height <= $1
       UNION SELECT merchant_id, order_id FROM payment
        WHERE state = 'confirmed' AND finals_at_height <= $1
     ), locked AS (
       SELECT o.id FROM orders o WHERE (o.merchant_id, o.id) IN (SELECT * FROM due)
        ORDER BY o.merchant_id, o.id FOR UPDATE)
     SELECT count(*) FROM locked`,
    [tipHeight],
  );
}

function orderOf(row: OrderRow): StoredOrder {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    externalId: row.external_id,
    priceCurrency: row.price_currency,
    priceMinor: row.price_minor,
    status: row.status,
    dueSats: row.due_sats,
    toleranceBelowSats: row.tolerance_below_sats,
    toleranceAboveSats: row.tolerance_above_sats,
    requiredConfirmations: row.required_confirmations,
    latePolicy: row.late_policy,
    screening: row.screening,
    expiresAtMs: row.expires_at.getTime(),
    monitorUntilMs: row.monitor_until.getTime(),
    expiredAtMs: row.expired_at?.getTime() ?? null,
    cancelledAtMs: row.cancelled_at?.getTime() ?? null,
    lateAcceptedAtMs: row.late_accepted_at?.getTime() ?? null,
    receivedSats: row.received_sats,
    confirmedSats: row.confirmed_sats,
    lateSats: row.late_sats,
    reviewSats: row.review_sats,
    settledSats: row.settled_sats,
    settlementEpoch: row.settlement_epoch,
    refunds: {
      refundedSats: row.refunded_sats,
      refundingSats: row.refunding_sats,
      heldWantedSats: row.refund_held_wanted_sats,
      excessWantedSats: row.refund_excess_wanted_sats,
      heldDrawnSats: row.refund_held_drawn_sats,
      excessDrawnSats: row.refund_excess_drawn_sats,
      drawEpoch: row.refund_draw_epoch,
    },
    version: row.version,
  };
}

/** The payments of some orders, oldest first. */
export async function readPayments(
  tx: Tx,
  orderIds: readonly Uuid[],
): Promise<Map<Uuid, Payment[]>> {
  const rows = await tx.query<PaymentRow>(
    `SELECT order_id, id, method, payment_hash, txid, vout, amount_sats, state, late, first_seen_at,
            height, block_hash, confirms_at_height, finals_at_height, replaced_by, ledger_epoch,
            hold
       FROM payment WHERE (merchant_id, order_id) IN
            (SELECT merchant_id, id FROM orders WHERE id = ANY($1::uuid[]))
      ORDER BY first_seen_at, id`,
    [orderIds],
  );
  return byOrder(rows);
}

/** Like readPayments, but of each order only so many of the newest. */
export async function readNewestPayments(
  tx: Tx,
  orderIds: readonly Uuid[],
  limit: number,
): Promise<Map<Uuid, Payment[]>> {
  const rows = await tx.query<PaymentRow>(
    `SELECT p.* FROM orders o CROSS JOIN LATERAL (
       SELECT order_id, id, method, payment_hash, txid, vout, amount_sats, state, late,
              first_seen_at, height, block_hash, confirms_at_height, finals_at_height, replaced_by,
              ledger_epoch, hold
         FROM payment WHERE merchant_id = o.merchant_id AND order_id = o.id
        ORDER BY first_seen_at DESC, id DESC LIMIT $2) p
      WHERE o.id = ANY($1::uuid[]) ORDER BY p.first_seen_at, p.id`,
    [orderIds, limit],
  );
  return byOrder(rows);
}

function byOrder(rows: readonly PaymentRow[]): Map<Uuid, Payment[]> {
  const payments = new Map<Uuid, Payment[]>();
  for (const row of rows) {
    const list = payments.get(row.order_id);
    if (list === undefined) payments.set(row.order_id, [paymentOf(row)]);
    else list.push(paymentOf(row));
  }
  return payments;
}

function paymentOf(row: PaymentRow): Payment {
  const shared = {
    id: row.id,
    amountSats: row.amount_sats,
    hold: row.hold,
    late: row.late,
    firstSeenAtMs: row.first_seen_at.getTime(),
    height: row.height,
    blockHash: row.block_hash === null ? null : displayHash(row.block_hash),
    confirmsAtHeight: row.confirms_at_height,
    finalsAtHeight: row.finals_at_height,
    replacedBy: row.replaced_by === null ? null : displayHash(row.replaced_by),
    ledgerEpoch: row.ledger_epoch,
  };
  if (row.method === 'lightning') {
    assert(row.payment_hash !== null && row.state === 'final', 'what Lightning brought is final');
    const paymentHash = toHex(row.payment_hash);
    return { ...shared, method: 'lightning', state: 'final', txid: null, vout: null, paymentHash };
  }
  assert(row.txid !== null && row.vout !== null, 'an output has its place on the chain');
  const { state, vout } = row;
  const txid = displayHash(row.txid);
  return { ...shared, method: 'onchain', state, txid, vout, paymentHash: null };
}

export type PaymentOfOrder = { merchantId: Uuid; orderId: Uuid; payment: Payment };

export async function savePayments(
  tx: Tx,
  payments: readonly PaymentOfOrder[],
  nowMs: number,
): Promise<void> {
  if (payments.length === 0) return;
  const all = payments.map(({ payment }) => payment);
  const hash = (text: string | null) => (text === null ? null : parseHash(text));
  await tx.query(
    `INSERT INTO payment (merchant_id, order_id, id, txid, vout, amount_sats, state, late,
            first_seen_at, height, block_hash, confirms_at_height, finals_at_height, replaced_by,
            ledger_epoch, method, payment_hash, hold, updated_at)
     SELECT *, $16::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[],
            $5::int[], $6::bigint[], $7::text[], $8::boolean[], $9::timestamptz[], $10::int[],
            $11::bytea[], $12::int[], $13::int[], $14::bytea[], $15::int[], $17::text[],
            $18::bytea[], $19::text[])
     ON CONFLICT (merchant_id, id) DO UPDATE SET state = excluded.state, height = excluded.height,
            block_hash = excluded.block_hash, confirms_at_height = excluded.confirms_at_height,
            finals_at_height = excluded.finals_at_height, replaced_by = excluded.replaced_by,
            ledger_epoch = excluded.ledger_epoch, hold = excluded.hold,
            updated_at = excluded.updated_at`,
    [
      payments.map(({ merchantId }) => merchantId),
      payments.map(({ orderId }) => orderId),
      all.map(({ id }) => id),
      all.map(({ txid }) => hash(txid)),
      all.map(({ vout }) => vout),
      all.map(({ amountSats }) => amountSats),
      all.map(({ state }) => state),
      all.map(({ late }) => late),
      all.map(({ firstSeenAtMs }) => new Date(firstSeenAtMs)),
      all.map(({ height }) => height),
      all.map(({ blockHash }) => hash(blockHash)),
      all.map(({ confirmsAtHeight }) => confirmsAtHeight),
      all.map(({ finalsAtHeight }) => finalsAtHeight),
      all.map(({ replacedBy }) => hash(replacedBy)),
      all.map(({ ledgerEpoch }) => ledgerEpoch),
      new Date(nowMs),
      all.map(({ method }) => method),
      all.map(({ paymentHash }) => (paymentHash === null ? null : fromHex(paymentHash))),
      all.map(({ hold }) => hold),
    ],
  );
}

/** Writes what was decided about payments, and nothing else of them. */
export async function saveHolds(
  tx: Tx,
  payments: readonly PaymentOfOrder[],
  nowMs: number,
): Promise<void> {
  if (payments.length === 0) return;
  const saved = await tx.query(
    `UPDATE payment p SET hold = n.hold, updated_at = $4
       FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n (merchant_id, id, hold)
      WHERE p.merchant_id = n.merchant_id AND p.id = n.id RETURNING 1 AS saved`,
    [
      payments.map(({ merchantId }) => merchantId),
      payments.map(({ payment }) => payment.id),
      payments.map(({ payment }) => payment.hold),
      new Date(nowMs),
    ],
  );
  assert(saved.length === payments.length, 'saveHolds: a payment was not as it was read');
}

/** Writes what transitions changed. The rows are locked, so the version can't have moved. */
export async function saveOrders(
  tx: Tx,
  orders: readonly PayableOrder[],
  nowMs: number,
): Promise<void> {
  if (orders.length === 0) return;
  const date = (ms: number | null) => (ms === null ? null : new Date(ms));
  const saved = await tx.query(
    `UPDATE orders o SET status = n.status, expired_at = n.expired_at,
            cancelled_at = n.cancelled_at, late_accepted_at = n.late_accepted_at,
            received_sats = n.received_sats, confirmed_sats = n.confirmed_sats,
            late_sats = n.late_sats, review_sats = n.review_sats,
            settled_sats = n.settled_sats,
            settlement_epoch = n.settlement_epoch, refunded_sats = n.refunded_sats,
            refunding_sats = n.refunding_sats,
            refund_held_wanted_sats = n.refund_held_wanted_sats,
            refund_excess_wanted_sats = n.refund_excess_wanted_sats,
            refund_held_drawn_sats = n.refund_held_drawn_sats,
            refund_excess_drawn_sats = n.refund_excess_drawn_sats,
            refund_draw_epoch = n.refund_draw_epoch, version = n.version, updated_at = $13
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[],
            $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
            $11::int[], $12::int[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
            $18::bigint[], $19::bigint[], $20::int[], $21::bigint[])
         AS n (merchant_id, id, status, expired_at, cancelled_at, late_accepted_at, received_sats,
               confirmed_sats, late_sats, settled_sats, settlement_epoch, version, refunded_sats,
               refunding_sats, refund_held_wanted_sats, refund_excess_wanted_sats,
               refund_held_drawn_sats, refund_excess_drawn_sats, refund_draw_epoch,
               review_sats)
      WHERE o.merchant_id = n.merchant_id AND o.id = n.id AND o.version = n.version - 1
     RETURNING 1 AS saved`,
    [
      orders.map(({ merchantId }) => merchantId),
      orders.map(({ id }) => id),
      orders.map(({ status }) => status),
      orders.map(({ expiredAtMs }) => date(expiredAtMs)),
      orders.map(({ cancelledAtMs }) => date(cancelledAtMs)),
      orders.map(({ lateAcceptedAtMs }) => date(lateAcceptedAtMs)),
      orders.map(({ receivedSats }) => receivedSats),
      orders.map(({ confirmedSats }) => confirmedSats),
      orders.map(({ lateSats }) => lateSats),
      orders.map(({ settledSats }) => settledSats),
      orders.map(({ settlementEpoch }) => settlementEpoch),
      orders.map(({ version }) => version),
      new Date(nowMs),
      orders.map(({ refunds }) => refunds.refundedSats),
      orders.map(({ refunds }) => refunds.refundingSats),
      orders.map(({ refunds }) => refunds.heldWantedSats),
      orders.map(({ refunds }) => refunds.excessWantedSats),
      orders.map(({ refunds }) => refunds.heldDrawnSats),
      orders.map(({ refunds }) => refunds.excessDrawnSats),
      orders.map(({ refunds }) => refunds.drawEpoch),
      orders.map(({ reviewSats }) => reviewSats),
    ],
  );
  // An order that is not saved while its ledger transfers are would be money that nobody owns.
  assert(saved.length === orders.length, 'saveOrders: an order was not as it was read');
}

/** Rung when a payment begins that has to be decided about; its listener reads what waits. */
export const SCREENING_DUE_CHANNEL = 'quittance_screening_due';

export async function ringScreening(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_notify($1, '')`, [SCREENING_DUE_CHANNEL]);
}

export type LiveChange = {
  orderId: Uuid;
  status: OrderStatus;
  version: number;
  atMs: number;
  confirmations?: number;
  /** Told when the order itself changed, and not only the number of confirmations. */
  previousStatus?: OrderStatus;
};

/** Rings for everybody who watches one of these orders; delivered when the transaction commits. */
export async function notifyOrders(tx: Tx, changes: readonly LiveChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `SELECT pg_notify('quittance_orders', payload) FROM unnest($1::text[]) AS payload`,
    [
      changes.map(({ atMs, ...change }) =>
        JSON.stringify({ ...change, timestamp: new Date(atMs).toISOString() }),
      ),
    ],
  );
}
