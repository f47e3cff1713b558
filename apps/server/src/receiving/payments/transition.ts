import { type Sats, type Uuid, unreachable } from '@quittance/kernel';
import type { LedgerIntent, Notice, OrderChange } from './order-change.ts';
import { beginHold, changeHold } from './hold.ts';
import {
  COINBASE_MATURITY,
  FINALITY_DEPTH,
  type HoldEvent,
  isLive,
  isWithheld,
  type LightningPayment,
  type OnchainPayment,
  type OrderRefunds,
  type PayableOrder,
  type Payment,
  type PaymentEvent,
  type RefundSums,
  reviewOf,
} from './payment.ts';
import { settle } from './settle.ts';

type Step = {
  payment: OnchainPayment;
  ledger: readonly LedgerIntent[];
  notices: readonly Notice[];
};

/**
 * Applies events to an order, in their order, without any I/O. An event that says nothing new
 * changes nothing, so every event may be applied twice.
 * @returns null when nothing changed
 */
export function applyEvents(
  order: PayableOrder,
  payments: readonly Payment[],
  events: readonly PaymentEvent[],
): OrderChange | null {
  let changed = order;
  let all = payments;
  const ledger: LedgerIntent[] = [];
  const notices: Notice[] = [];
  for (const event of events) {
    const next = applyEvent(changed, all, event);
    if (next === null) continue;
    changed = next.order;
    all = next.payments;
    ledger.push(...next.ledger);
    notices.push(...next.notices);
  }
  if (changed === order && all === payments) return null;
  return settle(order, payments, { order: changed, payments: all, ledger, notices });
}

function applyEvent(
  order: PayableOrder,
  payments: readonly Payment[],
  event: PaymentEvent,
): OrderChange | null {
  switch (event.type) {
    case 'expired': {
      if (order.expiredAtMs !== null || order.cancelledAtMs !== null) return null;
      const expired = { ...order, expiredAtMs: event.atMs };
      return { order: expired, payments, ledger: [], notices: [] };
    }
    case 'cancelled': {
      // Only an order that nobody has paid anything for can be taken back.
      if (order.status !== 'PENDING') return null;
      const cancelled = { ...order, cancelledAtMs: event.atMs };
      return { order: cancelled, payments, ledger: [], notices: [{ type: 'order.cancelled' }] };
    }
    case 'late_accepted': {
      if (order.lateAcceptedAtMs !== null || order.lateSats === 0n) return null;
      return {
        order: { ...order, lateAcceptedAtMs: event.atMs },
        payments,
        ledger: [],
        notices: [],
      };
    }
    case 'refunds': {
      const refunds = withSums(order.refunds, event);
      if (refunds === null) return null;
      return { order: { ...order, refunds }, payments, ledger: [], notices: [] };
    }
    case 'lightning_settled':
      return receiveLightning(order, payments, event);
    case 'screened':
    case 'hold_released':
    case 'hold_frozen':
    case 'hold_returned':
      return changeHold(order, payments, event);
    default:
      return applyToPayment(order, payments, event);
  }
}

function withSums(refunds: OrderRefunds, sums: RefundSums): OrderRefunds | null {
  const { refundedSats, refundingSats, heldWantedSats, excessWantedSats } = sums;
  const same =
    refunds.refundedSats === refundedSats &&
    refunds.refundingSats === refundingSats &&
    refunds.heldWantedSats === heldWantedSats &&
    refunds.excessWantedSats === excessWantedSats;
  if (same) return null;
  return { ...refunds, refundedSats, refundingSats, heldWantedSats, excessWantedSats };
}

type LightningSettled = Extract<PaymentEvent, { type: 'lightning_settled' }>;
type OutputEvent = Exclude<
  PaymentEvent,
  {
    type:
      | 'expired'
      | 'cancelled'
      | 'late_accepted'
      | 'refunds'
      | 'lightning_settled'
      | HoldEvent['type'];
  }
>;

