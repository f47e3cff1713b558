import { MSATS_PER_SAT, type Msats, type Sats, type Uuid } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, MERCHANT_AVAILABLE, RECEIPTS_UNAPPLIED } from '../accounts.ts';
import { type Leg, type Transfer, transferId } from '../transfer.ts';

/** A settled invoice of an order. */
export type LightningReceivedArgs = {
  merchantId: Uuid;
  orderId: Uuid;
  paymentId: Uuid;
  /** What counts for the order, and all that arrived: less than a satoshi more. */
  amountSats: Sats;
  receivedMsat: Msats;
  /** When it was taken in: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * An invoice of an order was paid, for good: the channels hold more (debit lightning.channels) and the
 * whole satoshis wait to be applied to the order (credit receipts.unapplied). A part of a satoshi that
 * came with it can not be applied or claimed: it is the merchant's at once (merchant.available).
 */
export function lightningReceived(args: LightningReceivedArgs): Transfer {
  const { merchantId, orderId, paymentId, amountSats, receivedMsat, atMs } = args;
  const applied = amountSats * MSATS_PER_SAT;
  const legs: Leg[] = [
    { account: LIGHTNING_CHANNELS, direction: 'debit', amount: receivedMsat },
    { account: RECEIPTS_UNAPPLIED, direction: 'credit', amount: applied },
    { account: MERCHANT_AVAILABLE, direction: 'credit', amount: receivedMsat - applied },
  ];
  return {
    id: transferId('lightning-received', paymentId),
    bookId: merchantId,
    template: 'lightning-received',
    phase: 'single',
    effectiveAtMs: atMs,
    recordedAtMs: atMs,
    reference: { paymentId, orderId },
    legs: legs.filter(({ amount }) => amount !== 0n),
  };
}
