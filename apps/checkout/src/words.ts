import type { OrderPaymentView, OrderView } from '@quittance/contract';
import { waitFor } from './estimate.ts';
import { fill, formatMoney, formatSatsAsBtc } from './format.ts';
import { screenOf, type Screen } from './screen.ts';
import type { Messages } from './strings/en.ts';

interface Wording {
  view: OrderView;
  locale: string;
  messages: Messages;
}

/** The screen's heading, also the tab's title and what a screen reader announces. */
export function titleOf(screen: Screen, messages: Messages): string {
  return messages[`${screen}Title`];
}

/** "Paid · $25.00 · Corner Books", for the browser's tab. */
export function documentTitle({ view, locale, messages }: Wording, nowMs: number): string {
  const price = formatMoney(view.price.amount, view.price.currency, locale);
  return `${titleOf(screenOf(view, nowMs), messages)} · ${price} · ${view.store.name}`;
}

/** The paragraphs under the heading: what happened and what, if anything, to do. */
export function explain(screen: Screen, { view, locale, messages }: Wording): string[] {
  const btc = (sats: string) => formatSatsAsBtc(sats, locale);
  const say = (template: string) =>
    fill(template, {
      store: view.store.name,
      excess: btc(view.excessSats),
      late: btc(view.lateSats),
      received: btc(view.receivedSats),
      missing: btc(view.remainingSats),
      refunded: btc(view.refundedSats),
    });
  const notes: string[] = [];
  const returned = BigInt(view.refundedSats) > 0n;
  if (returned && screen !== 'refunded') notes.push(say(messages.refundedNote));
  if (screen !== 'overpaid' && BigInt(view.excessSats) > 0n) notes.push(say(messages.excessNote));
  if (screen !== 'late' && BigInt(view.lateSats) > 0n) notes.push(say(messages.lateNote));
  if (screen !== 'review' && BigInt(view.reviewSats) > 0n) notes.push(say(messages.reviewNote));
  if (view.payments.some(({ review }) => review === 'returned')) {
    notes.push(say(messages.returnedNote));
  }
  switch (screen) {
    case 'waiting':
      return notes;
    case 'paid':
      return [say(byLightning(view) ? messages.paidLightningBody : messages.paidBody), ...notes];
    case 'expired':
      return [messages.expiredBody, messages.expiredSentBody];
    default:
      return [say(messages[`${screen}Body`]), ...notes];
  }
}

/** Nothing of it waits for a block. */
function byLightning({ payments }: OrderView): boolean {
  return payments.length > 0 && payments.every(({ method }) => method === 'lightning');
}

/** "About 30 minutes, in one case of ten longer than 55 minutes." Null when nothing is awaited. */
export function estimateText({ view, messages }: Wording): string | null {
  const { have, need } = view.confirmations;
  if (need <= have) return null;
  const { typicalMinutes, longMinutes } = waitFor(need - have);
  const text = fill(messages.estimate, {
    typical: duration(typicalMinutes, messages),
    long: duration(longMinutes, messages),
  });
  return have === 0 ? `${text} ${messages.estimateFee}` : text;
}

export function paymentStateText(
  payment: OrderPaymentView,
  need: number,
  messages: Messages,
): string {
  if (payment.review === 'pending') return messages.paymentReview;
  if (payment.review === 'returned') return messages.paymentReturned;
  if (payment.method === 'lightning') return messages.paymentLightning;
  switch (payment.state) {
    case 'seen':
      return messages.paymentSeen;
    case 'confirming':
      return fill(messages.paymentConfirming, { n: payment.confirmations, need });
    case 'confirmed':
      return messages.paymentConfirmed;
    case 'replaced':
      return messages.paymentReplaced;
    case 'dropped':
      return messages.paymentDropped;
  }
}

function duration(minutes: number, messages: Messages): string {
  if (minutes < 120) {
    return fill(minutes === 1 ? messages.minutesOne : messages.minutesMany, { n: minutes });
  }
  const halves = Math.ceil(minutes / 30);
  return fill(messages.hours, { n: halves / 2 });
}
