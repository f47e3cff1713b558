import type { RefundView } from '@quittance/contract';
import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { documentOf, escapeHtml, inertJson, styleTags } from '../document.ts';
import { faviconOf } from '../favicon.ts';
import type { Locale } from '../locale.ts';
import { renderUnknownPage } from '../unknown-page.ts';
import { type ClaimStep, emptyForm, REFUND_DATA_ID, type RefundPageData } from './model.ts';
import { RefundPage, titleOf, toneOf } from './refund-page.ts';
import { refundMessagesOf } from './strings/index.ts';

export interface RefundPageOptions {
  locale: Locale;
  /** Addresses of the style sheet and of the claim page's own small script. */
  assets: { scriptUrl: string; styleUrl: string };
  /** One-time value that the answer's Content-Security-Policy carries too. */
  nonce: string;
  /** This page: `/refund/{secret}`. */
  path: string;
  step?: ClaimStep;
}

/** How often a page without JavaScript loads itself again while something is awaited. */
const REFRESH_SECONDS = 30;

/** On these screens the state is going to change by itself. */
const MOVING: ReadonlySet<RefundView['screen']> = new Set(['held', 'approving', 'sending', 'sent']);

/** The page on which a customer names the address of a refund and follows it. */
export function renderRefundPage(view: RefundView, options: RefundPageOptions): string {
  const { locale, assets, nonce, path, step = emptyForm } = options;
  const messages = refundMessagesOf[locale];
  const model = { view, step, locale, messages, path };
  const moving = MOVING.has(view.screen);
  const data: RefundPageData = {
    stateUrl: moving ? `${path}/view` : null,
    screen: view.screen,
    txid: view.txid,
    copied: messages.copied,
    sending: messages.sending,
  };
  const hidden = '<style nonce="NONCE">.script-only{display:none!important}</style>';
  const refresh = moving ? `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : '';
  const wrong = step.name === 'form' && step.problem !== null;
  const title = wrong ? `${messages.errorPrefix}: ${titleOf(model)}` : titleOf(model);
  const safeNonce = escapeHtml(nonce);
  return documentOf({
    locale,
    title: `${title} · ${view.store.name}`,
    favicon: faviconOf(toneOf(model)),
    head: [
      styleTags({ nonce, styleUrl: assets.styleUrl, color: view.store.color }),
      `<noscript>${hidden.replace('NONCE', safeNonce)}${refresh}</noscript>`,
      `<script type="module" nonce="${safeNonce}" src="${escapeHtml(assets.scriptUrl)}"></script>`,
    ].join('\n'),
    body: [
      renderToString(h(RefundPage, model)),
      moving
        ? `<noscript><p class="no-script">${escapeHtml(messages.noScript)}</p></noscript>`
        : '',
      `<script type="application/json" id="${REFUND_DATA_ID}">${inertJson(data)}</script>`,
    ].join('\n'),
  });
}

/** Answer to a link that leads nowhere. Says the same to everybody. */
export function renderRefundUnknownPage(locale: Locale, styleUrl: string): string {
  const { unknownTitle: title, unknownBody: body } = refundMessagesOf[locale];
  return renderUnknownPage({ locale, title, body, styleUrl });
}