/**
 * An invoice of the order was paid. That is final at once: the node has the money. It does not matter
 * which of the order's invoices it was, nor whether it was thought to be cancelled: what has come is
 * recorded and credited, and is late after the order's time as an output on the chain would be.
 */
function receiveLightning(
  order: PayableOrder,
  payments: readonly Payment[],
  event: LightningSettled,
): OrderChange | null {
  const { paymentId, paymentHash, amountSats, receivedMsat, settledAtMs } = event;
  if (payments.some((each) => each.paymentHash === paymentHash)) return null;
  const late = settledAtMs > deadlineOf(order);
  const payment: LightningPayment = {
    ...{ method: 'lightning', paymentHash, txid: null, vout: null },
    ...{ id: paymentId, amountSats, state: 'final', late, firstSeenAtMs: settledAtMs },
    hold: beginHold(order),
    ...{ height: null, blockHash: null, confirmsAtHeight: null, finalsAtHeight: null },
    ...{ replacedBy: null, ledgerEpoch: 1 },
  };
  // What is looked at first is told of as one that is seen on the chain; confirmed comes later.
  const type = isWithheld(payment) ? 'order.payment_seen' : 'order.payment_confirmed';
  const arrived: Notice = { type, paymentId };
  return {
    order,
    payments: [...payments, payment],
    ledger: [{ template: 'lightning-received', paymentId, amountSats, receivedMsat }],
    notices: late ? [{ type: 'order.payment_late', paymentId }, arrived] : [arrived],
  };
}

function deadlineOf(order: PayableOrder): number {
  return Math.min(order.expiresAtMs, order.cancelledAtMs ?? order.expiresAtMs);
}

function applyToPayment(
  order: PayableOrder,
  payments: readonly Payment[],
  event: OutputEvent,
): OrderChange | null {
  const at = payments.findIndex(({ txid, vout }) => txid === event.txid && vout === event.vout);
  const known = payments[at];
  const isKnown = known?.method === 'onchain';
  const step = isKnown ? advance(order, known, event) : begin(order, payments, event);
  if (step === null) return null;
  const next = isKnown ? payments.with(at, step.payment) : [...payments, step.payment];
  return { order, payments: next, ledger: step.ledger, notices: step.notices };
}

/** The first time that an output is heard of; only news of its existence can be. */
function begin(order: PayableOrder, payments: readonly Payment[], event: OutputEvent): Step | null {
  if (event.type !== 'seen' && event.type !== 'included') return null;
  const late = event.firstSeenAtMs > deadlineOf(order) && !replacesPunctual(payments, event);
  const payment: OnchainPayment = {
    method: 'onchain',
    paymentHash: null,
    id: event.paymentId,
    txid: event.txid,
    vout: event.vout,
    amountSats: event.amountSats,
    state: 'seen',
    hold: beginHold(order),
    late,
    firstSeenAtMs: event.firstSeenAtMs,
    height: null,
    blockHash: null,
    confirmsAtHeight: null,
    finalsAtHeight: null,
    replacedBy: null,
    ledgerEpoch: 1,
  };
  const type = late ? 'order.payment_late' : 'order.payment_seen';
  return {
    payment: event.type === 'included' ? include(order, payment, event) : payment,
    ledger: [intent('payment-seen', payment)],
    notices: [{ type, paymentId: payment.id }],
  };
}

/**
 * A fee bump is as punctual as its original. One that pays more than its original is not a fee
 * bump: or a payer could hold the price with a crumb and decide later whether to pay.
 */
function replacesPunctual(
  payments: readonly Payment[],
  event: { replaces: readonly string[]; amountSats: Sats },
): boolean {
  return payments.some(
    ({ txid, late, amountSats }) =>
      !late && amountSats >= event.amountSats && txid !== null && event.replaces.includes(txid),
  );
}

