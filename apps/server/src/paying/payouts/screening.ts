import type { Tx } from '../../platform/db/index.ts';
import type { Payout } from './payout.ts';

/** What a screening says of a payout; one that holds gives the reason for people who see payouts. */
export type Screening = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What is asked about. */
export type PayoutToScreen = Pick<
  Payout,
  'merchantId' | 'id' | 'method' | 'destination' | 'destinationKind' | 'amountMsat'
>;

/** What is known of payouts beyond their rows. */
export type KnownOfPayouts = {
  /** Invoices that destinations gave for this attempt, by payout id. */
  readonly invoices?: ReadonlyMap<string, string>;
};

/**
 * Says of payouts whether they may be paid, by their ids; those without an answer may. Asked in the
 * transaction that commits to pay, with the payouts locked.
 */
export type ScreenPayouts = (
  tx: Tx,
  payouts: readonly PayoutToScreen[],
  known?: KnownOfPayouts,
) => Promise<ReadonlyMap<string, Screening>>;
