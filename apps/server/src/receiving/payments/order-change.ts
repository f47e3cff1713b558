import type { Msats, Sats, Uuid } from '@quittance/kernel';
import type { PayableOrder, Payment } from './payment.ts';

/** A transfer that the ledger has to take, in this order. */
export type LedgerIntent =
  | {
      readonly template:
        | 'payment-seen'
        | 'payment-confirmed'
        | 'payment-dropped'
        | 'payment-reorged';
      readonly paymentId: Uuid;
      readonly epoch: number;
      readonly amountSats: Sats;
    }
  /** A settled invoice: final at once, so it is booked in one step. */
  | {
      readonly template: 'lightning-received';
      readonly paymentId: Uuid;
      readonly amountSats: Sats;
      /** All that arrived, parts of a satoshi too. */
      readonly receivedMsat: Msats;
    }
  | {
      readonly template: 'order-settled' | 'order-unsettled';
      readonly epoch: number;
      readonly merchantSats: Sats;
      readonly excessSats: Sats;
    }
  /** A confirmed payment is set apart, or comes back from there; once in each of its epochs. */
  | {
      readonly template:
        | 'compliance-held'
        | 'compliance-released'
        | 'compliance-frozen'
        | 'compliance-unfrozen';
      readonly paymentId: Uuid;
      readonly epoch: number;
      readonly amountSats: Sats;
    }
  | {
      readonly template: 'refund-drawn' | 'refund-undrawn';
      readonly epoch: number;
      readonly heldSats: Sats;
      readonly excessSats: Sats;
    };

/** Something that the merchant is told besides the change of status. */
export type Notice =
  | {
      readonly type:
        | 'order.payment_seen'
        | 'order.payment_confirmed'
        | 'order.payment_replaced'
        | 'order.payment_dropped'
        | 'order.payment_reorged'
        | 'order.payment_late'
        | 'order.payment_under_review'
        | 'order.payment_review_ended';
      readonly paymentId: Uuid;
    }
  | { readonly type: 'order.expired' | 'order.cancelled' };

/** An order with its payments and everything that has to be written with the change. */
export type OrderChange = {
  readonly order: PayableOrder;
  readonly payments: readonly Payment[];
  readonly ledger: readonly LedgerIntent[];
  readonly notices: readonly Notice[];
};
