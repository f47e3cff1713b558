import { fromHex, type Sats, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { CancelReason, Invoice, InvoicePurpose, InvoiceState } from './invoice.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  lightning_node: Uuid;
  payment_hash: Buffer;
  purpose: InvoicePurpose;
  order_id: Uuid | null;
  metadata: Record<string, string>;
  description: string;
  bolt11: string;
  amount_msat: bigint | null;
  hold: boolean;
  state: InvoiceState;
  reason: CancelReason | null;
  received_msat: bigint;
  preimage: Buffer | null;
  created_at: Date;
  expires_at: Date;
  settled_at: Date | null;
  look_at: Date | null;
  version: number;
};

const COLUMNS = `merchant_id, id, lightning_node, payment_hash, purpose, order_id, metadata, description,
  bolt11, amount_msat, hold, state, reason, received_msat, preimage, created_at, expires_at,
  settled_at, look_at, version`;

function invoiceOf(row: Row): Invoice {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    lightningNodeId: row.lightning_node,
    paymentHash: toHex(row.payment_hash),
    purpose: row.purpose,
    orderId: row.order_id,
    metadata: row.metadata,
    description: row.description,
    bolt11: row.bolt11,
    amountMsat: row.amount_msat,
    hold: row.hold,
    state: row.state,
    reason: row.reason,
    receivedMsat: row.received_msat,
    preimage: row.preimage === null ? null : toHex(row.preimage),
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    settledAtMs: row.settled_at?.getTime() ?? null,
    lookAtMs: row.look_at?.getTime() ?? null,
    version: row.version,
  };
}

const date = (ms: number | null) => (ms === null ? null : new Date(ms));
const bytes = (hex: string | null) => (hex === null ? null : fromHex(hex));

/** @returns false when the store has an invoice of this payment hash, or one open for this order */
export async function insertInvoice(tx: Tx, invoice: Invoice): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO lightning_invoice (merchant_id, id, lightning_node, payment_hash, purpose, order_id,
            metadata, description, bolt11, amount_msat, hold, state, reason, received_msat, preimage,
            created_at, expires_at, settled_at, look_at, version, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, $20, $16)
     ON CONFLICT DO NOTHING RETURNING 1 AS stored`,
    [
      ...[invoice.merchantId, invoice.id, invoice.lightningNodeId, fromHex(invoice.paymentHash)],
      ...[invoice.purpose, invoice.orderId, JSON.stringify(invoice.metadata), invoice.description],
      ...[invoice.bolt11, invoice.amountMsat, invoice.hold, invoice.state, invoice.reason],
      ...[invoice.receivedMsat, bytes(invoice.preimage), new Date(invoice.createdAtMs)],
      ...[new Date(invoice.expiresAtMs), date(invoice.settledAtMs), date(invoice.lookAtMs)],
      invoice.version,
    ],
  );
  return rows.length === 1;
}

/** Writes a changed invoice. @returns false when somebody else has changed it meanwhile */
export async function saveInvoice(tx: Tx, invoice: Invoice, nowMs: number): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE lightning_invoice SET state = $3, reason = $4, received_msat = $5, preimage = $6,
            settled_at = $7, look_at = $8, version = $9, updated_at = $10
      WHERE merchant_id = $1 AND id = $2 AND version = $9 - 1 RETURNING 1 AS saved`,
    [
      ...[invoice.merchantId, invoice.id, invoice.state, invoice.reason, invoice.receivedMsat],
      ...[bytes(invoice.preimage), date(invoice.settledAtMs), date(invoice.lookAtMs)],
      ...[invoice.version, new Date(nowMs)],
    ],
  );
  return rows.length === 1;
}

/** When the node is to be asked again; says nothing about the invoice. */
export async function lookAgainAt(
  tx: Tx,
  { merchantId, id, atMs }: { merchantId: Uuid; id: Uuid; atMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_invoice SET look_at = $3 WHERE merchant_id = $1 AND id = $2
        AND state NOT IN ('settled', 'cancelled')`,
    [merchantId, id, new Date(atMs)],
  );
}

export type OwnInvoice = { merchantId: Uuid; id: Uuid };

export async function readInvoice(tx: Tx, own: OwnInvoice): Promise<Invoice | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : invoiceOf(row);
}

/** An invoice that a payer of a Lightning address asked for, whosever it is, by its unguessable id. */
export async function findLnurlInvoice(tx: Tx, id: Uuid): Promise<Invoice | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice WHERE id = $1 AND purpose = 'lnurl'`,
    [id],
  );
  return row === undefined ? undefined : invoiceOf(row);
}

export async function lockInvoice(tx: Tx, own: OwnInvoice): Promise<Invoice | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice WHERE merchant_id = $1 AND id = $2 FOR UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : invoiceOf(row);
}

/** Of one store, by payment hash. Not locked: orders are locked first. */
export async function readInvoicesByHash(
  tx: Tx,
  { merchantId, hashes }: { merchantId: Uuid; hashes: readonly string[] },
): Promise<Map<string, Invoice>> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice
      WHERE merchant_id = $1 AND payment_hash = ANY($2::bytea[])`,
    [merchantId, hashes.map(fromHex)],
  );
  return new Map(rows.map((row) => [toHex(row.payment_hash), invoiceOf(row)]));
}

/** Invoices of the store's own and of payers of its Lightning address; the newest first. */
export async function listInvoices(
  tx: Tx,
  page: {
    merchantId: Uuid;
    startingAfter: Uuid | undefined;
    state: InvoiceState | undefined;
    orderId: Uuid | undefined;
    limit: number;
  },
): Promise<Invoice[]> {
  const { merchantId, startingAfter, state, orderId, limit } = page;
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice
      WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR state = $3)
        AND ($4::uuid IS NULL OR order_id = $4)
      ORDER BY id DESC LIMIT $5`,
    [merchantId, startingAfter ?? null, state ?? null, orderId ?? null, limit],
  );
  return rows.map(invoiceOf);
}

