import { type Sats, type Uuid, unreachable } from '@quittance/kernel';
import {
  confirmedInAll,
  divideSettlement,
  drawsOf,
  lowestAcceptedSats,
  paidStatusOf,
  statusOf,
  totals,
} from './amounts.ts';
import {
  COINBASE_MATURITY,
  FINALITY_DEPTH,
  isLive,
  type OrderRefunds,
  type PayableOrder,
  type Payment,
  type PaymentEvent,
  type RefundSums,
} from './payment.ts';

/** A transfer that the ledger has to take, in this order. */
export type LedgerIntent =
  | {
      readonly template:
        | 'payment-seen'
        | 'payment-confirmed'
        | 'payment-dropped'
        | 'payment-reorged';
      readonly paymentId: Uuid;
      readonly epoch: number;
      readonly amountSats: Sats;
    }
  | {
      readonly template: 'order-settled' | 'order-unsettled';
      readonly epoch: number;
      readonly merchantSats: Sats;
      readonly excessSats: Sats;
    }
  | {
      readonly template: 'refund-drawn' | 'refund-undrawn';
      readonly epoch: number;
      readonly heldSats: Sats;
      readonly excessSats: Sats;
    };

/** Something that the merchant is told besides the change of status. */
export type Notice =
  | {
      readonly type:
        | 'order.payment_seen'
        | 'order.payment_confirmed'
        | 'order.payment_replaced'
        | 'order.payment_dropped'
        | 'order.payment_reorged'
        | 'order.payment_late';
      readonly paymentId: Uuid;
    }
  | { readonly type: 'order.expired' | 'order.cancelled' };

/** An order with its payments and everything that has to be written with the change. */
export type OrderChange = {
  readonly order: PayableOrder;
  readonly payments: readonly Payment[];
  readonly ledger: readonly LedgerIntent[];
  readonly notices: readonly Notice[];
};

type Step = { payment: Payment; ledger: readonly LedgerIntent[]; notices: readonly Notice[] };

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
  return settle(order, { order: changed, payments: all, ledger, notices });
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

type OutputEvent = Exclude<
  PaymentEvent,
  { type: 'expired' | 'cancelled' | 'late_accepted' | 'refunds' }
>;

function applyToPayment(
  order: PayableOrder,
  payments: readonly Payment[],
  event: OutputEvent,
): OrderChange | null {
  const at = payments.findIndex(({ txid, vout }) => txid === event.txid && vout === event.vout);
  const known = payments[at];
  const step = known === undefined ? begin(order, payments, event) : advance(order, known, event);
  if (step === null) return null;
  const next = known === undefined ? [...payments, step.payment] : payments.with(at, step.payment);
  return { order, payments: next, ledger: step.ledger, notices: step.notices };
}

/** The first time that an output is heard of; only news of its existence can be. */
function begin(order: PayableOrder, payments: readonly Payment[], event: OutputEvent): Step | null {
  if (event.type !== 'seen' && event.type !== 'included') return null;
  const deadlineMs = Math.min(order.expiresAtMs, order.cancelledAtMs ?? order.expiresAtMs);
  const late = event.firstSeenAtMs > deadlineMs && !replacesPunctual(payments, event);
  const payment: Payment = {
    id: event.paymentId,
    txid: event.txid,
    vout: event.vout,
    amountSats: event.amountSats,
    state: 'seen',
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
      !late && amountSats >= event.amountSats && event.replaces.includes(txid),
  );
}

