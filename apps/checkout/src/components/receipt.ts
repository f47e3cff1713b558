import { h, type ComponentChild } from 'preact';
import { fill, formatMoney, formatSats, formatSatsAsBtc } from '../format.ts';
import { webLink } from '../links.ts';
import type { PageModel } from '../model.ts';
import { screenOf, toneOf } from '../screen.ts';
import { paymentStateText, titleOf } from '../words.ts';
import { moment, RateRow, PaymentProof } from './details.ts';
import { PageFooter, Row, StoreHeader, TestNetworkNote } from './frame.ts';
import { icon } from './icons.ts';

/** Proof of payment for the payer's files: everything whole, nothing shortened. */
export function Receipt(model: PageModel): ComponentChild {
  const { view, locale, messages, paths, state, actions } = model;
  const screen = screenOf(view, model.nowMs);
  const back = webLink(view.redirectUrl);
  const time = (iso: string) => moment(iso, locale, state.timeZone);
  return h(
    'div',
    { class: `sheet receipt tone-${toneOf(screen)}` },
    h(StoreHeader, { store: model.view.store, logoFailed: model.state.logoFailed }),
    h(
      'main',
      null,
      h(TestNetworkNote, model),
      h('h1', null, messages.receiptTitle),
      toneOf(screen) === 'good' || screen === 'refunded'
        ? null
        : h('p', { class: 'note' }, messages.receiptNotYet),
      h(ReceiptFacts, { model, status: titleOf(screen, messages) }),
      h(ReceiptPayments, model),
      h('p', { class: 'body aside' }, fill(messages.receiptFoot, { time: time(view.serverTime) })),
      h(
        'div',
        { class: 'actions' },
        h(
          'button',
          { type: 'button', class: 'button main script-only', onClick: actions?.print },
          icon('print'),
          messages.print,
        ),
        h('a', { class: 'button', href: `${paths.page}?lang=${locale}` }, messages.backToOrder),
        back === null
          ? null
          : h(
              'a',
              { class: 'button', href: back },
              fill(messages.backToStore, { store: view.store.name }),
            ),
      ),
    ),
    h(PageFooter, { model, base: paths.receipt }),
  );
}

function ReceiptFacts({ model, status }: { model: PageModel; status: string }): ComponentChild {
  const { view, locale, messages, state } = model;
  const sats = (term: string, amount: string) =>
    BigInt(amount) === 0n
      ? null
      : h(Row, { term }, h('span', { class: 'digits' }, formatSatsAsBtc(amount, locale)));
  return h(
    'dl',
    null,
    h(Row, { term: messages.status }, h('strong', null, status)),
    h(Row, { term: messages.paidTo }, view.store.name),
    view.description === null ? null : h(Row, { term: messages.forWhat }, view.description),
    h(
      Row,
      { term: messages.price },
      h('strong', { class: 'digits' }, formatMoney(view.price.amount, view.price.currency, locale)),
      view.price.currency === 'BTC'
        ? null
        : h('span', { class: 'aside digits' }, formatSatsAsBtc(view.dueSats, locale)),
    ),
    h(RateRow, model),
    sats(messages.outstanding, screenHasDebt(model) ? view.remainingSats : '0'),
    sats(messages.over, view.excessSats),
    sats(messages.late, view.lateSats),
    sats(messages.returned, view.refundedSats),
    h(Row, { term: messages.ordered }, moment(view.createdAt, locale, state.timeZone)),
    h(Row, { term: messages.orderNumber, long: true }, h('bdi', { class: 'code' }, view.orderId)),
    h(
      Row,
      { term: messages.address, long: true },
      h('bdi', { class: 'code', dir: 'ltr' }, view.address),
    ),
  );
}

function ReceiptPayments(model: PageModel): ComponentChild {
  const { view, locale, messages, state } = model;
  if (view.payments.length === 0) return h('p', { class: 'body' }, messages.noPayments);
  return h(
    'section',
    { class: 'payments whole' },
    h('h2', null, messages.payments),
    h(
      'ul',
      null,
      view.payments.map((payment) =>
        h(
          'li',
          null,
          h(
            'span',
            { class: 'what' },
            h(
              'span',
              null,
              [
                paymentStateText(payment, view.confirmations.need, messages),
                ...(payment.late ? [messages.paymentLate] : []),
              ].join(' · '),
            ),
            h('span', { class: 'aside' }, moment(payment.seenAt, locale, state.timeZone)),
            h(PaymentProof, {
              payment,
              template: view.explorerTxUrl,
              label: messages.openExplorer,
              whole: true,
            }),
          ),
          h('span', { class: 'digits' }, formatSatsAsBtc(payment.sats, locale)),
        ),
      ),
    ),
    h(
      'p',
      { class: 'total' },
      h('span', null, messages.receiptTotal),
      h('strong', { class: 'digits' }, formatSatsAsBtc(view.receivedSats, locale)),
      h('span', { class: 'aside digits' }, formatSats(view.receivedSats, locale)),
    ),
  );
}

/** A small shortfall within the store's tolerance is not a debt once the order is paid. */
function screenHasDebt({ view, nowMs }: PageModel): boolean {
  return toneOf(screenOf(view, nowMs)) !== 'good';
}
