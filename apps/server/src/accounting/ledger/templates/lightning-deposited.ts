import type { Msats, Uuid } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, MERCHANT_AVAILABLE } from '../accounts.ts';
import { type Transfer, transferId } from '../transfer.ts';

/** A settled invoice that belongs to no order. */
export type LightningDepositedArgs = {
  merchantId: Uuid;
  /** The connection to the node that took it, and what the node knows it by. */
  lightningNodeId: Uuid;
  paymentHash: string;
  receivedMsat: Msats;
  /** When it was taken in: stored with the event, so that a retry repeats it. */
  atMs: number;
};

/**
 * Something was paid to the store's node that no order waits for: an invoice of the store's own, of a
 * payer of its Lightning address, or one that was made at the node itself. The channels hold more
 * (debit lightning.channels) and it is the merchant's (credit merchant.available).
 */
export function lightningDeposited(args: LightningDepositedArgs): Transfer {
  const { merchantId, lightningNodeId, paymentHash, receivedMsat: amount, atMs } = args;
  return {
    id: transferId('lightning-deposited', lightningNodeId, paymentHash),
    bookId: merchantId,
    template: 'lightning-deposited',
    phase: 'single',
    effectiveAtMs: atMs,
    recordedAtMs: atMs,
    reference: { lightningNodeId, paymentHash },
    legs: [
      { account: LIGHTNING_CHANNELS, direction: 'debit', amount },
      { account: MERCHANT_AVAILABLE, direction: 'credit', amount },
    ],
  };
}
