import type { Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutLegs, payoutTransferId } from './payout-reserved.ts';

/**
 * The transaction of the payout was broadcast. Posts the pending payout-reserved of the same epoch:
 * the amount is no longer the merchant's (debit merchant.available) and on its way (credit
 * payouts.in_transit), from where the spend takes it (spend-broadcast).
 */
export function payoutSent(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('payout-sent', args),
    ...payoutFields(args),
    template: 'payout-sent',
    phase: 'post',
    pendingId: payoutTransferId('payout-reserved', args),
    legs: payoutLegs(args.amountMsat),
  };
}