function advance(order: PayableOrder, payment: Payment, event: OutputEvent): Step | null {
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
      const confirmed: Payment = { ...payment, state: 'confirmed' };
      return {
        payment: confirmed,
        ledger: [intent('payment-confirmed', confirmed)],
        notices: [{ type: 'order.payment_confirmed', paymentId: payment.id }],
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
  payment: Payment,
  block: { height: number; blockHash: string; coinbase: boolean },
): Payment {
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
function comeBack(payment: Payment): Step {
  const back: Payment = {
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
function leaveBlock(payment: Payment): Step {
  const out: Payment = {
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
  payment: Payment,
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

type PaymentTemplate = Extract<LedgerIntent, { paymentId: Uuid }>['template'];

function intent(template: PaymentTemplate, payment: Payment): LedgerIntent {
  const { id, ledgerEpoch, amountSats } = payment;
  return { template, paymentId: id, epoch: ledgerEpoch, amountSats };
}

/**
 * Derives totals and status, and has the ledger apply the confirmed money to the order: what was
 * applied before is undone first (it may be needed for a reversal), what holds now comes last.
 */
function settle(before: PayableOrder, change: OrderChange): OrderChange {
  const sums = totals(change.order, change.payments);
  const status = statusOf(change.order, change.payments, sums);
  const paidStatus = paidStatusOf(change.order, change.payments, sums);
  const paid = paidStatus === 'CONFIRMED' || paidStatus === 'OVERPAID';
  const settledSats = paid ? sums.confirmedSats : 0n;
  const reposted = change.ledger.some(({ template }) => template === 'payment-reorged');
  const undo = before.settledSats > 0n && (settledSats !== before.settledSats || reposted);
  const redo = settledSats > 0n && (undo || before.settledSats === 0n);
  const epoch = before.settlementEpoch;
  const ledger: LedgerIntent[] = [...change.ledger];
  if (undo) {
    const parts = divideSettlement(before, before.settledSats);
    ledger.unshift({ template: 'order-unsettled', epoch, ...parts });
  }
  if (redo) {
    const parts = divideSettlement(before, settledSats);
    ledger.push({ template: 'order-settled', epoch: epoch + 1, ...parts });
  }
  const heldSats = confirmedInAll(change.payments) - settledSats;
  const { excessSats } = divideSettlement(before, settledSats);
  const draws = redraw(before.refunds, change.order.refunds, {
    there: { heldSats, excessSats },
    moved: undo || redo || reposted,
  });
  // What was drawn is given back before anything is taken away, and drawn again from what is left.
  if (draws.giveBack !== null) ledger.unshift(draws.giveBack);
  if (draws.take !== null) ledger.push(draws.take);
  const order: PayableOrder = {
    ...change.order,
    ...sums,
    status,
    settledSats,
    settlementEpoch: redo ? epoch + 1 : epoch,
    refunds: draws.refunds,
    version: before.version + 1,
  };
  const notices = tellsExpiry(before, order)
    ? [...change.notices, { type: 'order.expired' } as const]
    : change.notices;
  return { ...change, order, ledger, notices };
}

/** Adjusts what refunds draw from excess and held money to what is there of either. */
function redraw(
  before: OrderRefunds,
  after: OrderRefunds,
  book: { there: { heldSats: Sats; excessSats: Sats }; moved: boolean },
): { refunds: OrderRefunds; giveBack: LedgerIntent | null; take: LedgerIntent | null } {
  const drawn = { heldSats: before.heldDrawnSats, excessSats: before.excessDrawnSats };
  const draws = drawsOf(after, book.there);
  const had = drawn.heldSats + drawn.excessSats > 0n;
  const changed =
    draws.heldSats !== drawn.heldSats || draws.excessSats !== drawn.excessSats || book.moved;
  const gives = had && changed;
  const takes = draws.heldSats + draws.excessSats > 0n && (gives || !had);
  const epoch = before.drawEpoch;
  return {
    refunds: {
      ...after,
      heldDrawnSats: draws.heldSats,
      excessDrawnSats: draws.excessSats,
      drawEpoch: takes ? epoch + 1 : epoch,
    },
    giveBack: gives ? { template: 'refund-undrawn', epoch, ...drawn } : null,
    take: takes ? { template: 'refund-drawn', epoch: epoch + 1, ...draws } : null,
  };
}

/**
 * An order's end is told when its time is over and it is short: at its expiry, or when enough had
 * arrived then and is gone later. One that falls short again after that is told again.
 */
function tellsExpiry(before: PayableOrder, after: PayableOrder): boolean {
  if (after.expiredAtMs === null || after.cancelledAtMs !== null || !isShort(after)) return false;
  return before.expiredAtMs === null || !isShort(before);
}

function isShort(order: PayableOrder): boolean {
  return order.receivedSats < lowestAcceptedSats(order);
}
