import { assert, type Uuid } from '@quittance/kernel';
import {
  complianceFrozen,
  complianceHeld,
  complianceReleased,
  complianceUnfrozen,
  lightningReceived,
  MAX_BATCH,
  orderSettled,
  orderUnsettled,
  paymentConfirmed,
  paymentDropped,
  paymentReorged,
  paymentSeen,
  postTransfers,
  refundDrawn,
  refundUndrawn,
  type Transfer,
} from '../../accounting/ledger/index.ts';
import { together, type Tx } from '../../platform/db/index.ts';
import { type NewEvent, recordEvents } from '../../telling/events/index.ts';
import { isScreeningDue, type PayableOrder, type Payment, type PaymentEvent } from './payment.ts';
import {
  type LiveChange,
  lockOrders,
  notifyOrders,
  type PaymentOfOrder,
  readPayments,
  ringScreening,
  saveHolds,
  saveOrders,
  savePayments,
  type StoredOrder,
} from './store.ts';
import { eventsOf, type Telling } from './tell.ts';
import type { LedgerIntent, OrderChange } from './order-change.ts';
import { applyEvents } from './transition.ts';

/** What happened to one order, in its sequence. */
export type OrderEvents = { orderId: Uuid; events: readonly PaymentEvent[] };

/** Orders with all their payments, locked until the transaction ends. */
export type LockedOrders = {
  orders: readonly StoredOrder[];
  payments: ReadonlyMap<Uuid, readonly Payment[]>;
};

/** Locks orders, as it is done before anything else is. Ones that are not there are left out. */
export async function lockOrdersWithPayments(
  tx: Tx,
  orderIds: readonly Uuid[],
): Promise<LockedOrders> {
  const [orders, payments] = await together([lockOrders(tx, orderIds), readPayments(tx, orderIds)]);
  return { orders, payments };
}

/**
 * Applies events to orders: the transitions, the ledger, the orders and what is told of it, all in
 * the caller's transaction (design §3, law 2). Any number of orders takes the same few round trips.
 * Events that were applied before change nothing.
 * @param locked these orders, where the transaction has locked them before
 * @returns the orders that changed
 */
export async function applyPaymentEvents(
  tx: Tx,
  telling: Telling,
  batch: readonly OrderEvents[],
  locked?: LockedOrders,
): Promise<PayableOrder[]> {
  if (batch.length === 0) return [];
  const eventsByOrder = new Map<Uuid, PaymentEvent[]>();
  for (const { orderId, events } of batch) {
    const list = eventsByOrder.get(orderId);
    if (list === undefined) eventsByOrder.set(orderId, [...events]);
    else list.push(...events);
  }
  const orderIds = [...eventsByOrder.keys()];
  const { orders, payments } = locked ?? (await lockOrdersWithPayments(tx, orderIds));
  assert(orders.length === orderIds.length, 'an event is about an order that is not there');

  const changed: PayableOrder[] = [];
  const changes: LiveChange[] = [];
  const changedPayments: PaymentOfOrder[] = [];
  const changedHolds: PaymentOfOrder[] = [];
  const transfers: Transfer[] = [];
  const events: NewEvent[] = [];
  for (const order of orders) {
    const known = payments.get(order.id) ?? [];
    const change = applyEvents(order, known, eventsByOrder.get(order.id) ?? []);
    if (change === null) continue;
    changed.push(change.order);
    const { id: orderId, status, version } = change.order;
    const previousStatus = order.status;
    changes.push({ orderId, status, version, previousStatus, atMs: telling.nowMs });
    for (const [at, payment] of change.payments.entries()) {
      const was = known[at];
      if (was === payment) continue;
      const of = { merchantId: order.merchantId, orderId: order.id, payment };
      if (was !== undefined && isOnlyHold(was, payment)) changedHolds.push(of);
      else changedPayments.push(of);
    }
    transfers.push(...change.ledger.map((intent) => transferOf(change, intent, telling.nowMs)));
    events.push(...eventsOf(order, change, telling));
  }
  await together([
    savePayments(tx, changedPayments, telling.nowMs),
    saveHolds(tx, changedHolds, telling.nowMs),
    saveOrders(tx, changed, telling.nowMs),
    recordEvents(tx, events),
    notifyOrders(tx, changes),
    ...(changedPayments.some(({ payment }) => isScreeningDue(payment)) ? [ringScreening(tx)] : []),
    // Last of all, since other writers of the book wait from here on.
    postAll(tx, transfers),
  ]);
  return changed;
}

async function postAll(tx: Tx, transfers: readonly Transfer[]): Promise<void> {
  const batches: Promise<number>[] = [];
  for (let at = 0; at < transfers.length; at += MAX_BATCH) {
    batches.push(postTransfers(tx, transfers.slice(at, at + MAX_BATCH)));
  }
  await together(batches);
}

/** A person's decision changes nothing else: a request may write that, and no other news of the chain. */
function isOnlyHold(before: Payment, after: Payment): boolean {
  const { hold: _, ...fields } = after;
  return Object.entries(fields).every(([name, value]) => Reflect.get(before, name) === value);
}

function transferOf({ order }: OrderChange, intent: LedgerIntent, atMs: number): Transfer {
  const { merchantId } = order;
  const orderId = order.id;
  if (intent.template === 'lightning-received') {
    const { paymentId, amountSats, receivedMsat } = intent;
    return lightningReceived({ merchantId, orderId, paymentId, amountSats, receivedMsat, atMs });
  }
  if ('paymentId' in intent) {
    const { paymentId, epoch, amountSats } = intent;
    const args = { merchantId, orderId, paymentId, epoch, amountSats, atMs };
    const templates = {
      'payment-seen': paymentSeen,
      'payment-confirmed': paymentConfirmed,
      'payment-dropped': paymentDropped,
      'payment-reorged': paymentReorged,
      'compliance-held': complianceHeld,
      'compliance-released': complianceReleased,
      'compliance-frozen': complianceFrozen,
      'compliance-unfrozen': complianceUnfrozen,
    } as const;
    return templates[intent.template](args);
  }
  if ('heldSats' in intent) {
    const { epoch, heldSats, excessSats } = intent;
    const args = { merchantId, orderId, epoch, heldSats, excessSats, atMs };
    return intent.template === 'refund-drawn' ? refundDrawn(args) : refundUndrawn(args);
  }
  const { epoch, merchantSats, excessSats } = intent;
  const args = { merchantId, orderId, epoch, dueSats: merchantSats, excessSats, atMs };
  return intent.template === 'order-settled' ? orderSettled(args) : orderUnsettled(args);
}
