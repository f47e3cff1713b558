import type { OrderEventType } from '@quittance/contract';
import {
  assert,
  currencyDecimals,
  formatDecimal,
  type Ids,
  isCurrency,
  unreachable,
} from '@quittance/kernel';
import type { JsonObject, NewEvent } from '../../telling/events/index.ts';
import { excessSats, remainingSats } from './amounts.ts';
import { confirmationsAt, type OrderStatus, type Payment, reviewOf } from './payment.ts';
import type { StoredOrder } from './store.ts';
import type { OrderChange } from './order-change.ts';

/** Who tells it, when, and at which height of the chain. */
export type Telling = { ids: Ids; nowMs: number; tipHeight: number };

/** The events that a change of an order makes: what happened, then the status it led to. */
export function eventsOf(before: StoredOrder, change: OrderChange, telling: Telling): NewEvent[] {
  const after: StoredOrder = { ...before, ...change.order };
  const payments = new Map(change.payments.map((payment) => [payment.id, payment]));
  // A transaction may pay an order with a thousand outputs: they are told of together.
  const groups = new Map<string, { type: OrderEventType; outputs: Payment[] }>();
  const times = new Map<string, number>();
  for (const notice of change.notices) {
    const payment = 'paymentId' in notice ? payments.get(notice.paymentId) : undefined;
    const about = `${notice.type} ${payment?.id ?? ''}`;
    // What happens to one payment twice, such as two reorganisations, is told twice.
    const nth = times.get(about) ?? 0;
    times.set(about, nth + 1);
    const key = `${notice.type} ${payment?.txid ?? payment?.paymentHash ?? ''} ${nth}`;
    const group = groups.get(key) ?? { type: notice.type, outputs: [] };
    if (payment !== undefined) group.outputs.push(payment);
    groups.set(key, group);
  }
  const events = [...groups.values()].map(({ type, outputs }) =>
    orderEvent(after, type, telling, { outputs }),
  );
  if (before.status !== after.status) {
    events.push(
      orderEvent(after, 'order.status_changed', telling, { previousStatus: before.status }),
    );
  }
  return events;
}

/** What an event tells about an order. */
type ToldOrder = Omit<StoredOrder, 'screening'>;

/**
 * One event about an order, with the order as it is now.
 * @param about.outputs of one transaction, what the event is about
 */
export function orderEvent(
  order: ToldOrder,
  type: OrderEventType,
  telling: Telling,
  about: { outputs?: readonly Payment[]; previousStatus?: OrderStatus } = {},
): NewEvent {
  const { outputs = [] } = about;
  const [payment] = outputs;
  const data: JsonObject = {
    orderId: order.id,
    externalId: order.externalId,
    status: order.status,
    priceCurrency: order.priceCurrency,
    priceAmount: priceText(order),
    dueSats: order.dueSats.toString(),
    receivedSats: order.receivedSats.toString(),
    confirmedSats: order.confirmedSats.toString(),
    remainingSats: remainingSats(order, order.receivedSats).toString(),
    excessSats: excessSats(order, order.receivedSats).toString(),
    lateSats: order.lateSats.toString(),
    reviewSats: order.reviewSats.toString(),
    refundedSats: order.refunds.refundedSats.toString(),
    message: messageOf(type, order),
  };
  if (about.previousStatus !== undefined) data['previousStatus'] = about.previousStatus;
  if (payment !== undefined) {
    data['payment'] = {
      id: payment.id,
      method: payment.method,
      paymentHash: payment.paymentHash,
      txid: payment.txid,
      vout: payment.vout,
      amountSats: payment.amountSats.toString(),
      state: payment.state,
      review: reviewOf(payment),
      confirmations: confirmationsAt(payment, telling.tipHeight),
    };
    if (payment.replacedBy !== null) data['replacedBy'] = payment.replacedBy;
    if (outputs.length > 1) {
      const amountSats = outputs.reduce((sum, each) => sum + each.amountSats, 0n);
      data['transaction'] = { outputs: outputs.length, amountSats: amountSats.toString() };
    }
  }
  return {
    merchantId: order.merchantId,
    id: telling.ids.next(),
    type,
    orderId: order.id,
    data,
    createdAtMs: telling.nowMs,
  };
}

/** The price in its currency's usual notation: "12.50" for USD, "0.00100000" for BTC. */
export function priceText(order: { priceCurrency: string; priceMinor: bigint }): string {
  assert(isCurrency(order.priceCurrency), 'a stored order has a known currency');
  return formatDecimal(order.priceMinor, currencyDecimals(order.priceCurrency));
}

function messageOf(type: OrderEventType, order: ToldOrder): string {
  switch (type) {
    case 'order.created':
      return 'The order was made and its price is locked.';
    case 'order.payment_seen':
      return 'A payment was seen on the network.';
    case 'order.payment_confirmed':
      return 'A payment has the confirmations that the order asks for.';
    case 'order.payment_replaced':
      return 'A payment was replaced by another transaction and does not count any more.';
    case 'order.payment_dropped':
      return 'A payment left the network without being mined and does not count any more.';
    case 'order.payment_reorged':
      return 'The block with a payment left the chain; the payment is unconfirmed again.';
    case 'order.payment_late':
      return 'A payment came after the time for paying was over.';
    case 'order.payment_under_review':
      return 'A payment is being checked; until that is over it does not count as confirmed.';
    case 'order.payment_review_ended':
      return 'A payment has been checked.';
    case 'order.expired':
      return 'The time for paying is over.';
    case 'order.cancelled':
      return 'The order was cancelled.';
    case 'order.status_changed':
      return statusMessage(order);
    default:
      return unreachable(type);
  }
}

function statusMessage({ status, reviewSats }: ToldOrder): string {
  switch (status) {
    case 'PENDING':
      return 'Waiting for a payment.';
    case 'UNCONFIRMED':
      return reviewSats > 0n
        ? 'Enough has arrived; the payment is being checked.'
        : 'Enough has arrived; confirmations are missing.';
    case 'CONFIRMED':
      return 'Paid and confirmed.';
    case 'UNDERPAID':
      return 'Something has arrived, but not enough.';
    case 'OVERPAID':
      return 'Paid and confirmed, with more than was asked for.';
    case 'EXPIRED':
      return 'Nothing arrived in time.';
    case 'INVALID':
      return 'The order was cancelled or its payment was withdrawn.';
    case 'REFUNDED':
      return 'The payment was returned.';
    default:
      return unreachable(status);
  }
}
