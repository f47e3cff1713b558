import { h, type ComponentChild } from 'preact';
import { fill, formatSats, formatSatsAsBtc, shortenMiddle } from '../format.ts';
import { payLink, walletLink } from '../links.ts';
import { type CopyTarget, methodOf, type PageModel, QR_DIALOG_ID } from '../model.ts';
import { drawQr } from '../qr.ts';
import { icon } from './icons.ts';
import { Methods } from './methods.ts';

/** Everything to pay with: code, wallet link, things to copy. */
export function PayBox(model: PageModel): ComponentChild {
  const { view, messages, actions } = model;
  const shown = payLink(view, methodOf(model));
  const link = walletLink(shown);
  return h(
    'div',
    { class: view.lightning === null ? 'pay' : 'pay several' },
    view.lightning === null ? null : h(Methods, model),
    h(QrButton, { model, link: shown }),
    link === null
      ? null
      : h('a', { class: 'button main', href: link }, icon('wallet'), messages.openWallet),
    h('div', { class: 'copies script-only' }, copyButtons(model)),
    h(
      'dialog',
      { id: QR_DIALOG_ID, class: 'qr-dialog', 'aria-label': messages.qrScan },
      h(
        'svg',
        { class: 'qr', viewBox: qrBox(shown), 'aria-hidden': 'true' },
        h('use', { href: '#qr-modules' }),
      ),
      h('p', null, formatSatsAsBtc(view.remainingSats, model.locale)),
      h('button', { type: 'button', class: 'button', onClick: actions?.shrink }, messages.close),
    ),
  );
}

/** What a wallet may want by hand, for the way that was chosen. */
function copyButtons(model: PageModel): ComponentChild[] {
  const { messages } = model;
  const address = copyButton(model, 'address', messages.copyAddress, messages.copyAddressLabel);
  const amount = copyButton(model, 'amount', messages.copyAmount, messages.copyAmountLabel);
  const link = copyButton(model, 'link', messages.copyLink, messages.copyLinkLabel);
  const invoice = copyButton(model, 'invoice', messages.copyInvoice, messages.copyInvoiceLabel);
  const method = methodOf(model);
  if (method === 'lightning') return [invoice, amount];
  return method === 'any' ? [address, invoice, link] : [address, amount, link];
}

function QrButton({ model, link }: { model: PageModel; link: string }): ComponentChild {
  const { view, locale, messages, actions } = model;
  const text = methodOf(model) === 'lightning' ? messages.qrLabelLightning : messages.qrLabel;
  const label = fill(text, {
    amount: formatSatsAsBtc(view.remainingSats, locale),
    address: view.address,
  });
  return h(
    'button',
    {
      type: 'button',
      class: 'qr-button',
      'aria-label': `${label}. ${messages.qrEnlarge}`,
      onClick: actions?.enlarge,
    },
    h(
      'svg',
      { class: 'qr', viewBox: qrBox(link), role: 'img', 'aria-label': label },
      h('path', { id: 'qr-modules', d: qrOf(link).path }),
    ),
  );
}

/** Amount, with the sats that a payer checks against the wallet. */
export function BitcoinAmount({ sats, locale }: { sats: string; locale: string }): ComponentChild {
  return h(
    'span',
    { class: 'btc' },
    h('span', null, formatSatsAsBtc(sats, locale)),
    h('span', { class: 'sats' }, formatSats(sats, locale)),
  );
}

/** The address in groups of four, as people compare it; copied by hand it has no gaps. */
export function AddressText({ address }: { address: string }): ComponentChild {
  const groups = address.match(/.{1,4}/g) ?? [];
  return h(
    'bdi',
    { class: 'address', dir: 'ltr', title: shortenMiddle(address) },
    groups.map((group) => h('span', null, group)),
  );
}

function copyButton(
  { state, messages, actions }: PageModel,
  target: CopyTarget,
  text: string,
  label: string,
): ComponentChild {
  const done = state.copied === target;
  return h(
    'button',
    {
      type: 'button',
      class: done ? 'button copy done' : 'button copy',
      'aria-label': label,
      onClick: actions === null ? undefined : () => actions.copy(target),
    },
    icon(done ? 'check' : 'copy'),
    h('span', null, done ? messages.copied : text),
  );
}

function qrBox(link: string): string {
  const { side } = qrOf(link);
  return `0 0 ${side} ${side}`;
}

/** The last code drawn: the page is drawn every second, the link changes once or twice. */
let drawn: { link: string; picture: ReturnType<typeof drawQr> } | undefined;

function qrOf(link: string): ReturnType<typeof drawQr> {
  if (drawn?.link !== link) drawn = { link, picture: drawQr(link) };
  return drawn.picture;
}
