import type { OrderView } from '@quittance/contract';
import { type ComponentType, h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { Checkout } from './components/checkout.ts';
import { NotFound } from './components/not-found.ts';
import { Receipt } from './components/receipt.ts';
import { brandColors, SURFACE } from './contrast.ts';
import { faviconOf } from './favicon.ts';
import { fill } from './format.ts';
import { directionOf, type Locale } from './locale.ts';
import {
  type CheckoutPaths,
  DATA_ELEMENT_ID,
  initialState,
  type PageData,
  type PageModel,
  ROOT_ELEMENT_ID,
} from './model.ts';
import { isSettled, screenOf, toneOf } from './screen.ts';
import { messagesOf } from './strings/index.ts';
import { documentTitle } from './words.ts';

export interface PageOptions {
  locale: Locale;
  /** Addresses of the two files of `buildAssets`. */
  assets: { scriptUrl: string; styleUrl: string };
  /** One-time value that the answer's Content-Security-Policy carries too. */
  nonce: string;
  paths: CheckoutPaths;
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
  const messages = messagesOf[locale];
  return documentOf({
    locale,
    title: messages.notFoundTitle,
    favicon: faviconOf('neutral'),
    head: styleUrl === undefined ? '' : `<link rel="stylesheet" href="${escapeHtml(styleUrl)}">`,
    body: renderToString(h(NotFound, { messages })),
  });
}

/**
 * The Content-Security-Policy that the pages work under: own script and style, one nonce, pictures
 * from the store's logo host only, connections to this server only, in nobody's frame.
 */
export function contentSecurityPolicy(view: OrderView | null, nonce: string): string {
  const logo = view?.store.logoUrl ?? null;
  const logoOrigin = logo === null || !URL.canParse(logo) ? '' : ` ${new URL(logo).origin}`;
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src 'self' data:${logoOrigin}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function renderPage(
  page: PageData['page'],
  component: ComponentType<PageModel>,
  view: OrderView,
  { locale, assets, nonce, paths }: PageOptions,
): string {
  const messages = messagesOf[locale];
  const nowMs = Date.parse(view.serverTime);
  const screen = screenOf(view, nowMs);
  const data: PageData = { page, view, locale, messages, paths };
  const model: PageModel = {
    view,
    nowMs,
    locale,
    messages,
    paths,
    state: initialState,
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
      `<link rel="stylesheet" nonce="${escapeHtml(nonce)}" href="${escapeHtml(assets.styleUrl)}">`,
      `<style nonce="${escapeHtml(nonce)}">${brandStyle(view.store.color)}</style>`,
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

function brandStyle(color: string | null): string {
  const rule = (theme: 'light' | 'dark') => {
    const { fill: background, onFill, edge, ink } = brandColors(color, theme);
    return `:root{--brand:${background};--on-brand:${onFill};--brand-edge:${edge};--brand-ink:${ink}}`;
  };
  return `${rule('light')}@media screen and (prefers-color-scheme:dark){${rule('dark')}}`;
}

function documentOf(parts: {
  locale: Locale;
  title: string;
  favicon: string;
  head: string;
  body: string;
}): string {
  return `<!doctype html>
<html lang="${parts.locale}" dir="${directionOf(parts.locale)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<title>${escapeHtml(parts.title)}</title>
<meta name="robots" content="noindex,nofollow">
<meta name="referrer" content="no-referrer">
<meta name="format-detection" content="telephone=no">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="${SURFACE.light}" media="(prefers-color-scheme:light)">
<meta name="theme-color" content="${SURFACE.dark}" media="(prefers-color-scheme:dark)">
<link rel="icon" type="image/svg+xml" href="${escapeHtml(parts.favicon)}">
${parts.head}
</head>
<body>
${parts.body}
</body>
</html>
`;
}

/** JSON that cannot end its script element or be taken for markup. */
function inertJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
