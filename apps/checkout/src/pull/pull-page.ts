import type { PullView } from '@quittance/contract';
import { formatDecimal } from '@quittance/kernel';
import { h, type ComponentChild } from 'preact';
import { LanguageNav, Price, Row, StoreHeader, TestNetworkNote } from '../components/frame.ts';
import { icon } from '../components/icons.ts';
import { fill, formatDateTime, formatMoney } from '../format.ts';
import type { Locale } from '../locale.ts';
import { drawQr } from '../qr.ts';
import type { PullMessages } from './strings/index.ts';

export interface PullModel {
  view: PullView;
  locale: Locale;
  messages: PullMessages;
  /** This page: `/pull/{secret}`. */
  path: string;
}

/** A pull payment's page: what is left, a code to take it with, and what was taken. */
export function PullPage(model: PullModel): ComponentChild {
  const { view, locale } = model;
  return h(
    'div',
    { class: `sheet pull tone-${toneOf(view)}` },
    h(StoreHeader, { store: view.store }),
    h(
      'main',
      null,
      h(TestNetworkNote, model),
      h(
        'div',
        { class: 'state' },
        view.screen === 'open' ? null : h('div', { class: 'badge' }, icon('clock')),
        h('h1', null, titleOf(model)),
        h(Left, model),
        h('p', { class: 'body' }, bodyOf(model)),
      ),
      h(Take, model),
      h(Draws, model),
    ),
    h('footer', { class: 'foot' }, h(LanguageNav, { locale, base: model.path })),
  );
}

/** The heading, also the tab's title. */
export function titleOf({ view, messages }: PullModel): string {
  return messages[`${view.screen}Title`];
}

export function toneOf({ screen }: PullView): 'progress' | 'neutral' {
  return screen === 'open' ? 'progress' : 'neutral';
}

function Left({ view, locale, messages }: PullModel): ComponentChild {
  const money = ({ amount, currency }: PullView['limit']) => formatMoney(amount, currency, locale);
  const left = money(view.remaining);
  const limit = fill(messages.ofLimit, { limit: money(view.limit) });
  const each = eachOf(view.period, messages);
  return h(
    'div',
    { class: 'amount' },
    h('p', { class: 'for' }, view.name),
    h(Price, { said: `${messages.remaining}: `, text: left }),
    h('p', { class: 'btc digits' }, each === null ? limit : `${limit} ${each}`),
  );
}

function eachOf(period: PullView['period'], messages: PullMessages): string | null {
  if (period === null) return null;
  return { day: messages.eachDay, week: messages.eachWeek, month: messages.eachMonth }[period];
}

function bodyOf({ view, locale, messages }: PullModel): string {
  const when = (iso: string) => timeOf(iso, locale);
  const store = view.store.name;
  switch (view.screen) {
    case 'open':
      return view.description ?? messages.openBody;
    case 'empty':
      return view.periodEnd === null
        ? messages.emptyBody
        : fill(messages.emptyUntilBody, { when: when(view.periodEnd) });
    case 'not_started':
      return fill(messages.not_startedBody, { when: when(view.startsAt) });
    default:
      return fill(messages[`${view.screen}Body`], { store });
  }
}

function Take({ view, messages, locale }: PullModel): ComponentChild {
  if (view.links === null) return null;
  const { side, path } = drawQr(`lightning:${view.links.scan}`);
  const box = `0 0 ${side} ${side}`;
  return h(
    'div',
    { class: 'take' },
    h(
      'svg',
      { class: 'qr', viewBox: box, role: 'img', 'aria-label': messages.qrLabel },
      h('path', { d: path }),
    ),
    view.description === null ? null : h('p', { class: 'body' }, messages.openBody),
    h('a', { class: 'button main', href: `lightning:${view.links.here}` }, messages.openWallet),
    h('p', { class: 'note' }, messages.keepSecret),
    view.expiresAt === null
      ? null
      : h(
          'dl',
          { class: 'details' },
          h(Row, { term: messages.until }, timeOf(view.expiresAt, locale)),
        ),
  );
}

function Draws({ view, locale, messages }: PullModel): ComponentChild {
  if (view.draws.length === 0) return null;
  const states = {
    open: messages.drawOpen,
    paid: messages.drawPaid,
    failed: messages.drawFailed,
  };
  return h(
    'section',
    { class: 'details' },
    h('h2', null, messages.drawsTitle),
    h(
      'dl',
      null,
      view.draws.map(({ at, amountMsat, state }) =>
        h(
          Row,
          { term: timeOf(at, locale) },
          h('span', { class: 'digits' }, formatMoney(btcOf(amountMsat), 'BTC', locale)),
          h('br', null),
          states[state],
        ),
      ),
    ),
  );
}

/** Limits are fresh by this clock, and the page has no script that knows another. */
function timeOf(iso: string, locale: string): string {
  return `${formatDateTime(iso, locale, 'UTC')} UTC`;
}

/** Whole satoshis with 8 decimals; what is less than one shows as one. */
function btcOf(amountMsat: string): string {
  return formatDecimal((BigInt(amountMsat) + 999n) / 1_000n, 8);
}