/** The open invoices of some orders. */
export async function readOpenOfOrders(
  tx: Tx,
  orderIds: readonly Uuid[],
): Promise<Map<Uuid, Invoice>> {
  const rows = await tx.query<Row & { order_id: Uuid }>(
    `SELECT ${COLUMNS} FROM lightning_invoice WHERE order_id = ANY($1::uuid[]) AND state = 'open'
        AND (merchant_id, order_id) IN (SELECT merchant_id, id FROM orders
             WHERE id = ANY($1::uuid[]))`,
    [orderIds],
  );
  return new Map(rows.map((row) => [row.order_id, invoiceOf(row)]));
}

/** Invoices about which the node is to be asked, those that wait longest first. */
export async function readDueInvoices(tx: Tx, nowMs: number, limit: number): Promise<Invoice[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_invoice WHERE look_at <= $1 ORDER BY look_at LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map(invoiceOf);
}

/** After a pause nobody knows what was missed: everything that may have been paid is looked at. */
export async function lookAtAllOpen(tx: Tx, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE lightning_invoice SET look_at = $1
      WHERE look_at IS NOT NULL AND state NOT IN ('settled', 'cancelled')`,
    [new Date(nowMs)],
  );
}

/**
 * Gives up open invoices that no longer fit their order: another amount is missing, nothing is, the
 * order's time is over, or the store offers no Lightning any more.
 * @param orderIds null: of all orders
 * @returns how many
 */
export async function giveUpMisfits(
  tx: Tx,
  { orderIds, nowMs }: { orderIds: readonly Uuid[] | null; nowMs: number },
): Promise<number> {
  const rows = await tx.query(
    `UPDATE lightning_invoice i SET state = 'cancelling', look_at = $2, version = i.version + 1,
            updated_at = $2,
            reason = CASE WHEN o.expired_at IS NOT NULL THEN 'expired'
              WHEN o.status IN ('PENDING', 'UNDERPAID') AND o.cancelled_at IS NULL
                AND m.settings -> 'lightning' IS DISTINCT FROM 'false' THEN 'superseded'
              ELSE 'order_closed' END
       FROM orders o JOIN merchant m ON m.id = o.merchant_id
      WHERE i.state = 'open' AND i.order_id IS NOT NULL
        AND ($1::uuid[] IS NULL OR i.order_id = ANY($1))
        AND o.merchant_id = i.merchant_id AND o.id = i.order_id
        AND (o.status NOT IN ('PENDING', 'UNDERPAID') OR o.expired_at IS NOT NULL
             OR o.cancelled_at IS NOT NULL OR m.settings -> 'lightning' = 'false'
             OR i.amount_msat <> (o.due_sats - o.received_sats) * 1000)
     RETURNING 1 AS given_up`,
    [orderIds, new Date(nowMs)],
  );
  return rows.length;
}

/** What an order has to do with an invoice for it. */
export type OrderToPay = {
  merchantId: Uuid;
  id: Uuid;
  externalId: string | null;
  description: string | null;
  status: string;
  dueSats: Sats;
  toleranceBelowSats: Sats;
  receivedSats: Sats;
  expiresAtMs: number;
  isOver: boolean;
};

/** @param lock against every other writer, until the transaction ends */
export async function readOrderToPay(
  tx: Tx,
  orderId: Uuid,
  lock: boolean,
): Promise<OrderToPay | undefined> {
  const row = await tx.maybe<{
    merchant_id: Uuid;
    id: Uuid;
    external_id: string | null;
    description: string | null;
    status: string;
    due_sats: bigint;
    tolerance_below_sats: bigint;
    received_sats: bigint;
    expires_at: Date;
    is_over: boolean;
  }>(lock ? `${ORDER_TO_PAY} FOR UPDATE` : ORDER_TO_PAY, [orderId]);
  if (row === undefined) return undefined;
  return {
    merchantId: row.merchant_id,
    id: row.id,
    externalId: row.external_id,
    description: row.description,
    status: row.status,
    dueSats: row.due_sats,
    toleranceBelowSats: row.tolerance_below_sats,
    receivedSats: row.received_sats,
    expiresAtMs: row.expires_at.getTime(),
    isOver: row.is_over,
  };
}

const ORDER_TO_PAY = `SELECT merchant_id, id, external_id, description, status, due_sats,
  tolerance_below_sats, received_sats, expires_at,
  expired_at IS NOT NULL OR cancelled_at IS NOT NULL AS is_over FROM orders WHERE id = $1`;

/** Invoices of a node that may still bring money, by state. */
export async function countUnfinished(
  tx: Tx,
  { merchantId, lightningNodeId }: { merchantId: Uuid; lightningNodeId: Uuid },
): Promise<number> {
  const row = await tx.one<{ count: bigint }>(
    `SELECT (SELECT count(*) FROM lightning_invoice WHERE merchant_id = $1 AND lightning_node = $2
              AND state NOT IN ('settled', 'cancelled'))
          + (SELECT count(*) FROM lightning_offer WHERE merchant_id = $1 AND lightning_node = $2
              AND look_at IS NOT NULL) AS count`,
    [merchantId, lightningNodeId],
  );
  return Number(row.count);
}
