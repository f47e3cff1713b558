import { COMPLIANCE_FROZEN, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import type { Transfer } from '../transfer.ts';
import { moveLegs } from './compliance-held.ts';
import { type PaymentArgs, paymentFields, paymentTransferId } from './payment-seen.ts';

/**
 * A frozen payment leaves the chain, or its freeze was lifted (debit compliance.frozen, credit
 * receipts.unapplied).
 */
export function complianceUnfrozen(args: PaymentArgs): Transfer {
  const { amountSats } = args;
  return {
    id: paymentTransferId('compliance-unfrozen', args),
    ...paymentFields(args),
    template: 'compliance-unfrozen',
    phase: 'single',
    legs: moveLegs({ from: COMPLIANCE_FROZEN, to: RECEIPTS_UNAPPLIED, amountSats }),
  };
}
