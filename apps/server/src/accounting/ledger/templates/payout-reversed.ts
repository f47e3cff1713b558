import type { Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutLegs, payoutTransferId } from './payout-reserved.ts';

/**
 * A transaction that was broadcast can never be mined any more. Reverses payout-sent of the same
 * epoch: the amount is the merchant's again (debit payouts.in_transit, credit merchant.available).
 */
export function payoutReversed(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('payout-reversed', args),
    ...payoutFields(args),
    template: 'payout-reversed',
    phase: 'single',
    legs: payoutLegs(args.amountMsat).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
