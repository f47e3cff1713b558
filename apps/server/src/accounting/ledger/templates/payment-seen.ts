import { MSATS_PER_SAT, type Sats, type Uuid } from '@quittance/kernel';
import { ONCHAIN_WALLET, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** One payment in one of its lives on the chain; a payment that returns gets the next epoch. */
export type PaymentArgs = {
  merchantId: Uuid;
  paymentId: Uuid;
  orderId: Uuid;
  epoch: number;
  amountSats: Sats;
  /** When it happened: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * A transaction that pays an order was seen. Pending: the wallet will grow (debit
 * onchain.wallet) by what is then owed to somebody yet to be named (credit receipts.unapplied).
 * No posted balance moves before payment-confirmed.
 */
export function paymentSeen(args: PaymentArgs): Transfer {
  return {
    id: paymentTransferId('payment-seen', args),
    ...paymentFields(args),
    template: 'payment-seen',
    phase: 'pending',
    legs: receiptLegs(args.amountSats),
  };
}

/** The legs of money coming in; payment-confirmed and payment-dropped repeat them exactly. */
export function receiptLegs(amountSats: Sats): Leg[] {
  const amount = amountSats * MSATS_PER_SAT;
  return [
    { account: ONCHAIN_WALLET, direction: 'debit', amount },
    { account: RECEIPTS_UNAPPLIED, direction: 'credit', amount },
  ];
}

export function paymentTransferId(template: string, args: PaymentArgs): Uuid {
  return transferId(template, args.paymentId, String(args.epoch));
}

/** What every transfer about a payment says alike. */
export function paymentFields(args: PaymentArgs) {
  return {
    bookId: args.merchantId,
    effectiveAtMs: args.atMs,
    recordedAtMs: args.atMs,
    reference: {
      paymentId: args.paymentId,
      orderId: args.orderId,
      epoch: String(args.epoch),
    },
  };
}
