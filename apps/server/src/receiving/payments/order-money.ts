import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { confirmedInAll, divideSettlement, paidStatusOf, totals } from './amounts.ts';
import { isAvailable, type OrderStatus } from './payment.ts';
import { lockOrders, readPayments, type StoredOrder } from './store.ts';

/** What an order has received for certain, and whose it is in the book. */
export type OrderMoney = {
  readonly order: StoredOrder;
  /** The status as if nothing had been paid back. */
  readonly paidStatus: OrderStatus;
  /** The sum of the three that follow. */
  readonly confirmedSats: Sats;
  /** Applied to the order: the merchant's. */
  readonly merchantSats: Sats;
  /** Applied to the order: what was paid too much. */
  readonly excessSats: Sats;
  /** Applied to no order: late, too little for one, or going back. */
  readonly heldSats: Sats;
  /** Of it, what a person decided to send back: it can be refunded while the order is open. */
  readonly returnableSats: Sats;
  /** Transactions of the confirmed payments, oldest first; none of those by Lightning. */
  readonly txids: readonly string[];
};

/**
 * Locks an order and tells what of its money could be paid back. What is being looked at or frozen
 * is none of it.
 */
export async function lockOrderMoney(tx: Tx, orderId: Uuid): Promise<OrderMoney | undefined> {
  const [order] = await lockOrders(tx, [orderId]);
  if (order === undefined) return undefined;
  const payments = (await readPayments(tx, [orderId])).get(orderId) ?? [];
  const available = payments.filter(isAvailable);
  const confirmedSats = confirmedInAll(payments);
  return {
    order,
    paidStatus: paidStatusOf(order, payments, totals(order, payments)),
    confirmedSats,
    ...divideSettlement(order, order.settledSats),
    heldSats: confirmedSats - order.settledSats,
    returnableSats: available.reduce(
      (sum, { hold, amountSats }) => sum + (hold === 'returnable' ? amountSats : 0n),
      0n,
    ),
    txids: [...new Set(available.flatMap(({ txid }) => txid ?? []))],
  };
}
