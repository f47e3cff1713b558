import { type Uuid, unreachable } from '@quittance/kernel';
import type { LedgerIntent, Notice, OrderChange } from './order-change.ts';
import {
  type HoldEvent,
  isConfirmed,
  type PayableOrder,
  type Payment,
  type PaymentHold,
} from './payment.ts';

/** What a payment begins with, by what its store asks for now. */
export function beginHold({ screening }: Pick<PayableOrder, 'screening'>): PaymentHold {
  if (screening === 'on') return 'screening';
  return screening === 'shadow' ? 'shadow' : 'none';
}

/** A decision about where one of the order's payments came from. Nothing, where it is old news. */
export function changeHold(
  order: PayableOrder,
  payments: readonly Payment[],
  event: HoldEvent & { paymentId: Uuid },
): OrderChange | null {
  const at = payments.findIndex(({ id }) => id === event.paymentId);
  const payment = payments[at];
  if (payment === undefined) return null;
  const hold = nextHold(order, payment.hold, event);
  if (hold === null) return null;
  const next = payments.with(at, { ...payment, hold });
  return { order, payments: next, ledger: [], notices: noticesOf(payment, hold) };
}

function nextHold(order: PayableOrder, hold: PaymentHold, event: HoldEvent): PaymentHold | null {
  switch (event.type) {
    case 'screened':
      if (hold === 'shadow') return 'none';
      if (hold !== 'screening') return null;
      return event.verdict === 'approve' ? 'none' : 'held';
    case 'hold_released':
      // An authority may lift a freeze: by a decision of its own, told the same way.
      return hold === 'held' || hold === 'frozen' ? 'none' : null;
    case 'hold_frozen': {
      if (hold === 'held') return 'frozen';
      // What is promised or paid back already can not be frozen any more.
      const { refundedSats, refundingSats } = order.refunds;
      return hold === 'returnable' && refundedSats + refundingSats === 0n ? 'frozen' : null;
    }
    case 'hold_returned':
      return hold === 'held' ? 'returnable' : null;
    default:
      return unreachable(event);
  }
}

/** Freezing tells nothing: to everybody outside it is as if the payment were still looked at. */
function noticesOf(payment: Payment, hold: PaymentHold): Notice[] {
  const paymentId = payment.id;
  const was = payment.hold;
  if (hold === 'held') return [{ type: 'order.payment_under_review', paymentId }];
  if (hold !== 'none' && hold !== 'returnable') return [];
  const notices: Notice[] = [];
  const wasTold = was === 'held' || was === 'frozen';
  if (wasTold) notices.push({ type: 'order.payment_review_ended', paymentId });
  const counts = hold === 'none' && was !== 'shadow' && isConfirmed(payment);
  if (counts) notices.push({ type: 'order.payment_confirmed', paymentId });
  return notices;
}

/** Where in the book a payment's money is set apart; null: nowhere, or it is not there yet. */
function placeOf(payment: Payment): 'held' | 'frozen' | null {
  if (!isConfirmed(payment)) return null;
  return payment.hold === 'held' || payment.hold === 'frozen' ? payment.hold : null;
}

const INTO = { held: 'compliance-held', frozen: 'compliance-frozen' } as const;
const OUT_OF = { held: 'compliance-released', frozen: 'compliance-unfrozen' } as const;

/**
 * What the ledger has to do so that held and frozen money lies apart. Within one epoch a payment is
 * held once and frozen once at most, so no transfer is ever made twice. A payment that leaves the
 * chain gives back first (undo), so that its own reversal finds the money where it came in.
 */
export function bookHolds(
  before: readonly Payment[],
  after: readonly Payment[],
): { undo: LedgerIntent[]; redo: LedgerIntent[] } {
  const undo: LedgerIntent[] = [];
  const redo: LedgerIntent[] = [];
  // Payments keep their places in the list; new ones are added at its end.
  after.forEach((payment, at) => {
    const was = before[at];
    if (was === payment) return;
    const from = was === undefined ? null : placeOf(was);
    const to = placeOf(payment);
    const { id: paymentId, amountSats, ledgerEpoch } = payment;
    if (from === to && was?.ledgerEpoch === ledgerEpoch) return;
    if (was !== undefined && from !== null) {
      undo.push({ template: OUT_OF[from], paymentId, epoch: was.ledgerEpoch, amountSats });
    }
    if (to !== null) redo.push({ template: INTO[to], paymentId, epoch: ledgerEpoch, amountSats });
  });
  return { undo, redo };
}
