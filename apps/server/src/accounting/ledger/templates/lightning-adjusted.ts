import type { Msats, Uuid } from '@quittance/kernel';
import { LIGHTNING_CHANNELS, MERCHANT_AVAILABLE } from '../accounts.ts';
import { type Transfer, transferId } from '../transfer.ts';

/** A change of what the channels hold that no payment made. */
export type LightningAdjustedArgs = {
  merchantId: Uuid;
  lightningNodeId: Uuid;
  adjustmentId: Uuid;
  /** More than zero: the channels hold more than the book said. */
  changeMsat: bigint;
  /** opening, closing, or what a person gave as the reason. */
  reason: string;
  atMs: number;
};

/**
 * What the channels hold has changed without a payment that is on record: the balance with which a
 * node is connected or given up, a channel that was opened or closed, its fee, or what a person
 * explains. More there: debit lightning.channels, credit merchant.available; less: the other way.
 */
export function lightningAdjusted(args: LightningAdjustedArgs): Transfer {
  const { merchantId, lightningNodeId, adjustmentId, changeMsat, reason, atMs } = args;
  const more = changeMsat > 0n;
  const amount: Msats = more ? changeMsat : -changeMsat;
  return {
    id: transferId('lightning-adjusted', adjustmentId),
    bookId: merchantId,
    template: 'lightning-adjusted',
    phase: 'single',
    effectiveAtMs: atMs,
    recordedAtMs: atMs,
    reference: { lightningNodeId, adjustmentId, reason },
    legs: [
      { account: LIGHTNING_CHANNELS, direction: more ? 'debit' : 'credit', amount },
      { account: MERCHANT_AVAILABLE, direction: more ? 'credit' : 'debit', amount },
    ],
  };
}
