import type { Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutLegs, payoutTransferId } from './payout-reserved.ts';

/**
 * A Lightning payout was approved. Pending: beside its amount the merchant can not spend what routes
 * may cost at most (debit merchant.available, credit payouts.in_transit).
 * @param args.amountMsat the payout's fee limit
 */
export function lightningFeeReserved(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('lightning-fee-reserved', args),
    ...payoutFields(args),
    template: 'lightning-fee-reserved',
    phase: 'pending',
    legs: payoutLegs(args.amountMsat),
  };
}
