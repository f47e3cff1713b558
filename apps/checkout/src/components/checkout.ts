import { h, type ComponentChild } from 'preact';
import { fill, formatCountdown, formatMoney, formatSatsAsBtc } from '../format.ts';
import { webLink } from '../links.ts';
import type { PageModel } from '../model.ts';
import { hasLostPayment, invitesPayment, type Screen, screenOf, toneOf } from '../screen.ts';
import { estimateText, explain, titleOf } from '../words.ts';
import { Details } from './details.ts';
import {
  Announcer,
  OfflineNote,
  PageFooter,
  Price,
  SoundButton,
  StoreHeader,
  TestNetworkNote,
} from './frame.ts';
import { icon, iconOf } from './icons.ts';
import { BitcoinAmount, PayBox } from './pay.ts';

/** Below this the countdown asks for attention. */
const HURRY_MS = 2 * 60_000;

/** The whole page of an order, the same on the server and in the browser. */
export function Checkout(model: PageModel): ComponentChild {
  const screen = screenOf(model.view, model.nowMs);
  return h(
    'div',
    { class: `sheet tone-${toneOf(screen)}` },
    h(
      StoreHeader,
      { store: model.view.store, logoFailed: model.state.logoFailed },
      invitesPayment(screen) ? h(SoundButton, model) : null,
    ),
    h(
      'main',
      { class: `screen-${screen}` },
      h(TestNetworkNote, model),
      h(OfflineNote, model),
      invitesPayment(screen) ? h(PayScreen, { model, screen }) : h(StateScreen, { model, screen }),
      h(Details, { model, screen }),
    ),
    h(PageFooter, { model, base: model.paths.page }),
    h(Announcer, model),
  );
}

function PayScreen({ model, screen }: { model: PageModel; screen: Screen }): ComponentChild {
  const { view, locale, messages, nowMs } = model;
  const leftMs = Date.parse(view.expiresAt) - nowMs;
  return h(
    'div',
    null,
    h(Amount, { model, screen }),
    h(Steps, model),
    h(
      'div',
      { class: 'status-line' },
      h(
        'h1',
        { tabIndex: -1 },
        h('span', { class: 'dot', 'aria-hidden': 'true' }),
        titleOf(screen, messages),
      ),
      h(
        'span',
        { class: leftMs <= HURRY_MS ? 'time hurry' : 'time', role: 'timer', 'aria-live': 'off' },
        fill(messages.timeLeftValue, { time: formatCountdown(leftMs) }),
      ),
    ),
    screen === 'partial' ? h(ArrivedNote, model) : null,
    hasLostPayment(view) ? h('p', { class: 'note' }, messages.lostPaymentNote) : null,
    explain(screen, { view, locale, messages }).map((text) => h('p', { class: 'body' }, text)),
    h(PayBox, model),
  );
}

function StateScreen({ model, screen }: { model: PageModel; screen: Screen }): ComponentChild {
  const { view, locale, messages, paths } = model;
  const moving = screen === 'seen' || screen === 'confirming';
  // A payment that its sender replaced by one that counts is no news to the payer.
  const unpaid = screen === 'expired' || screen === 'short' || screen === 'invalid';
  const back = webLink(view.redirectUrl);
  const receipt = toneOf(screen) === 'good' || screen === 'refunded';
  return h(
    'div',
    { class: 'state' },
    moving ? h(Ring, model) : h('div', { class: 'badge' }, icon(iconOf(screen))),
    h('h1', { tabIndex: -1 }, titleOf(screen, messages)),
    h(Amount, { model, screen }),
    moving
      ? h('p', { class: 'status-line digits' }, fill(messages.confirmationsOf, view.confirmations))
      : null,
    explain(screen, { view, locale, messages }).map((text) => h('p', { class: 'body' }, text)),
    moving ? h('p', { class: 'body aside' }, estimateText({ view, locale, messages })) : null,
    unpaid && hasLostPayment(view) ? h('p', { class: 'note' }, messages.lostPaymentNote) : null,
    back === null && !receipt
      ? null
      : h(
          'div',
          { class: 'actions' },
          back === null
            ? null
            : h(
                'a',
                { class: 'button main', href: back },
                fill(messages.backToStore, { store: view.store.name }),
              ),
          receipt
            ? h(
                'a',
                { class: 'button', href: `${paths.receipt}?lang=${locale}` },
                messages.showReceipt,
              )
            : null,
        ),
  );
}

