import type { LockedRate, OrderStatus } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OrderDraft } from './draft.ts';

export type OrderRow = OrderDraft & {
  merchantId: Uuid;
  walletId: Uuid;
  addressIndex: number;
  address: string;
  status: OrderStatus;
  expiredAtMs: number | null;
  cancelledAtMs: number | null;
  lateAcceptedAtMs: number | null;
  receivedSats: bigint;
  confirmedSats: bigint;
  lateSats: bigint;
  reviewSats: bigint;
  refundedSats: bigint;
  refundingSats: bigint;
  version: number;
  updatedAtMs: number;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  external_id: string | null;
  description: string | null;
  metadata: Record<string, string>;
  redirect_url: string | null;
  price_currency: string;
  price_minor: bigint;
  rate: LockedRate | null;
  due_sats: bigint;
  tolerance_below_sats: bigint;
  tolerance_above_sats: bigint;
  required_confirmations: number;
  late_policy: 'hold' | 'accept';
  wallet_id: Uuid;
  address_index: number;
  address: string;
  created_at: Date;
  expires_at: Date;
  monitor_until: Date;
  status: OrderStatus;
  expired_at: Date | null;
  cancelled_at: Date | null;
  late_accepted_at: Date | null;
  received_sats: bigint;
  confirmed_sats: bigint;
  late_sats: bigint;
  review_sats: bigint;
  refunded_sats: bigint;
  refunding_sats: bigint;
  version: number;
  updated_at: Date;
  customer_id: Uuid | null;
};

const COLUMNS = `merchant_id, id, external_id, description, metadata, redirect_url, price_currency,
  price_minor, rate, due_sats, tolerance_below_sats, tolerance_above_sats, required_confirmations,
  late_policy, wallet_id, address_index, address, created_at, expires_at, monitor_until, status,
  expired_at, cancelled_at, late_accepted_at, received_sats, confirmed_sats, late_sats,
  review_sats, refunded_sats, refunding_sats, version, updated_at, customer_id`;

function orderOf(row: Row): OrderRow {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    externalId: row.external_id,
    description: row.description,
    metadata: row.metadata,
    redirectUrl: row.redirect_url,
    customerId: row.customer_id,
    priceCurrency: row.price_currency,
    priceMinor: row.price_minor,
    rate: row.rate,
    dueSats: row.due_sats,
    toleranceBelowSats: row.tolerance_below_sats,
    toleranceAboveSats: row.tolerance_above_sats,
    requiredConfirmations: row.required_confirmations,
    latePolicy: row.late_policy,
    walletId: row.wallet_id,
    addressIndex: row.address_index,
    address: row.address,
    createdAtMs: row.created_at.getTime(),
    expiresAtMs: row.expires_at.getTime(),
    monitorUntilMs: row.monitor_until.getTime(),
    status: row.status,
    expiredAtMs: row.expired_at?.getTime() ?? null,
    cancelledAtMs: row.cancelled_at?.getTime() ?? null,
    lateAcceptedAtMs: row.late_accepted_at?.getTime() ?? null,
    receivedSats: row.received_sats,
    confirmedSats: row.confirmed_sats,
    lateSats: row.late_sats,
    reviewSats: row.review_sats,
    refundedSats: row.refunded_sats,
    refundingSats: row.refunding_sats,
    version: row.version,
    updatedAtMs: row.updated_at.getTime(),
  };
}

export type NewOrder = OrderDraft & { walletId: Uuid; addressIndex: number; address: string };

/** Inserts any number of orders of one merchant in one round trip. */
export async function insertOrders(
  tx: Tx,
  merchantId: Uuid,
  orders: readonly NewOrder[],
): Promise<void> {
  await tx.query(
    `INSERT INTO orders (merchant_id, id, external_id, description, metadata, redirect_url,
            price_currency, price_minor, rate, due_sats, tolerance_below_sats,
            tolerance_above_sats, required_confirmations, late_policy, wallet_id, address_index,
            address, created_at, expires_at, monitor_until, customer_id, status, updated_at)
     SELECT $1, id, external_id, description, metadata::jsonb, redirect_url, price_currency,
            price_minor, rate::jsonb, due_sats, tolerance_below_sats, tolerance_above_sats,
            required_confirmations, late_policy, wallet_id, address_index, address, created_at,
            expires_at, monitor_until, customer_id, 'PENDING', created_at
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::int[],
            $14::text[], $15::uuid[], $16::int[], $17::text[], $18::timestamptz[],
            $19::timestamptz[], $20::timestamptz[], $21::uuid[])
         AS n (id, external_id, description, metadata, redirect_url, price_currency, price_minor,
               rate, due_sats, tolerance_below_sats, tolerance_above_sats, required_confirmations,
               late_policy, wallet_id, address_index, address, created_at, expires_at,
               monitor_until, customer_id)`,
    [
      merchantId,
      orders.map(({ id }) => id),
      orders.map(({ externalId }) => externalId),
      orders.map(({ description }) => description),
      orders.map(({ metadata }) => JSON.stringify(metadata)),
      orders.map(({ redirectUrl }) => redirectUrl),
      orders.map(({ priceCurrency }) => priceCurrency),
      orders.map(({ priceMinor }) => priceMinor),
      orders.map(({ rate }) => (rate === null ? null : JSON.stringify(rate))),
      orders.map(({ dueSats }) => dueSats),
      orders.map(({ toleranceBelowSats }) => toleranceBelowSats),
      orders.map(({ toleranceAboveSats }) => toleranceAboveSats),
      orders.map(({ requiredConfirmations }) => requiredConfirmations),
      orders.map(({ latePolicy }) => latePolicy),
      orders.map(({ walletId }) => walletId),
      orders.map(({ addressIndex }) => addressIndex),
      orders.map(({ address }) => address),
      orders.map(({ createdAtMs }) => new Date(createdAtMs)),
      orders.map(({ expiresAtMs }) => new Date(expiresAtMs)),
      orders.map(({ monitorUntilMs }) => new Date(monitorUntilMs)),
      orders.map(({ customerId }) => customerId),
    ],
  );
}

