import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { applyPaymentEvents, type OrderEvents } from './apply-events.ts';
import type { PaymentEvent } from './payment.ts';
import { notifyOrders } from './store.ts';
import {
  type DuePayment,
  readConfirmingOrders,
  readOrdersToExpire,
  readPaymentsOfTransactions,
  readPaymentsToConfirm,
  readPaymentsToFinalise,
} from './due-store.ts';
import type { Telling } from './tell.ts';

/** Payments that are taken up at a time: bounds memory however many become due in one block. */
const PAGE = 1_000;
/** Open pages that are told of each confirmation; beyond it they hear of the status only. */
const MAX_CONFIRMING_ORDERS = 2_000;
/** Orders that expire in one transaction. */
const MAX_EXPIRIES = 500;

/** Confirms and finalises what the present tip makes due, and tells the pages that wait. */
export async function applyTip(tx: Tx, telling: Telling): Promise<void> {
  for (;;) {
    const due = await readPaymentsToConfirm(tx, telling.tipHeight, PAGE);
    await applyPaymentEvents(tx, telling, eventsFor(due, 'confirmed'));
    if (due.length < PAGE) break;
  }
  for (;;) {
    const due = await readPaymentsToFinalise(tx, telling.tipHeight, PAGE);
    await applyPaymentEvents(tx, telling, eventsFor(due, 'final'));
    if (due.length < PAGE) break;
  }
  const { tipHeight } = telling;
  await notifyOrders(tx, await readConfirmingOrders(tx, tipHeight, MAX_CONFIRMING_ORDERS));
}

/** Transactions lost their block, were replaced or dropped: tells their orders. */
export async function eventsForTransactions(
  tx: Tx,
  txids: readonly string[],
  eventOf: (output: { txid: string; vout: number }) => PaymentEvent,
): Promise<OrderEvents[]> {
  if (txids.length === 0) return [];
  const payments = await readPaymentsOfTransactions(tx, txids);
  return payments.map(({ orderId, txid, vout }) => ({
    orderId,
    events: [eventOf({ txid, vout })],
  }));
}

/** Whether an open order's time is over: asked often, writes nothing. */
export async function areOrdersDue(tx: Tx, nowMs: number): Promise<boolean> {
  return (await readOrdersToExpire(tx, nowMs, 1)).length > 0;
}

/**
 * Expires what is due. Only to be called while the chain source is current: before that, a payment
 * that came in time may not have been taken in yet.
 * @returns whether there may be more
 */
export async function expireOrders(tx: Tx, telling: Telling): Promise<boolean> {
  const due: Uuid[] = await readOrdersToExpire(tx, telling.nowMs, MAX_EXPIRIES);
  const events: PaymentEvent[] = [{ type: 'expired', atMs: telling.nowMs }];
  await applyPaymentEvents(
    tx,
    telling,
    due.map((orderId) => ({ orderId, events })),
  );
  return due.length === MAX_EXPIRIES;
}

function eventsFor(due: readonly DuePayment[], type: 'confirmed' | 'final'): OrderEvents[] {
  return due.map(({ orderId, txid, vout }) => ({ orderId, events: [{ type, txid, vout }] }));
}
