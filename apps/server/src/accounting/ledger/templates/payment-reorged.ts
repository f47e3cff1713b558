import { MSATS_PER_SAT } from '@quittance/kernel';
import { ONCHAIN_WALLET, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import type { Transfer } from '../transfer.ts';
import { type PaymentArgs, paymentFields, paymentTransferId } from './payment-seen.ts';

/**
 * A confirmed payment left the chain in a reorganisation. Reverses payment-confirmed of the same
 * epoch: nothing is waiting to be applied any more (debit receipts.unapplied), because the wallet
 * does not hold it (credit onchain.wallet). When it was applied to an order, order-unsettled goes
 * first. Should the payment come back, it is seen again in the next epoch.
 */
export function paymentReorged(args: PaymentArgs): Transfer {
  const amount = args.amountSats * MSATS_PER_SAT;
  return {
    id: paymentTransferId('payment-reorged', args),
    ...paymentFields(args),
    template: 'payment-reorged',
    phase: 'single',
    legs: [
      { account: RECEIPTS_UNAPPLIED, direction: 'debit', amount },
      { account: ONCHAIN_WALLET, direction: 'credit', amount },
    ],
  };
}
