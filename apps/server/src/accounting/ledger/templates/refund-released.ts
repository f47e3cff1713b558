import type { Transfer } from '../transfer.ts';
import { type RefundArgs, refundFields, refundLegs, refundTransferId } from './refund-reserved.ts';

/**
 * The refund will not be paid, or not now (cancelled, expired, failed, held): voids refund-reserved
 * of the same epoch, so that its part may be promised again.
 */
export function refundReleased(args: RefundArgs): Transfer {
  return {
    id: refundTransferId('refund-released', args),
    ...refundFields(args),
    template: 'refund-released',
    phase: 'void',
    pendingId: refundTransferId('refund-reserved', args),
    legs: refundLegs(args),
  };
}
