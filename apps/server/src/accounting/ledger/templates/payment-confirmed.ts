import type { Transfer } from '../transfer.ts';
import { type PaymentArgs, paymentFields, paymentTransferId, receiptLegs } from './payment-seen.ts';

/**
 * The payment has the confirmations that its amount needs. Posts the pending payment-seen of the
 * same epoch: the wallet holds the money (debit onchain.wallet) and it waits to be applied to an
 * order (credit receipts.unapplied).
 */
export function paymentConfirmed(args: PaymentArgs): Transfer {
  return {
    id: paymentTransferId('payment-confirmed', args),
    ...paymentFields(args),
    template: 'payment-confirmed',
    phase: 'post',
    pendingId: paymentTransferId('payment-seen', args),
    legs: receiptLegs(args.amountSats),
  };
}
