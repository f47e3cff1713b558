import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Notes what an order counts for against its customer's limits. */
export async function insertCustomerOrder(
  tx: Tx,
  order: {
    merchantId: Uuid;
    orderId: Uuid;
    customerId: Uuid;
    worth: { currency: string; minor: bigint } | null;
    atMs: number;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO customer_order (merchant_id, order_id, customer_id, currency, value_minor, created_at)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      order.merchantId,
      order.orderId,
      order.customerId,
      order.worth?.currency ?? null,
      order.worth?.minor ?? null,
      new Date(order.atMs),
    ],
  );
}

/**
 * What a customer ordered since a time, in one currency. Orders count whatever became of them: a limit
 * that forgot unpaid orders could be gone around by paying them all at once.
 */
export async function sumOrders(
  tx: Tx,
  of: { merchantId: Uuid; customerId: Uuid; currency: string; sinceMs: number },
): Promise<bigint> {
  const { sum } = await tx.one<{ sum: bigint }>(
    `SELECT coalesce(sum(value_minor), 0)::bigint AS sum FROM customer_order
      WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3 AND created_at > $4`,
    [of.merchantId, of.customerId, of.currency, new Date(of.sinceMs)],
  );
  return sum;
}

/** Whether the customer of an order is blocked; false where it has none. */
export async function isOrderOfBlocked(
  tx: Tx,
  of: { merchantId: Uuid; orderId: Uuid },
): Promise<boolean> {
  const row = await tx.maybe(
    `SELECT 1 AS found FROM customer_order o
       JOIN customer c ON c.merchant_id = o.merchant_id AND c.id = o.customer_id
      WHERE o.merchant_id = $1 AND o.order_id = $2
        AND (c.blocked_at IS NOT NULL OR c.owner_blocked)`,
    [of.merchantId, of.orderId],
  );
  return row !== undefined;
}

/**
 * When a customer last ordered something that money came for, now or ever; null: never. An order that
 * nobody paid was no business, so no law asks to keep it.
 */
export async function lastOrderAtMs(
  tx: Tx,
  of: { merchantId: Uuid; customerId: Uuid },
): Promise<number | null> {
  const { at } = await tx.one<{ at: Date | null }>(
    `SELECT max(o.created_at) AS at FROM orders o
      WHERE o.merchant_id = $1 AND o.customer_id = $2
        AND (o.received_sats > 0 OR o.late_sats > 0 OR EXISTS
             (SELECT FROM payment p WHERE p.merchant_id = o.merchant_id AND p.order_id = o.id))`,
    [of.merchantId, of.customerId],
  );
  return at?.getTime() ?? null;
}
