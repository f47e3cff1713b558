import type { Transfer } from '../transfer.ts';
import { type PaymentArgs, paymentFields, paymentTransferId, receiptLegs } from './payment-seen.ts';

/**
 * The payment will not come: replaced, double-spent or fallen out of the memory pool before it
 * was confirmed. Voids the pending payment-seen of the same epoch, so that nothing was received.
 */
export function paymentDropped(args: PaymentArgs): Transfer {
  return {
    id: paymentTransferId('payment-dropped', args),
    ...paymentFields(args),
    template: 'payment-dropped',
    phase: 'void',
    pendingId: paymentTransferId('payment-seen', args),
    legs: receiptLegs(args.amountSats),
  };
}