/** An order of a merchant: one that is another merchant's is not found. */
export type OwnOrder = { merchantId: Uuid; id: Uuid };

export async function readOrderRow(tx: Tx, order: OwnOrder): Promise<OrderRow | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM orders WHERE merchant_id = $1 AND id = $2`,
    [order.merchantId, order.id],
  );
  return row === undefined ? undefined : orderOf(row);
}

export async function readOrderRowsById(
  tx: Tx,
  { merchantId, ids }: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<OrderRow[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM orders WHERE merchant_id = $1 AND id = ANY($2::uuid[])`,
    [merchantId, ids],
  );
  return rows.map(orderOf);
}

/** Whosever order it is: for payers, who know only its unguessable id. */
export async function findOrderRow(tx: Tx, orderId: Uuid): Promise<OrderRow | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM orders WHERE id = $1`, [orderId]);
  return row === undefined ? undefined : orderOf(row);
}

export type OrderFilter = {
  merchantId: Uuid;
  startingAfter?: Uuid | undefined;
  limit: number;
  status?: OrderStatus | undefined;
  externalId?: string | undefined;
};

/**
 * The statement for a combination of filters: eight constant texts, each read in the order of an
 * index. A filter that may be null would be applied to every order of the merchant in turn.
 */
export function orderListStatement(filter: OrderFilter): { text: string; values: unknown[] } {
  const values: unknown[] = [filter.merchantId, filter.limit];
  let where = 'merchant_id = $1';
  if (filter.startingAfter !== undefined)
    where += ` AND id < $${values.push(filter.startingAfter)}`;
  if (filter.status !== undefined) where += ` AND status = $${values.push(filter.status)}`;
  if (filter.externalId !== undefined) {
    where += ` AND external_id = $${values.push(filter.externalId)}`;
  }
  const text = `SELECT ${COLUMNS} FROM orders WHERE ${where} ORDER BY id DESC LIMIT $2`;
  return { text, values };
}

/** A merchant's orders, the newest first (ids of version 7 sort by time). */
export async function readOrderRows(tx: Tx, filter: OrderFilter): Promise<OrderRow[]> {
  const { text, values } = orderListStatement(filter);
  return (await tx.query<Row>(text, values)).map(orderOf);
}

/** The height that confirmations count from: the last block whose effects are committed. */
export async function readTipHeight(tx: Tx): Promise<number> {
  const row = await tx.one<{ height: number }>(
    'SELECT coalesce(max(height), 0) AS height FROM chain_cursor',
  );
  return row.height;
}

export type StoredAnswer = { requestHash: Uint8Array; status: number; response: unknown };

/** The answers that were given to these keys before. */
export async function readAnswers(
  tx: Tx,
  merchantId: Uuid,
  keys: readonly string[],
): Promise<Map<string, StoredAnswer>> {
  const rows = await tx.query<{
    key: string;
    request_hash: Buffer;
    status: number;
    response: unknown;
  }>(
    `SELECT key, request_hash, status, response FROM idempotency_key
      WHERE merchant_id = $1 AND key = ANY($2::text[])`,
    [merchantId, keys],
  );
  return new Map(
    rows.map((row) => [
      row.key,
      { requestHash: row.request_hash, status: row.status, response: row.response },
    ]),
  );
}

/** @returns complete: false when another kind of request has just taken one of the keys */
export async function insertAnswers(
  tx: Tx,
  merchantId: Uuid,
  answers: readonly { key: string; requestHash: Uint8Array; status: number; response: unknown }[],
  nowMs: number,
): Promise<{ complete: boolean }> {
  const rows = await tx.query(
    `INSERT INTO idempotency_key (merchant_id, key, request_hash, status, response, created_at)
     SELECT $1, key, request_hash, status, response::json, $6
       FROM unnest($2::text[], $3::bytea[], $4::int[], $5::text[])
         AS n (key, request_hash, status, response)
     ON CONFLICT DO NOTHING RETURNING 1 AS stored`,
    [
      merchantId,
      answers.map(({ key }) => key),
      answers.map(({ requestHash }) => requestHash),
      answers.map(({ status }) => status),
      answers.map(({ response }) => JSON.stringify(response)),
      new Date(nowMs),
    ],
  );
  return { complete: rows.length === answers.length };
}

/** Takes off a customer's orders what the shop wrote about them; numbers and times stay. */
export async function forgetOrderTexts(
  tx: Tx,
  of: { merchantId: Uuid; customerId: Uuid },
): Promise<void> {
  await tx.query(
    `UPDATE orders SET metadata = '{}', description = NULL, redirect_url = NULL
      WHERE merchant_id = $1 AND customer_id = $2`,
    [of.merchantId, of.customerId],
  );
}
