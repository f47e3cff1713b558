import { COMPLIANCE_FROZEN, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import type { Transfer } from '../transfer.ts';
import { moveLegs } from './compliance-held.ts';
import { type PaymentArgs, paymentFields, paymentTransferId } from './payment-seen.ts';

/**
 * A confirmed payment is frozen: a person decided that nobody may have its money (debit
 * receipts.unapplied, credit compliance.frozen). Once in each epoch of the payment.
 */
export function complianceFrozen(args: PaymentArgs): Transfer {
  const { amountSats } = args;
  return {
    id: paymentTransferId('compliance-frozen', args),
    ...paymentFields(args),
    template: 'compliance-frozen',
    phase: 'single',
    legs: moveLegs({ from: RECEIPTS_UNAPPLIED, to: COMPLIANCE_FROZEN, amountSats }),
  };
}
