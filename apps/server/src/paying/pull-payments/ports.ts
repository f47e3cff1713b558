import type { DecodedBolt11 } from '@quittance/bitcoin';
import type { Ids, Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Draw } from './pull-payment.ts';
import type { WithdrawRefusal } from './refusals.ts';

/** Who tells it and when. */
export type DrawTelling = { readonly ids: Ids; readonly nowMs: number };

/** The payout that pays a draw: approved already, since its pull payment was. */
export type DrawPayout = {
  /** The draw gives it, so that it can name its payout before there is one. */
  id: Uuid;
  draw: Draw;
  invoice: DecodedBolt11;
  /** The key that made the pull payment. */
  by: string;
  description: string;
};

/** How draws are paid: by payouts over Lightning, which tell of themselves by `createDrawsListener`. */
export type DrawPayouts = {
  /**
   * Makes the payout in the transaction of its draw.
   * @throws {WithdrawRefused} `invoice_used`, or `unavailable` where balance or limits of the store
   *   do not allow it
   */
  create(tx: Tx, telling: DrawTelling, payout: DrawPayout): Promise<void>;
};

export type CardTerms = {
  readonly perPaymentMaxMsat: Msats | null;
  readonly dailyLimitMsat: Msats | null;
};

/** What a card says to a draw, and is told of it. Cards are above pull payments, so they are passed in. */
export type DrawingCards = {
  /**
   * What the card allows now; it stays so until the transaction ends.
   * @throws {WithdrawRefused} `card_frozen`, `card_wiped`
   */
  termsOf(tx: Tx, card: { merchantId: Uuid; cardId: Uuid }): Promise<CardTerms>;
  /** A draw with a card has ended. */
  drawEnded(tx: Tx, telling: DrawTelling, draw: Draw): Promise<void>;
  /** A draw with a card was refused; the transaction that tried it is over. */
  drawRefused(
    tx: Tx,
    telling: DrawTelling,
    about: { merchantId: Uuid; cardId: Uuid; refusal: WithdrawRefusal; amountMsat: Msats | null },
  ): Promise<void>;
};
