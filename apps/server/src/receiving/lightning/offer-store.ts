import { fromHex, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** An offer of the store's node for an order, beside an invoice for the same. */
export type OrderOffer = {
  readonly merchantId: Uuid;
  readonly offerId: string;
  readonly lightningNodeId: Uuid;
  readonly invoiceId: Uuid;
  readonly orderId: Uuid;
  readonly bolt12: string;
};

type Row = {
  merchant_id: Uuid;
  offer_id: Buffer;
  lightning_node: Uuid;
  invoice_id: Uuid;
  order_id: Uuid;
  bolt12: string;
};

const COLUMNS = 'merchant_id, offer_id, lightning_node, invoice_id, order_id, bolt12';

function offerOf(row: Row): OrderOffer {
  return {
    merchantId: row.merchant_id,
    offerId: toHex(row.offer_id),
    lightningNodeId: row.lightning_node,
    invoiceId: row.invoice_id,
    orderId: row.order_id,
    bolt12: row.bolt12,
  };
}

/** With its invoice, in one transaction: what is paid by it finds its order. */
export async function insertOffer(tx: Tx, offer: OrderOffer, nowMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO lightning_offer (${COLUMNS}, created_at, look_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7)`,
    [
      ...[offer.merchantId, fromHex(offer.offerId), offer.lightningNodeId, offer.invoiceId],
      ...[offer.orderId, offer.bolt12, new Date(nowMs)],
    ],
  );
}

/** The orders that some offers of one store are for, by the offer's id. */
export async function readOrdersOfOffers(
  tx: Tx,
  { merchantId, offerIds }: { merchantId: Uuid; offerIds: readonly string[] },
): Promise<Map<string, Uuid>> {
  if (offerIds.length === 0) return new Map();
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_offer WHERE merchant_id = $1 AND offer_id = ANY($2::bytea[])`,
    [merchantId, offerIds.map(fromHex)],
  );
  return new Map(rows.map((row) => [toHex(row.offer_id), row.order_id]));
}

/** The offers that stand beside some open invoices, by the invoice's id. */
export async function readOffersOfInvoices(
  tx: Tx,
  invoiceIds: readonly Uuid[],
): Promise<Map<Uuid, string>> {
  if (invoiceIds.length === 0) return new Map();
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM lightning_offer
      WHERE (merchant_id, invoice_id) IN (SELECT merchant_id, id FROM lightning_invoice
             WHERE id = ANY($1::uuid[]))`,
    [invoiceIds],
  );
  return new Map(rows.map((row) => [row.invoice_id, row.bolt12]));
}

/** Offers whose invoice is not open any more, and that the node still has. */
export async function readOffersToWithdraw(
  tx: Tx,
  nowMs: number,
  limit: number,
): Promise<OrderOffer[]> {
  const rows = await tx.query<Row>(
    `SELECT o.merchant_id, o.offer_id, o.lightning_node, o.invoice_id, o.order_id, o.bolt12
       FROM lightning_offer o JOIN lightning_invoice i
         ON i.merchant_id = o.merchant_id AND i.id = o.invoice_id
      WHERE o.look_at <= $1 AND i.state <> 'open'
      ORDER BY o.look_at LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map(offerOf);
}

/** @param atMs when the node is asked again; null: it has withdrawn the offer */
export async function lookAtOfferAgain(
  tx: Tx,
  { merchantId, offerId, atMs }: { merchantId: Uuid; offerId: string; atMs: number | null },
): Promise<void> {
  await tx.query(
    'UPDATE lightning_offer SET look_at = $3 WHERE merchant_id = $1 AND offer_id = $2',
    [merchantId, fromHex(offerId), atMs === null ? null : new Date(atMs)],
  );
}
