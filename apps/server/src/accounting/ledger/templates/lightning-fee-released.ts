import type { Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutLegs, payoutTransferId } from './payout-reserved.ts';

/**
 * A Lightning payout has ended, paid or not: what was set aside for fees is free again. Voids the
 * pending lightning-fee-reserved of the same epoch; what the route really cost is in lightning-sent.
 */
export function lightningFeeReleased(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('lightning-fee-released', args),
    ...payoutFields(args),
    template: 'lightning-fee-released',
    phase: 'void',
    pendingId: payoutTransferId('lightning-fee-reserved', args),
    legs: payoutLegs(args.amountMsat),
  };
}
