import { type Transfer, transferId } from '../transfer.ts';
import { type DrawArgs, drawFields, drawLegs } from './refund-drawn.ts';

/**
 * The refunds were not paid after all, or the money that they drew is needed elsewhere: its payment
 * left the chain, or counts for the order now. The exact reverse of refund-drawn with the same
 * order, epoch and parts: debit merchant.available, credit receipts.unapplied and customer.excess.
 */
export function refundUndrawn(args: DrawArgs): Transfer {
  return {
    id: transferId('refund-undrawn', args.orderId, String(args.epoch)),
    ...drawFields(args),
    template: 'refund-undrawn',
    phase: 'single',
    legs: drawLegs(args).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
