import type { Order, OrderStatus, OrderView } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readNewestPayments } from '../payments/index.ts';
import {
  confirmationsOf,
  type OpenInvoice,
  orderJson,
  orderView,
  type StoreFace,
} from './present.ts';
import {
  findOrderRow,
  type OrderFilter,
  type OrderRow,
  type OwnOrder,
  readOrderRow,
  readOrderRowsById,
  readOrderRows,
  readTipHeight,
} from './store.ts';

/** What reading needs to know of the merchant and the instance. */
export type Place = { publicUrl: string; storeName: string; readInvoices?: InvoiceReader };

/** Tells the open Lightning invoices of some orders; absent where there is no Lightning. */
export type InvoiceReader = (tx: Tx, orderIds: readonly Uuid[]) => Promise<Map<Uuid, OpenInvoice>>;

/**
 * Of an order the newest payments are shown; its sums are complete. Anybody may pay an address with
 * a thousand small outputs, and a page has a hundred orders.
 */
const MAX_PAYMENTS = 50;

/** One order of a merchant with its payments. */
export async function readOrder(tx: Tx, own: OwnOrder, place: Place): Promise<Order | undefined> {
  const row = await readOrderRow(tx, own);
  if (row === undefined) return undefined;
  const [order] = await withPayments(tx, [row], place);
  return order;
}

/** A page of a merchant's orders, the newest first. */
export async function listOrders(tx: Tx, filter: OrderFilter, place: Place): Promise<Order[]> {
  return withPayments(tx, await readOrderRows(tx, filter), place);
}

async function withPayments(tx: Tx, rows: readonly OrderRow[], place: Place): Promise<Order[]> {
  if (rows.length === 0) return [];
  const tipHeight = await readTipHeight(tx);
  const ids = rows.map(({ id }) => id);
  const payments = await readNewestPayments(tx, ids, MAX_PAYMENTS);
  const invoices = await place.readInvoices?.(tx, ids);
  return rows.map((row) => {
    const shown = { payments: payments.get(row.id) ?? [], invoice: invoices?.get(row.id) };
    return orderJson(row, shown, { ...place, tipHeight });
  });
}

/** What an order was priced at, and what people call it. */
export type PricedOrder = Pick<
  OrderRow,
  'id' | 'externalId' | 'description' | 'priceCurrency' | 'priceMinor' | 'rate'
>;

export async function findPricedOrder(tx: Tx, own: OwnOrder): Promise<PricedOrder | undefined> {
  return await readOrderRow(tx, own);
}

/** Like findPricedOrder, of any number of a merchant's orders, with when they were made. */
export async function readPricedOrders(
  tx: Tx,
  own: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<(PricedOrder & { createdAtMs: number })[]> {
  return await readOrderRowsById(tx, own);
}

/** The merchant of an order: for the payer's pages, who know only the order's unguessable id. */
export async function findOrderMerchant(tx: Tx, orderId: Uuid): Promise<Uuid | undefined> {
  const row = await tx.maybe<{ merchant_id: Uuid }>(
    'SELECT merchant_id FROM orders WHERE id = $1',
    [orderId],
  );
  return row?.merchant_id;
}

/** The payer's view of an order. */
export async function readOrderView(
  tx: Tx,
  orderId: Uuid,
  place: { face: StoreFace; network: string; nowMs: number; readInvoices?: InvoiceReader },
): Promise<OrderView | undefined> {
  const row = await findOrderRow(tx, orderId);
  if (row === undefined) return undefined;
  const payments = await readNewestPayments(tx, [orderId], MAX_PAYMENTS);
  const tipHeight = await readTipHeight(tx);
  const invoice = (await place.readInvoices?.(tx, [orderId]))?.get(orderId);
  return orderView(
    row,
    { payments: payments.get(orderId) ?? [], invoice },
    { ...place, tipHeight },
  );
}

export type LiveState = {
  orderId: Uuid;
  status: OrderStatus;
  timestamp: string;
  version: number;
  confirmations: number;
};

/** What a live page is told when it connects. */
export async function readLiveState(tx: Tx, orderId: Uuid): Promise<LiveState | undefined> {
  const row = await findOrderRow(tx, orderId);
  if (row === undefined) return undefined;
  const payments = (await readNewestPayments(tx, [orderId], MAX_PAYMENTS)).get(orderId) ?? [];
  const tipHeight = await readTipHeight(tx);
  return {
    orderId,
    status: row.status,
    timestamp: new Date(row.updatedAtMs).toISOString(),
    version: row.version,
    confirmations: confirmationsOf(row, payments, tipHeight),
  };
}
