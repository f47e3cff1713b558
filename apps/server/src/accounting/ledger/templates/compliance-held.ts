import { MSATS_PER_SAT, type Sats } from '@quittance/kernel';
import { COMPLIANCE_HELD, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import type { AccountDefinition, Leg, Transfer } from '../transfer.ts';
import { type PaymentArgs, paymentFields, paymentTransferId } from './payment-seen.ts';

/**
 * A confirmed payment waits for somebody's decision about where it came from (ADR 16): what would be
 * applied to its order (debit receipts.unapplied) is set apart (credit compliance.held). Once in each
 * epoch of the payment.
 */
export function complianceHeld(args: PaymentArgs): Transfer {
  return {
    id: paymentTransferId('compliance-held', args),
    ...paymentFields(args),
    template: 'compliance-held',
    phase: 'single',
    legs: moveLegs({ from: RECEIPTS_UNAPPLIED, to: COMPLIANCE_HELD, amountSats: args.amountSats }),
  };
}

/** From one liability to another. */
export function moveLegs(move: {
  from: AccountDefinition;
  to: AccountDefinition;
  amountSats: Sats;
}): Leg[] {
  const amount = move.amountSats * MSATS_PER_SAT;
  return [
    { account: move.from, direction: 'debit', amount },
    { account: move.to, direction: 'credit', amount },
  ];
}
