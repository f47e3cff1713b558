import type { Transfer } from '../transfer.ts';
import { type PayoutArgs, payoutFields, payoutLegs, payoutTransferId } from './payout-reserved.ts';

/**
 * The payout was cancelled or has failed before anything was broadcast. Voids the pending
 * payout-reserved of the same epoch, so that the amount is free again.
 */
export function payoutReleased(args: PayoutArgs): Transfer {
  return {
    id: payoutTransferId('payout-released', args),
    ...payoutFields(args),
    template: 'payout-released',
    phase: 'void',
    pendingId: payoutTransferId('payout-reserved', args),
    legs: payoutLegs(args.amountMsat),
  };
}
