import type { Transfer } from '../transfer.ts';
import { type RefundArgs, refundFields, refundLegs, refundTransferId } from './refund-reserved.ts';

/**
 * A refund that was sent has failed for good: its transaction can not come into the chain any more.
 * Reverses refund-sent of the same epoch (credit refundable of the order).
 */
export function refundReversed(args: RefundArgs): Transfer {
  return {
    id: refundTransferId('refund-reversed', args),
    ...refundFields(args),
    template: 'refund-reversed',
    phase: 'single',
    legs: refundLegs(args).map((leg) => ({
      ...leg,
      direction: leg.direction === 'debit' ? 'credit' : 'debit',
    })),
  };
}
