import type { Msats, Uuid } from '@quittance/kernel';
import { MERCHANT_AVAILABLE, PAYOUTS_IN_TRANSIT } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One reservation of one payout; after a reversal the next one gets the next epoch. */
export type PayoutArgs = {
  merchantId: Uuid;
  payoutId: Uuid;
  epoch: number;
  amountMsat: Msats;
  /** When it happened: stored with the payout, so that a retry repeats it. */
  atMs: number;
};

/**
 * A payout was approved. Pending: the merchant can not spend the amount again (debit
 * merchant.available) because it is promised to the recipient (credit payouts.in_transit).
 */
export function payoutReserved(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('payout-reserved', args),
    ...payoutFields(args),
    template: 'payout-reserved',
    phase: 'pending',
    legs: payoutLegs(args.amountMsat),
  };
}

/** The legs of money that is promised; payout-sent and payout-released repeat them exactly. */
export function payoutLegs(amount: Msats): Leg[] {
  return [
    { account: MERCHANT_AVAILABLE, direction: 'debit', amount },
    { account: PAYOUTS_IN_TRANSIT, direction: 'credit', amount },
  ];
}

export function payoutTransferId(template: string, args: PayoutArgs): Uuid {
  return transferId(template, args.payoutId, String(args.epoch));
}

/** What every transfer about a payout says alike. */
export function payoutFields(args: PayoutArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: { payoutId: args.payoutId, epoch: String(args.epoch) },
  };
}