/** What it is for and what it costs; in a part payment, what is still missing. */
function Amount({ model, screen }: { model: PageModel; screen: Screen }): ComponentChild {
  const { view, locale, messages } = model;
  const price = formatMoney(view.price.amount, view.price.currency, locale);
  const inBitcoin = view.price.currency === 'BTC';
  if (screen === 'partial') {
    const total = inBitcoin ? formatSatsAsBtc(view.dueSats, locale) : price;
    return h(
      'div',
      { class: 'amount' },
      h('p', { class: 'for' }, `${messages.stillToPay} · ${fill(messages.ofTotal, { total })}`),
      h(Price, { text: formatSatsAsBtc(view.remainingSats, locale) }),
    );
  }
  return h(
    'div',
    { class: 'amount' },
    h('p', { class: 'for' }, view.description ?? messages.amountDue),
    h(Price, { text: price }),
    inBitcoin ? null : h('p', null, h(BitcoinAmount, { sats: view.dueSats, locale })),
  );
}

/** One part for "seen" and one for each confirmation: filled parts are done. */
function Steps({ view, messages }: PageModel): ComponentChild {
  const { have, need } = view.confirmations;
  const seen = view.status === 'PENDING' || view.status === 'UNDERPAID' ? 0 : 1;
  const done = seen + (seen === 0 ? 0 : Math.min(have, need));
  return h(
    'ol',
    { class: 'steps', 'aria-label': messages.progress },
    Array.from({ length: 1 + need }, (_, index) =>
      h(
        'li',
        {
          class: index < done ? 'done' : index === done ? 'next' : undefined,
          'aria-current': index === done ? 'step' : undefined,
        },
        h(
          'span',
          { class: 'unseen' },
          index === 0 ? messages.stepSeen : `${messages.stepConfirmed} ${index}/${need}`,
        ),
      ),
    ),
  );
}

/** Circumference that the ring's dashes are measured in: the share of confirmations, in percent. */
const RING = 100;

function Ring({ view }: PageModel): ComponentChild {
  const { have, need } = view.confirmations;
  const share = need === 0 ? RING : Math.round((Math.min(have, need) * RING) / need);
  return h(
    'div',
    { class: 'badge ring', 'aria-hidden': 'true' },
    h(
      'svg',
      { viewBox: '0 0 36 36' },
      h('circle', { class: 'track', cx: 18, cy: 18, r: 15.9155 }),
      have === 0
        ? null
        : h('circle', {
            class: 'share',
            cx: 18,
            cy: 18,
            r: 15.9155,
            'stroke-dasharray': `${share} ${RING}`,
          }),
    ),
    have === 0 ? icon('check') : h('span', { class: 'digits' }, `${have}/${need}`),
  );
}

/** What has arrived and what is missing, in figures and as a bar. */
function ArrivedNote({ view, locale, messages }: PageModel): ComponentChild {
  return h(
    'dl',
    { class: 'arrived' },
    h(
      'div',
      null,
      h('dt', null, messages.arrived),
      h('dd', { class: 'digits' }, formatSatsAsBtc(view.receivedSats, locale)),
    ),
    h(
      'div',
      null,
      h('dt', null, messages.missing),
      h('dd', { class: 'digits' }, formatSatsAsBtc(view.remainingSats, locale)),
    ),
  );
}
