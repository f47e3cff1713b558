import { COMPLIANCE_HELD, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import type { Transfer } from '../transfer.ts';
import { moveLegs } from './compliance-held.ts';
import { type PaymentArgs, paymentFields, paymentTransferId } from './payment-seen.ts';

/**
 * A held payment is released, goes back, is frozen, or leaves the chain: its money waits to be applied
 * again (debit compliance.held, credit receipts.unapplied). What comes of it is booked after this.
 */
export function complianceReleased(args: PaymentArgs): Transfer {
  const { amountSats } = args;
  return {
    id: paymentTransferId('compliance-released', args),
    ...paymentFields(args),
    template: 'compliance-released',
    phase: 'single',
    legs: moveLegs({ from: COMPLIANCE_HELD, to: RECEIPTS_UNAPPLIED, amountSats }),
  };
}
