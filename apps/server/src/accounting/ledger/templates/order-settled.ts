import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { CUSTOMER_EXCESS, MERCHANT_AVAILABLE, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One settlement of one order; an order that is undone and settled again gets the next epoch. */
export type SettlementArgs = {
  merchantId: Uuid;
  orderId: Uuid;
  epoch: number;
  /** The part that pays the order, and the part beyond it. One of them may be zero. */
  dueSats: Sats;
  excessSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * Received money is applied to its order. What waited (debit receipts.unapplied) becomes the
 * merchant's (credit merchant.available) as far as the order goes, and the rest can be claimed
 * back by the customer (credit customer.excess). A part of zero has no leg.
 */
export function orderSettled(args: SettlementArgs): Transfer {
  return {
    id: transferId('order-settled', args.orderId, String(args.epoch)),
    ...settlementFields(args),
    template: 'order-settled',
    phase: 'single',
    legs: settlementLegs(args),
  };
}

export function settlementLegs({ dueSats, excessSats }: SettlementArgs): Leg[] {
  const due = dueSats * MSATS_PER_SAT;
  const excess = excessSats * MSATS_PER_SAT;
  const legs: Leg[] = [
    { account: RECEIPTS_UNAPPLIED, direction: 'debit', amount: due + excess },
    { account: MERCHANT_AVAILABLE, direction: 'credit', amount: due },
    { account: CUSTOMER_EXCESS, direction: 'credit', amount: excess },
  ];
  return legs.filter(({ amount }) => amount !== 0n);
}

/** What every transfer about a settlement says alike. */
export function settlementFields(args: SettlementArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { orderId: args.orderId, epoch: String(args.epoch) },
  };
}
