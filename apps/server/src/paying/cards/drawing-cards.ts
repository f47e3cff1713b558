import type { Tx } from '../../platform/db/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { type DrawingCards, WithdrawRefused, withdrawSentences } from '../pull-payments/index.ts';
import type { Card } from './card.ts';
import { lockCard, type OwnCard, readCardRow } from './store.ts';
import { cardEvent } from './tell.ts';

/** What pull payments ask cards, and tell them. */
export const drawingCards: DrawingCards = {
  async termsOf(tx, { merchantId, cardId }) {
    const card = await lockCard(tx, { merchantId, id: cardId });
    // Between a tap and its payment it may have been frozen.
    if (card === undefined) throw new WithdrawRefused('card_not_genuine');
    refuseUnusable(card);
    const { perPaymentMaxMsat, dailyLimitMsat } = card;
    return { perPaymentMaxMsat, dailyLimitMsat };
  },
  async drawEnded(tx, telling, draw) {
    const { merchantId, cardId, id: drawId, payoutId, amountMsat, reason } = draw;
    const card = cardId === null ? undefined : await find(tx, { merchantId, id: cardId });
    if (card === undefined) return;
    const about = { drawId, payoutId, amountMsat };
    const news =
      draw.state === 'paid'
        ? ({ ...about, type: 'card.paid', message: 'The card has paid.' } as const)
        : ({
            ...about,
            type: 'card.refused',
            reason,
            message: 'A payment with the card did not get through; the card has it back.',
          } as const);
    await recordEvents(tx, [cardEvent(card, news, telling)]);
  },
  async drawRefused(tx, telling, { merchantId, cardId, refusal, amountMsat }) {
    const card = await find(tx, { merchantId, id: cardId });
    if (card === undefined) return;
    const message = withdrawSentences[refusal];
    const news = { type: 'card.refused', reason: refusal, amountMsat, message } as const;
    await recordEvents(tx, [cardEvent(card, news, telling)]);
  },
};

/** @throws {WithdrawRefused} */
export function refuseUnusable({ state }: Pick<Card, 'state'>): void {
  if (state === 'wiped') throw new WithdrawRefused('card_wiped');
  if (state === 'frozen') throw new WithdrawRefused('card_frozen');
}

async function find(tx: Tx, own: OwnCard): Promise<Card | undefined> {
  return await readCardRow(tx, own);
}
