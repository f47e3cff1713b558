import type { CardEventData, CardEventType } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';
import type { NewEvent } from '../../telling/events/index.ts';
import type { DrawTelling } from '../pull-payments/index.ts';
import type { Card } from './card.ts';

/** What else an event about a card says. */
export type CardNews = {
  type: CardEventType;
  /** One sentence for a person. */
  message: string;
  reason?: string | null;
  amountMsat?: Msats | null;
  drawId?: Uuid;
  payoutId?: Uuid;
  /** Of the reading that it is about, where that is another than the card's last. */
  counter?: number;
};

export function cardEvent(card: Card, news: CardNews, telling: DrawTelling): NewEvent {
  const counter = news.counter ?? card.counter;
  const data: CardEventData = {
    cardId: card.id,
    name: card.name,
    pullPaymentId: card.pullPaymentId,
    counter: counter < 0 ? null : counter,
    reason: news.reason ?? null,
    amountMsat: news.amountMsat?.toString() ?? null,
    drawId: news.drawId ?? null,
    payoutId: news.payoutId ?? null,
    message: news.message,
  };
  return {
    merchantId: card.merchantId,
    id: telling.ids.next(),
    type: news.type,
    orderId: null,
    data,
    createdAtMs: telling.nowMs,
  };
}