function advance(order: PayableOrder, payment: OnchainPayment, event: OutputEvent): Step | null {
  switch (event.type) {
    case 'seen':
      return isLive(payment) ? null : comeBack(payment);
    case 'included': {
      if (payment.blockHash === event.blockHash || payment.state === 'final') return null;
      const back = isLive(payment) ? null : comeBack(payment);
      const away = payment.blockHash === null ? null : leaveBlock(payment);
      const base = back ?? away ?? { payment, ledger: [], notices: [] };
      return { ...base, payment: include(order, base.payment, event) };
    }
    case 'confirmed': {
      if (payment.state !== 'included') return null;
      const confirmed: OnchainPayment = { ...payment, state: 'confirmed' };
      return {
        payment: confirmed,
        ledger: [intent('payment-confirmed', confirmed)],
        // A shop that ships on this notice must not hear it before the money counts.
        notices:
          reviewOf(payment) !== 'none'
            ? []
            : [{ type: 'order.payment_confirmed', paymentId: payment.id }],
      };
    }
    case 'final':
      if (payment.state !== 'confirmed') return null;
      return { payment: { ...payment, state: 'final' }, ledger: [], notices: [] };
    case 'returned':
      return payment.state === 'included' || payment.state === 'confirmed'
        ? leaveBlock(payment)
        : null;
    case 'replaced':
      return vanish(payment, { state: 'replaced', replacedBy: event.by });
    case 'dropped':
      return vanish(payment, { state: 'dropped', replacedBy: null });
    default:
      return unreachable(event);
  }
}

function include(
  order: PayableOrder,
  payment: OnchainPayment,
  block: { height: number; blockHash: string; coinbase: boolean },
): OnchainPayment {
  const depth = block.coinbase
    ? Math.max(order.requiredConfirmations, COINBASE_MATURITY)
    : order.requiredConfirmations;
  return {
    ...payment,
    state: 'included',
    height: block.height,
    blockHash: block.blockHash,
    confirmsAtHeight: block.height + depth - 1,
    finalsAtHeight: block.height + FINALITY_DEPTH,
  };
}

/** A payment that was replaced or dropped exists again: the ledger begins a new epoch for it. */
function comeBack(payment: OnchainPayment): Step {
  const back: OnchainPayment = {
    ...payment,
    state: 'seen',
    replacedBy: null,
    ledgerEpoch: payment.ledgerEpoch + 1,
  };
  return {
    payment: back,
    ledger: [intent('payment-seen', back)],
    notices: [{ type: 'order.payment_seen', paymentId: payment.id }],
  };
}

/** The block left the active chain: what was posted is reversed and pending again. */
function leaveBlock(payment: OnchainPayment): Step {
  const out: OnchainPayment = {
    ...payment,
    state: 'seen',
    height: null,
    blockHash: null,
    confirmsAtHeight: null,
    finalsAtHeight: null,
  };
  const notices: Notice[] = [{ type: 'order.payment_reorged', paymentId: payment.id }];
  if (payment.state === 'included') return { payment: out, ledger: [], notices };
  const again = { ...out, ledgerEpoch: payment.ledgerEpoch + 1 };
  const ledger = [intent('payment-reorged', payment), intent('payment-seen', again)];
  return { payment: again, ledger, notices };
}

/** The transaction is gone. One that is in a block has to leave the block first. */
function vanish(
  payment: OnchainPayment,
  how: { state: 'replaced' | 'dropped'; replacedBy: string | null },
): Step | null {
  if (payment.state === 'dropped' && how.state === 'replaced') {
    return { payment: { ...payment, ...how }, ledger: [], notices: [] };
  }
  if (payment.state !== 'seen') return null;
  const type = how.state === 'replaced' ? 'order.payment_replaced' : 'order.payment_dropped';
  return {
    payment: { ...payment, ...how },
    ledger: [intent('payment-dropped', payment)],
    notices: [{ type, paymentId: payment.id }],
  };
}

type PaymentTemplate = Extract<LedgerIntent, { paymentId: Uuid; epoch: number }>['template'];

function intent(template: PaymentTemplate, payment: OnchainPayment): LedgerIntent {
  const { id, ledgerEpoch, amountSats } = payment;
  return { template, paymentId: id, epoch: ledgerEpoch, amountSats };
}
