import { multiplyRatio, type Sats } from '@quittance/kernel';
import {
  isAvailable,
  isLive,
  isWithheld,
  type OrderRefunds,
  type OrderStatus,
  type PayableOrder,
  type Payment,
} from './payment.ts';

export type Totals = {
  receivedSats: Sats;
  confirmedSats: Sats;
  lateSats: Sats;
  reviewSats: Sats;
};

type Acceptance = Pick<PayableOrder, 'latePolicy' | 'monitorUntilMs' | 'lateAcceptedAtMs'>;

/**
 * A late payment counts where somebody accepted it for this order, or where the store accepts all
 * that come within its time for late ones: a price is not honoured for ever. One that goes back
 * counts for no order.
 */
export function counts(order: Acceptance, payment: Payment): boolean {
  if (payment.hold === 'returnable') return false;
  if (!payment.late || order.lateAcceptedAtMs !== null) return true;
  return order.latePolicy === 'accept' && payment.firstSeenAtMs <= order.monitorUntilMs;
}

/** Adds up what an order's payments amount to: repeated and partial payments count together. */
export function totals(order: Acceptance, payments: readonly Payment[]): Totals {
  let receivedSats = 0n;
  let confirmedSats = 0n;
  let lateSats = 0n;
  let reviewSats = 0n;
  for (const payment of payments) {
    if (!isLive(payment)) continue;
    if (isWithheld(payment)) reviewSats += payment.amountSats;
    if (counts(order, payment)) {
      receivedSats += payment.amountSats;
      if (isAvailable(payment)) confirmedSats += payment.amountSats;
    } else if (payment.hold !== 'returnable') lateSats += payment.amountSats;
  }
  return { receivedSats, confirmedSats, lateSats, reviewSats };
}

type Amounts = Pick<PayableOrder, 'dueSats' | 'toleranceBelowSats' | 'toleranceAboveSats'>;

/** The least that pays an order. */
export function lowestAcceptedSats(order: Amounts): Sats {
  return order.dueSats - order.toleranceBelowSats;
}

/** The most that is not an overpayment. */
export function highestAcceptedSats(order: Amounts): Sats {
  return order.dueSats + order.toleranceAboveSats;
}

/** What a payer still has to send: the whole price, not the tolerated minimum. */
export function remainingSats(order: Amounts, receivedSats: Sats): Sats {
  return receivedSats >= lowestAcceptedSats(order) ? 0n : order.dueSats - receivedSats;
}

/** How much more than the price has arrived; nothing as long as it is within tolerance. */
export function excessSats(order: Amounts, receivedSats: Sats): Sats {
  return receivedSats > highestAcceptedSats(order) ? receivedSats - order.dueSats : 0n;
}

/** Tolerance in satoshis from basis points of the amount due, rounded down: never more lenient. */
export function toleranceSats(dueSats: Sats, basisPoints: number): Sats {
  const ratio = { numerator: BigInt(basisPoints), denominator: 10_000n };
  return multiplyRatio(dueSats, ratio, 'down');
}

/**
 * Everything that has been received for certain, whether it counts for the order, is late or goes
 * back; not what is being looked at or frozen, which nobody can be promised.
 */
export function confirmedInAll(payments: readonly Payment[]): Sats {
  return payments.reduce((sum, each) => sum + (isAvailable(each) ? each.amountSats : 0n), 0n);
}

type Timed = Amounts & Pick<PayableOrder, 'expiredAtMs' | 'cancelledAtMs'>;

/**
 * The one status that follows from an order's payments, its clock and what was paid back. Progress
 * and amount are never two fields that can disagree (overpaid-never-confirms). REFUNDED: of what
 * was received nothing is left here; an order that was paid back in part keeps its status.
 */
export function statusOf(
  order: Timed & Pick<PayableOrder, 'refunds'>,
  payments: readonly Payment[],
  sums: Totals,
): OrderStatus {
  const { refundedSats } = order.refunds;
  if (refundedSats > 0n && refundedSats >= confirmedInAll(payments)) return 'REFUNDED';
  return paidStatusOf(order, payments, sums);
}

/** The status as if nothing had been paid back: what the settlement rests on. */
export function paidStatusOf(
  order: Timed,
  payments: readonly Payment[],
  sums: Totals,
): OrderStatus {
  const enough = lowestAcceptedSats(order);
  if (sums.confirmedSats >= enough) {
    return sums.confirmedSats > highestAcceptedSats(order) ? 'OVERPAID' : 'CONFIRMED';
  }
  if (sums.receivedSats >= enough) return 'UNCONFIRMED';
  if (sums.receivedSats > 0n) return 'UNDERPAID';
  if (order.cancelledAtMs !== null) return 'INVALID';
  if (order.expiredAtMs === null) return 'PENDING';
  // A payment that came in time and was withdrawn, or goes back, is not as if nobody had paid.
  const withdrawn = payments.some(
    (payment) => !payment.late && (!isLive(payment) || payment.hold === 'returnable'),
  );
  return withdrawn ? 'INVALID' : 'EXPIRED';
}

/** How confirmed money divides between the merchant and what the customer paid too much. */
export function divideSettlement(
  order: Amounts,
  settledSats: Sats,
): { merchantSats: Sats; excessSats: Sats } {
  const excess = excessSats(order, settledSats);
  return { merchantSats: settledSats - excess, excessSats: excess };
}

/**
 * What refunds draw from the book besides the merchant's own: never more than is there, so that a
 * payment which leaves the chain, or is accepted for the order after all, can always be booked.
 * What is not there any more is the merchant's to bear until it comes back.
 */
export function drawsOf(
  refunds: Pick<OrderRefunds, 'heldWantedSats' | 'excessWantedSats'>,
  there: { heldSats: Sats; excessSats: Sats },
): { heldSats: Sats; excessSats: Sats } {
  return {
    heldSats: smaller(refunds.heldWantedSats, there.heldSats),
    excessSats: smaller(refunds.excessWantedSats, there.excessSats),
  };
}

function smaller(a: Sats, b: Sats): Sats {
  return a < b ? a : b;
}
