import { h, type ComponentChild } from 'preact';
import { moment, TransactionLink } from '../components/details.ts';
import { LanguageNav, Price, Row, StoreHeader, TestNetworkNote } from '../components/frame.ts';
import { icon, type IconName } from '../components/icons.ts';
import { AddressText } from '../components/pay.ts';
import { fill, formatMoney, formatSats, formatSatsAsBtc } from '../format.ts';
import { ClaimForm } from './claim-form.ts';
import type { RefundModel } from './model.ts';

/** The whole claim page: the same component draws each of its screens. */
export function RefundPage(model: RefundModel): ComponentChild {
  const { view, messages } = model;
  return h(
    'div',
    { class: `sheet refund tone-${toneOf(model)}` },
    h(StoreHeader, { store: view.store }),
    h(
      'main',
      null,
      h(TestNetworkNote, model),
      view.screen === 'open' ? h(OpenScreen, model) : h(StateScreen, model),
      h(Facts, model),
    ),
    h(
      'footer',
      { class: 'foot' },
      h('p', null, messages.secured),
      h(LanguageNav, { locale: model.locale, base: model.path }),
    ),
  );
}

/** The heading, also the tab's title. */
export function titleOf({ view, step, messages }: RefundModel): string {
  if (view.screen === 'open' && step.name === 'check') return messages.checkTitle;
  return messages[`${view.screen}Title`];
}

export function toneOf({ view }: RefundModel): 'good' | 'progress' | 'attention' | 'neutral' {
  switch (view.screen) {
    case 'sent':
    case 'confirmed':
      return 'good';
    case 'failed':
    case 'held':
      return 'attention';
    case 'open':
    case 'approving':
    case 'sending':
      return 'progress';
    default:
      return 'neutral';
  }
}

function OpenScreen(model: RefundModel): ComponentChild {
  const { view, step, messages } = model;
  const checks = step.name === 'check';
  return h(
    'div',
    { class: 'claim' },
    h('h1', null, titleOf(model)),
    h(Amount, model),
    h('p', { class: 'body' }, checks ? messages.checkBody : say(messages.openBody, model)),
    checks ? null : h(Note, model),
    step.name === 'unavailable'
      ? h('p', { class: 'note', role: 'alert' }, say(messages.unavailable, { view }))
      : null,
    h(ClaimForm, model),
  );
}

function StateScreen(model: RefundModel): ComponentChild {
  const { view, messages } = model;
  const { screen } = view;
  return h(
    'div',
    { class: 'state' },
    h('div', { class: 'badge' }, icon(iconOf(screen))),
    h('h1', null, titleOf(model)),
    h(Amount, model),
    screen === 'open' ? null : h('p', { class: 'body' }, say(messages[`${screen}Body`], model)),
  );
}

function Amount({ view, locale, messages }: RefundModel): ComponentChild {
  const what = view.description ?? fill(messages.orderRef, { number: view.orderNumber });
  const inBitcoin = view.value.currency === 'BTC';
  const text = formatMoney(view.value.amount, view.value.currency, locale);
  return h(
    'div',
    { class: 'amount' },
    h('p', { class: 'for' }, fill(messages.refundFor, { what })),
    h(Price, { text }),
    h(
      'p',
      { class: 'btc digits' },
      inBitcoin ? null : h('span', null, formatSatsAsBtc(view.payoutSats, locale)),
      h('span', { class: 'sats' }, formatSats(view.payoutSats, locale)),
    ),
  );
}

/** What the store wrote, as its words and not as ours. */
function Note({ view, messages }: RefundModel): ComponentChild | null {
  if (view.note === null) return null;
  return h(
    'figure',
    { class: 'said' },
    h('figcaption', { class: 'aside' }, fill(messages.noteFrom, { store: view.store.name })),
    h('blockquote', null, view.note),
  );
}

function Facts(model: RefundModel): ComponentChild {
  const { view, locale, messages } = model;
  const btc = (sats: bigint | string) =>
    h('span', { class: 'digits' }, formatSatsAsBtc(sats.toString(), locale));
  const fee = BigInt(view.feeShareSats);
  const kept = BigInt(view.deductionSats);
  return h(
    'section',
    { class: 'details', 'aria-label': messages.details },
    h(
      'dl',
      null,
      kept > 0n ? h(Row, { term: messages.refunded }, btc(view.grossSats)) : null,
      kept > 0n ? h(Row, { term: messages.kept }, btc(kept)) : null,
      h(Row, { term: messages.networkFee }, fee > 0n ? btc(fee) : feeText(model)),
      fee > 0n || (kept > 0n && view.feeFrom === 'merchant')
        ? h(Row, { term: messages.youGet }, h('strong', null, btc(BigInt(view.payoutSats) - fee)))
        : null,
      view.value.currency === 'BTC'
        ? null
        : h(
            Row,
            { term: messages.rate },
            view.rate === 'current' ? messages.rateCurrent : messages.rateOriginal,
          ),
      view.address === null
        ? null
        : h(
            Row,
            { term: messages.toAddress, long: true },
            h(AddressText, { address: view.address }),
          ),
      view.txid === null
        ? null
        : h(
            Row,
            { term: messages.transaction, long: true },
            h(TransactionLink, {
              txid: view.txid,
              template: view.explorerTxUrl,
              label: messages.openExplorer,
              whole: true,
            }),
          ),
      h(
        Row,
        { term: messages.orderNumber, long: true },
        h('bdi', { class: 'code' }, view.orderNumber),
      ),
      view.expiresAt === null
        ? null
        : h(Row, { term: messages.validUntil }, moment(view.expiresAt, locale, 'UTC')),
    ),
  );
}

function feeText({ view, messages }: RefundModel): string {
  return view.feeFrom === 'merchant' ? messages.feeFromStore : messages.feeFromYou;
}

function say(template: string, { view }: Pick<RefundModel, 'view'>): string {
  return fill(template, { store: view.store.name });
}

function iconOf(screen: RefundModel['view']['screen']): IconName {
  switch (screen) {
    case 'sent':
    case 'confirmed':
      return 'check';
    case 'failed':
    case 'held':
      return 'alert';
    case 'cancelled':
      return 'minus';
    default:
      return 'clock';
  }
}
