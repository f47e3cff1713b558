import type { OrderView } from '@quittance/contract';
import { type ComponentType, h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { Checkout } from './components/checkout.ts';
import { Receipt } from './components/receipt.ts';
import { documentOf, escapeHtml, inertJson, styleTags } from './document.ts';
import { faviconOf } from './favicon.ts';
import { fill } from './format.ts';
import type { Locale } from './locale.ts';
import {
  type CheckoutPaths,
  DATA_ELEMENT_ID,
  initialState,
  type PageData,
  type PageModel,
  type PayMethod,
  payMethods,
  ROOT_ELEMENT_ID,
} from './model.ts';
import { isSettled, screenOf, toneOf } from './screen.ts';
import { messagesOf } from './strings/index.ts';
import { renderUnknownPage } from './unknown-page.ts';
import { documentTitle } from './words.ts';

export interface PageOptions {
  locale: Locale;
  /** Addresses of the two files of `buildAssets`. */
  assets: { scriptUrl: string; styleUrl: string };
  /** One-time value that the answer's Content-Security-Policy carries too. */
  nonce: string;
  paths: CheckoutPaths;
  /** The way to pay that the payer has chosen by a link; any when there was none. */
  method?: PayMethod;
}

/** How often a page without JavaScript loads itself again, in seconds. */
const REFRESH_SECONDS = 15;

/** The payer's page of an order, as a whole HTML document. */
export function renderCheckoutPage(view: OrderView, options: PageOptions): string {
  return renderPage('checkout', Checkout, view, options);
}

/** The receipt of an order, printable, as a whole HTML document. */
export function renderReceiptPage(view: OrderView, options: PageOptions): string {
  return renderPage('receipt', Receipt, view, options);
}

/** Answer to an order number that does not exist. Says the same to everybody. */
export function renderNotFoundPage(locale: Locale, styleUrl?: string): string {
  const { notFoundTitle: title, notFoundBody: body } = messagesOf[locale];
  return renderUnknownPage({ locale, title, body, styleUrl });
}

/**
 * The Content-Security-Policy that the pages work under: own script and style, one nonce, pictures
 * from the store's logo host only, connections to this server only, in nobody's frame.
 */
export function contentSecurityPolicy(view: OrderView | null, nonce: string): string {
  return policyOf(view?.store.logoUrl ?? null, nonce, "'none'");
}

/** The same for the claim page of a refund, whose form is sent to this server. */
export function refundSecurityPolicy(logoUrl: string | null, nonce: string): string {
  return policyOf(logoUrl, nonce, "'self'");
}

function policyOf(logo: string | null, nonce: string, forms: string): string {
  const logoOrigin = logo === null || !URL.canParse(logo) ? '' : ` ${new URL(logo).origin}`;
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' data:${logoOrigin}`,
    "connect-src 'self'",
    "base-uri 'none'",
    `form-action ${forms}`,
    "frame-ancestors 'none'",
  ].join('; ');
}

function renderPage(
  page: PageData['page'],
  component: ComponentType<PageModel>,
  view: OrderView,
  { locale, assets, nonce, paths, method = 'any' }: PageOptions,
): string {
  const messages = messagesOf[locale];
  const nowMs = Date.parse(view.serverTime);
  const screen = screenOf(view, nowMs);
  const data: PageData = { page, view, method, locale, messages, paths };
  const model: PageModel = {
    view,
    nowMs,
    locale,
    messages,
    paths,
    state: { ...initialState, method },
    actions: null,
  };
  const refresh = isSettled(screen) || page === 'receipt' ? '' : refreshTag();
  const script = `<script type="module" nonce="${escapeHtml(nonce)}" src="${escapeHtml(assets.scriptUrl)}"></script>`;
  return documentOf({
    locale,
    title:
      page === 'receipt'
        ? `${messages.receiptTitle} · ${view.store.name}`
        : documentTitle({ view, locale, messages }, nowMs),
    favicon: faviconOf(toneOf(screen)),
    head: [
      styleTags({ nonce, styleUrl: assets.styleUrl, color: view.store.color }),
      `<noscript><style nonce="${escapeHtml(nonce)}">.script-only{display:none!important}</style>${refresh}</noscript>`,
      script,
    ].join('\n'),
    body: [
      `<div id="${ROOT_ELEMENT_ID}">${renderToString(h(component, model))}</div>`,
      refresh === ''
        ? ''
        : `<noscript><p class="no-script">${escapeHtml(fill(messages.noScript, { n: REFRESH_SECONDS }))}</p></noscript>`,
      `<script type="application/json" id="${DATA_ELEMENT_ID}">${inertJson(data)}</script>`,
    ].join('\n'),
  });
}

function refreshTag(): string {
  return `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`;
}

/** The way to pay that a link names; undefined when it names none. */
export function payMethodOf(text: string | undefined): PayMethod | undefined {
  return payMethods.find((method) => method === text);
}
