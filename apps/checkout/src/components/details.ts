import type { OrderPaymentView } from '@quittance/contract';
import { h, type ComponentChild } from 'preact';
import {
  fill,
  formatDateTime,
  formatRate,
  formatSatsAsBtc,
  shortenMiddle,
  zoneName,
} from '../format.ts';
import { explorerLink } from '../links.ts';
import { methodOf, type PageModel } from '../model.ts';
import { invitesPayment, type Screen } from '../screen.ts';
import { paymentStateText } from '../words.ts';
import { Row } from './frame.ts';
import { icon } from './icons.ts';
import { AddressText, BitcoinAmount } from './pay.ts';

/** The facts below the action: address to compare, exact amount, rate and its time, order. */
export function Details({ model, screen }: { model: PageModel; screen: Screen }): ComponentChild {
  const { view, locale, messages } = model;
  const pays = invitesPayment(screen);
  const method = methodOf(model);
  const invoice = method === 'onchain' ? null : view.lightning;
  return h(
    'section',
    { class: 'details', 'aria-label': messages.details },
    h(
      'dl',
      null,
      pays && method !== 'lightning'
        ? h(Row, { term: messages.address, long: true }, h(AddressText, { address: view.address }))
        : null,
      pays && invoice !== null
        ? h(
            Row,
            { term: messages.invoice, long: true },
            h('bdi', { class: 'code', dir: 'ltr' }, invoice.bolt11),
          )
        : null,
      pays
        ? h(
            Row,
            { term: messages.amountExact },
            h(BitcoinAmount, { sats: view.remainingSats, locale }),
          )
        : null,
      h(RateRow, model),
      pays ? h(Row, { term: messages.networkFee }, messages.networkFeeNote) : null,
      h(Row, { term: messages.orderNumber, long: true }, h('bdi', { class: 'code' }, view.orderId)),
    ),
    view.payments.length === 0 ? null : h(Payments, model),
  );
}

export function RateRow({ view, locale, messages, state }: PageModel): ComponentChild | null {
  if (view.rate === null) return null;
  const price = formatRate(view.rate.pricePerBtc, view.rate.currency, locale);
  return h(
    Row,
    { term: messages.rate },
    h('span', { class: 'digits' }, fill(messages.rateValue, { price })),
    h('span', { class: 'aside' }, view.rate.source),
    h('span', { class: 'aside' }, moment(view.rate.at, locale, state.timeZone)),
  );
}

/** Every payment that was seen, also those that no longer count: nothing disappears silently. */
export function Payments(model: PageModel): ComponentChild {
  const { view, messages } = model;
  return h(
    'div',
    { class: 'payments' },
    h('h2', null, messages.payments),
    h(
      'ul',
      null,
      view.payments.map((payment) => h(PaymentRow, { model, payment })),
    ),
  );
}

function PaymentRow({
  model,
  payment,
}: {
  model: PageModel;
  payment: OrderPaymentView;
}): ComponentChild {
  const { view, locale, messages, state } = model;
  const lost = payment.state === 'replaced' || payment.state === 'dropped';
  const words = [paymentStateText(payment, view.confirmations.need, messages)];
  if (payment.late) words.push(messages.paymentLate);
  return h(
    'li',
    { class: lost ? 'lost' : undefined },
    h(
      'span',
      { class: 'what' },
      h('span', null, words.join(' · ')),
      h('span', { class: 'aside' }, moment(payment.seenAt, locale, state.timeZone)),
      h(PaymentProof, {
        payment,
        template: view.explorerTxUrl,
        label: messages.openExplorer,
      }),
    ),
    h('span', { class: 'digits' }, formatSatsAsBtc(payment.sats, locale)),
  );
}

/** What proves a payment: its transaction, or the payment hash of its Lightning invoice. */
export function PaymentProof(props: {
  payment: OrderPaymentView;
  template: string | null;
  label: string;
  whole?: boolean;
}): ComponentChild {
  const { txid, paymentHash } = props.payment;
  if (txid !== null) return h(TransactionLink, { ...props, txid });
  if (paymentHash === null) return null;
  const text = props.whole === true ? paymentHash : shortenMiddle(paymentHash);
  return h('bdi', { class: 'code', title: paymentHash }, text);
}

export function TransactionLink(props: {
  txid: string;
  template: string | null;
  label: string;
  whole?: boolean;
}): ComponentChild {
  const link = explorerLink(props.template, props.txid);
  const text = props.whole === true ? props.txid : shortenMiddle(props.txid);
  if (link === null) return h('bdi', { class: 'code', title: props.txid }, text);
  return h(
    'a',
    {
      class: 'code',
      href: link,
      title: props.txid,
      target: '_blank',
      rel: 'noopener noreferrer',
      'aria-label': fill(props.label, { txid: text }),
    },
    h('bdi', null, text),
    icon('external'),
  );
}

/** A time with its zone, machine-readable too. */
export function moment(iso: string, locale: string, timeZone: 'UTC' | undefined): string {
  return `${formatDateTime(iso, locale, timeZone)} ${zoneName(iso, locale, timeZone)}`;
}
