import type { Transfer } from '../transfer.ts';
import { type RefundArgs, refundFields, refundLegs, refundTransferId } from './refund-reserved.ts';

/** The refund's transaction is out: posts refund-reserved of the same epoch. */
export function refundSent(args: RefundArgs): Transfer {
  return {
    id: refundTransferId('refund-sent', args),
    ...refundFields(args),
    template: 'refund-sent',
    phase: 'post',
    pendingId: refundTransferId('refund-reserved', args),
    legs: refundLegs(args),
  };
}
