import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { CUSTOMER_EXCESS, MERCHANT_AVAILABLE, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** What the refunds of one order draw at one time; each change of it gets the next epoch. */
export type DrawArgs = {
  merchantId: Uuid;
  orderId: Uuid;
  epoch: number;
  /** Of money that counts for no order, and of what was paid too much. One may be zero. */
  heldSats: Sats;
  excessSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * Payouts are paid out of merchant.available. What they return to the customer and was never the
 * merchant's goes there first: money that was held (debit receipts.unapplied) and money that was
 * paid too much (debit customer.excess). A part of zero has no leg.
 */
export function refundDrawn(args: DrawArgs): Transfer {
  return {
    id: transferId('refund-drawn', args.orderId, String(args.epoch)),
    ...drawFields(args),
    template: 'refund-drawn',
    phase: 'single',
    legs: drawLegs(args),
  };
}

export function drawLegs({ heldSats, excessSats }: DrawArgs): Leg[] {
  const held = heldSats * MSATS_PER_SAT;
  const excess = excessSats * MSATS_PER_SAT;
  const legs: Leg[] = [
    { account: RECEIPTS_UNAPPLIED, direction: 'debit', amount: held },
    { account: CUSTOMER_EXCESS, direction: 'debit', amount: excess },
    { account: MERCHANT_AVAILABLE, direction: 'credit', amount: held + excess },
  ];
  return legs.filter(({ amount }) => amount !== 0n);
}

/** What every transfer about a draw says alike. */
export function drawFields(args: DrawArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { orderId: args.orderId, epoch: String(args.epoch) },
  };
}
