import type { DecodedBolt11 } from '@quittance/bitcoin';
import { assert, type Msats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { formatPrice, type Quote } from '../../receiving/rates/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { retakeAllowance, returnAllowance, takeAllowance } from './allowance-store.ts';
import { endDrawRow, insertDraw } from './draw-store.ts';
import { dayAt } from './period.ts';
import type { DrawingCards, DrawPayouts, DrawTelling } from './ports.ts';
import {
  amountRefusal,
  closedBecause,
  currentPeriod,
  type Draw,
  type DrawNews,
  endDraw,
  type PullPayment,
} from './pull-payment.ts';
import { WithdrawRefused } from './refusals.ts';
import { drawEvent } from './tell.ts';
import { unitsOf } from './units.ts';

export type DrawDeps = { payouts: DrawPayouts; cards: DrawingCards };

export type DrawWish = {
  /** Locked. */
  pull: PullPayment;
  cardId: Uuid | null;
  invoice: DecodedBolt11 & { amountMsat: Msats };
  /** Of the pull payment's currency; null for BTC. */
  quote: Quote | null;
};

/**
 * Takes an amount of a pull payment's limit and of its card's, and makes the payout for it, in the
 * caller's transaction: all of it or nothing. Limits are taken in rows that are locked until the
 * transaction ends, so that draws which race never take more than there is.
 * @throws {WithdrawRefused}
 */
export async function drawFrom(
  tx: Tx,
  deps: DrawDeps,
  telling: DrawTelling,
  wish: DrawWish,
): Promise<Draw> {
  const { pull, cardId, invoice } = wish;
  const { amountMsat } = invoice;
  const { nowMs } = telling;
  const closed = closedBecause(pull, nowMs) ?? amountRefusal(pull, amountMsat);
  if (closed !== null) throw new WithdrawRefused(closed);
  const { merchantId, id: pullPaymentId, limitUnits: maxUnits } = pull;
  const cardDayMs = cardId === null ? null : await takeOfCard(tx, deps, { ...wish, cardId }, nowMs);
  assert((pull.currency === 'BTC') === (wish.quote === null), 'a rate for what is not bitcoin');
  const units = unitsOf(amountMsat, wish.quote?.rate ?? null);
  const periodStartMs = currentPeriod(pull, nowMs).startMs;
  const key = { merchantId, holderId: pullPaymentId, periodStartMs };
  if (units === null || !(await takeAllowance(tx, key, { units, maxUnits }))) {
    throw new WithdrawRefused('limit');
  }
  const draw: Draw = {
    ...{ merchantId, id: telling.ids.next(), pullPaymentId, cardId, amountMsat, units },
    ...{ periodStartMs, cardDayMs, state: 'open', reason: null },
    rate: wish.quote === null ? null : lockedRate(wish.quote),
    invoice: invoice.bolt11,
    payoutId: telling.ids.next(),
    createdAtMs: nowMs,
    finishedAtMs: null,
  };
  await insertDraw(tx, draw);
  const { createdBy: by, name: description } = pull;
  await deps.payouts.create(tx, telling, { id: draw.payoutId, draw, invoice, by, description });
  await recordEvents(tx, [drawEvent(draw, 'pull_payment.drawn', telling)]);
  return draw;
}

/** @returns the card's day that was taken of; null where it has no limit for a day */
async function takeOfCard(
  tx: Tx,
  { cards }: DrawDeps,
  { pull, cardId, invoice }: DrawWish & { cardId: Uuid },
  nowMs: number,
): Promise<number | null> {
  const { merchantId } = pull;
  const { amountMsat } = invoice;
  const terms = await cards.termsOf(tx, { merchantId, cardId });
  if (terms.perPaymentMaxMsat !== null && amountMsat > terms.perPaymentMaxMsat) {
    throw new WithdrawRefused('card_too_large');
  }
  if (terms.dailyLimitMsat === null) return null;
  const periodStartMs = dayAt(nowMs).startMs;
  const key = { merchantId, holderId: cardId, periodStartMs };
  const take = { units: amountMsat, maxUnits: terms.dailyLimitMsat };
  if (!(await takeAllowance(tx, key, take))) throw new WithdrawRefused('card_daily_limit');
  return periodStartMs;
}

/**
 * Takes a draw where its payout has ended, in the same transaction. What was not paid is given back
 * to the periods that it was taken of.
 */
export async function finishDraw(
  tx: Tx,
  { cards }: Pick<DrawDeps, 'cards'>,
  telling: DrawTelling,
  { draw, news }: { draw: Draw; news: DrawNews },
): Promise<void> {
  const ended = endDraw(draw, news, telling.nowMs);
  if (ended === null) return;
  await endDrawRow(tx, ended, draw.state);
  const move = ended.state === 'failed' ? returnAllowance : retakeAllowance;
  if (ended.state === 'failed' || draw.state === 'failed') {
    const { merchantId, cardId, pullPaymentId, cardDayMs } = ended;
    if (cardId !== null && cardDayMs !== null) {
      const ofCard = { merchantId, holderId: cardId, periodStartMs: cardDayMs };
      await move(tx, ofCard, ended.amountMsat);
    }
    const { periodStartMs } = ended;
    await move(tx, { merchantId, holderId: pullPaymentId, periodStartMs }, ended.units);
  }
  const type = ended.state === 'paid' ? 'pull_payment.draw_paid' : 'pull_payment.draw_failed';
  await recordEvents(tx, [drawEvent(ended, type, telling)]);
  if (ended.cardId !== null) await cards.drawEnded(tx, telling, ended);
}

function lockedRate(quote: Quote): NonNullable<Draw['rate']> {
  return {
    currency: quote.currency,
    pricePerBtc: formatPrice(quote.rate.pricePerBtcE8),
    source: quote.source,
    spreadBps: quote.spreadBps,
    observedAt: new Date(quote.observedAtMs).toISOString(),
    rounding: 'up',
  };
}
