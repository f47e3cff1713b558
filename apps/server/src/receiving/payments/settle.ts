import type { Sats } from '@quittance/kernel';
import {
  confirmedInAll,
  divideSettlement,
  drawsOf,
  lowestAcceptedSats,
  paidStatusOf,
  statusOf,
  totals,
} from './amounts.ts';
import type { LedgerIntent, OrderChange } from './order-change.ts';
import { bookHolds } from './hold.ts';
import type { OrderRefunds, PayableOrder, Payment } from './payment.ts';

/**
 * Derives totals and status, and has the ledger set apart what is held and apply the other confirmed
 * money to the order: what was done before is undone first (it may be needed for a reversal), what
 * holds now comes last.
 */
export function settle(
  before: PayableOrder,
  paymentsBefore: readonly Payment[],
  change: OrderChange,
): OrderChange {
  const sums = totals(change.order, change.payments);
  const status = statusOf(change.order, change.payments, sums);
  const paidStatus = paidStatusOf(change.order, change.payments, sums);
  const paid = paidStatus === 'CONFIRMED' || paidStatus === 'OVERPAID';
  const settledSats = paid ? sums.confirmedSats : 0n;
  const reposted = change.ledger.some(({ template }) => template === 'payment-reorged');
  const undo = before.settledSats > 0n && (settledSats !== before.settledSats || reposted);
  const redo = settledSats > 0n && (undo || before.settledSats === 0n);
  const epoch = before.settlementEpoch;
  const holds = bookHolds(paymentsBefore, change.payments);
  const ledger: LedgerIntent[] = [...holds.undo, ...change.ledger, ...holds.redo];
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
