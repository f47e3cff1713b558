import type { DrawRefusal } from './pull-payment.ts';

/**
 * Why a wallet or a terminal gets no money, with the sentence that a person reads there. The store's
 * own troubles have one sentence between them: its balance is not the holder's to know.
 */
export const withdrawSentences = {
  unknown_link: 'This link is not known.',
  not_approved: 'This has not been approved yet.',
  archived: 'This has ended.',
  not_started: 'This has not begun yet.',
  expired: 'The time for this is over.',
  too_small: 'This is less than can be drawn.',
  too_large: 'This is more than can be drawn at once.',
  limit: 'Not so much is left.',
  k1_unknown: 'This request is not known. Start again.',
  k1_expired: 'This took too long. Start again.',
  k1_used: 'This request was used already. Start again.',
  invoice_invalid: 'The invoice can not be read.',
  invoice_wrong_network: 'The invoice is for another network.',
  invoice_without_amount: 'The invoice must name its amount.',
  invoice_expired: 'The invoice has expired.',
  invoice_used: 'This invoice was used before. Make a new one.',
  card_not_genuine: 'This card is not known here.',
  card_replayed: 'This tap was used already. Tap the card again.',
  card_frozen: 'This card is frozen.',
  card_wiped: 'This card is not in use any more.',
  card_too_large: 'This is more than the card pays at once.',
  card_daily_limit: 'This is more than the card pays today.',
  payment_failed: 'The payment did not get through. Nothing was taken.',
  unavailable: 'This can not be paid now. Try again later.',
} as const satisfies Record<DrawRefusal, string> & Record<string, string>;

export type WithdrawRefusal = keyof typeof withdrawSentences;

/** Ends a transaction that gives out no money, with the reason for whoever asked. */
export class WithdrawRefused extends Error {
  override readonly name = 'WithdrawRefused';
  readonly refusal: WithdrawRefusal;
  /** For the operator, where there is more to say. */
  readonly detail: string | null;

  constructor(refusal: WithdrawRefusal, detail: string | null = null) {
    super(withdrawSentences[refusal]);
    this.refusal = refusal;
    this.detail = detail;
  }
}
