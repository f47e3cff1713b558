import type { Msats, Uuid } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, MERCHANT_AVAILABLE } from '../accounts.ts';
import { type Transfer, transferId } from '../transfer.ts';

/** A payment that counted as failed and has left the channels all the same. */
export type LightningLateArgs = {
  merchantId: Uuid;
  payoutId: Uuid;
  attemptId: Uuid;
  paymentHash: string;
  amountMsat: Msats;
  feeMsat: Msats;
  atMs: number;
};

/**
 * An attempt arrived after its payout had given its money back, or had been paid in another way. The
 * channels hold less (credit lightning.channels), and nothing is set aside for it any more, so it is
 * the merchant's (debit merchant.available): amount and fee.
 */
export function lightningLate(args: LightningLateArgs): Transfer {
  const { merchantId, payoutId, attemptId, paymentHash, amountMsat, feeMsat, atMs } = args;
  const amount = amountMsat + feeMsat;
  return {
    id: transferId('lightning-late', attemptId),
    bookId: merchantId,
    template: 'lightning-late',
    phase: 'single',
    effectiveAtMs: atMs,
    recordedAtMs: atMs,
    reference: { payoutId, attemptId, paymentHash },
    legs: [
      { account: MERCHANT_AVAILABLE, direction: 'debit', amount },
      { account: LIGHTNING_CHANNELS, direction: 'credit', amount },
    ],
  };
}
