import { multiplyRatio, type Sats } from '@quittance/kernel';
import {
  isConfirmed,
  isLive,
  type OrderStatus,
  type PayableOrder,
  type Payment,
} from './payment.ts';

export type Totals = { receivedSats: Sats; confirmedSats: Sats; lateSats: Sats };

type Acceptance = Pick<PayableOrder, 'latePolicy' | 'monitorUntilMs' | 'lateAcceptedAtMs'>;

/**
 * A late payment counts where somebody accepted it for this order, or where the store accepts all
 * that come within its time for late ones: a price is not honoured for ever.
 */
export function counts(order: Acceptance, payment: Payment): boolean {
  if (!payment.late || order.lateAcceptedAtMs !== null) return true;
  return order.latePolicy === 'accept' && payment.firstSeenAtMs <= order.monitorUntilMs;
}

/** Adds up what an order's payments amount to: repeated and partial payments count together. */
export function totals(order: Acceptance, payments: readonly Payment[]): Totals {
  let receivedSats = 0n;
  let confirmedSats = 0n;
  let lateSats = 0n;
  for (const payment of payments) {
    if (!isLive(payment)) continue;
    if (!counts(order, payment)) lateSats += payment.amountSats;
    else {
      receivedSats += payment.amountSats;
      if (isConfirmed(payment)) confirmedSats += payment.amountSats;
    }
  }
  return { receivedSats, confirmedSats, lateSats };
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
 * The one status that follows from an order's payments and its clock. Progress and amount are
 * never two fields that can disagree (overpaid-never-confirms).
 */
export function statusOf(
  order: Amounts & Pick<PayableOrder, 'expiredAtMs' | 'cancelledAtMs'>,
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
  // A payment that came in time and was withdrawn is not the same as nobody having paid.
  const withdrawn = payments.some((payment) => !payment.late && !isLive(payment));
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
