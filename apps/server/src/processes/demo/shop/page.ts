import { type Locale, locales } from '@quittance/checkout';
import type { Order } from '@quittance/contract';
import { formatBtc } from '@quittance/kernel';
import { BLOCK_EVERY_MS } from '../miner.ts';
import { type Product, products } from './products.ts';
import { fill, type Strings, stringsOf } from './strings.ts';

export type ShopPage = {
  locale: Locale;
  orders: readonly Order[];
  fast: boolean;
  /** The customer has a Lightning wallet as well. */
  lightning: boolean;
  note: string | undefined;
  assets: { script: string; style: string };
};

/** What the address of the page may ask to be said; nothing else comes from there. */
export const notes = ['paid', 'notPayable', 'mined'] as const;
export type Note = (typeof notes)[number];

/** How much of what is missing each button sends. */
export const payments = { exact: 100n, less: 60n, more: 130n } as const;
export type PaymentKind = keyof typeof payments;

/** A page without JavaScript loads itself again. */
const REFRESH_SECONDS = 10;
const LANGUAGE_NAMES: Readonly<Record<Locale, string>> = {
  en: 'English',
  'zh-CN': '简体中文',
  'zh-TW': '繁體中文',
};

/** The demo's shop as a whole HTML document. */
export function renderShop(page: ShopPage): string {
  const { locale, assets } = page;
  const strings = stringsOf[locale];
  const note = page.note === undefined ? '' : `<p class="flash" role="status">${page.note}</p>`;
  const mining = page.fast
    ? strings.miningFast
    : fill(strings.miningSlow, { n: BLOCK_EVERY_MS / 1000 });
  const orders =
    page.orders.length === 0
      ? `<p class="empty">${strings.noOrders}</p>`
      : `<ol>${page.orders.map((order) => orderItem(order, page)).join('')}</ol>`;
  return documentOf(locale, strings.title, assets, [
    header(strings, locale),
    '<main>',
    note,
    `<section aria-labelledby="products-title"><h2 id="products-title" class="unseen">${strings.productsTitle}</h2>`,
    `<ul class="products">${products.map((product) => productItem(product, locale)).join('')}</ul></section>`,
    '<section aria-labelledby="orders-title">',
    `<div class="bar"><h2 id="orders-title">${strings.ordersTitle}</h2>`,
    `<form method="post" action="/shop/mine?lang=${locale}"><button class="button">${strings.mine}</button></form></div>`,
    `<p class="hint">${strings.ordersHint} ${mining}</p>`,
    `<div id="orders">${orders}</div>`,
    `<noscript><p class="hint">${fill(strings.noScript, { n: REFRESH_SECONDS })}</p></noscript>`,
    '</section></main>',
    footer(strings, locale),
  ]);
}

/** What a person sees when a form of the shop could not be carried out. */
export function renderProblem(locale: Locale, assets: ShopPage['assets'], reason: string): string {
  const strings = stringsOf[locale];
  return documentOf(locale, strings.errorTitle, { ...assets, script: '' }, [
    header(strings, locale),
    `<main><h2>${strings.errorTitle}</h2><p class="hint">${escapeHtml(reason)}</p>`,
    `<p><a class="button" href="/shop?lang=${locale}">${strings.back}</a></p></main>`,
  ]);
}

function header(strings: Strings, locale: Locale): string {
  return [
    `<aside class="banner" aria-label="Regtest"><strong>${strings.banner}</strong></aside>`,
    `<header><h1><a href="/shop?lang=${locale}">${strings.title}</a></h1><p>${strings.intro}</p></header>`,
  ].join('');
}

function footer(strings: Strings, locale: Locale): string {
  const links = locales.map((each) => {
    const current = each === locale ? ' aria-current="true"' : '';
    return `<a href="/shop?lang=${each}" lang="${each}" hreflang="${each}"${current}>${LANGUAGE_NAMES[each]}</a>`;
  });
  return `<footer><a href="/docs">${strings.docs}</a><nav aria-label="${strings.languages}">${links.join('')}</nav></footer>`;
}

function productItem({ id, name, about, amount, currency, icon }: Product, locale: Locale): string {
  const strings = stringsOf[locale];
  const label = escapeHtml(fill(strings.buyLabel, { name: name[locale] }));
  return [
    '<li class="product"><svg viewBox="0 0 24 24" aria-hidden="true">',
    `<path d="${icon}"/></svg><h3>${escapeHtml(name[locale])}</h3>`,
    `<p class="hint">${escapeHtml(about[locale])}</p>`,
    `<form method="post" action="/shop/buy?lang=${locale}"><input type="hidden" name="product" value="${id}">`,
    `<span class="price">${amount} <small>${currency}</small></span>`,
    `<button class="button main" aria-label="${label}">${strings.buy}</button></form></li>`,
  ].join('');
}

function orderItem(order: Order, page: ShopPage): string {
  const { locale } = page;
  const strings = stringsOf[locale];
  const { id, status } = order;
  const name = escapeHtml(nameOf(order, locale));
  const detail = detailOf(order, strings);
  const live = isOpen(order) ? ` data-live="${id}"` : '';
  const link = `/i/${id}?lang=${locale}`;
  return [
    `<li class="order"${live}><div class="what"><h3>${name}</h3>`,
    `<p class="digits">${order.priceAmount} ${order.priceCurrency}</p></div>`,
    `<p class="state"><span class="status status-${status.toLowerCase()}">${strings.statuses[status]}</span>`,
    detail === '' ? '' : `<span class="hint">${detail}</span>`,
    '</p><div class="acts">',
    `<a class="button" id="view-${id}" href="${link}" aria-label="${fill(strings.viewLabel, { name })}">${strings.view}</a>`,
    isPayable(order) ? payForm(order, name, page) : '',
    '</div></li>',
  ].join('');
}

function payForm({ id }: Order, name: string, { locale, lightning }: ShopPage): string {
  const strings = stringsOf[locale];
  const { payExact: exact, payLess: less, payMore: more } = strings;
  const words = { exact, less, more, lightning: strings.payLightning };
  const button = (how: PaymentKind | 'lightning') => {
    const label = fill(strings.payLabel, { how: words[how], name });
    return `<button class="button" id="${how}-${id}" name="how" value="${how}" aria-label="${label}">${words[how]}</button>`;
  };
  return [
    `<form class="pay" method="post" action="/shop/orders/${id}/pay?lang=${locale}">`,
    `<span class="hint">${strings.payTitle}</span>`,
    `<span class="group">${button('exact')}${button('less')}${button('more')}`,
    `${lightning ? button('lightning') : ''}</span></form>`,
  ].join('');
}

/** Whether the demo wallet may still pay it. */
export function isPayable({ status, expired }: Order): boolean {
  return !expired && (status === 'PENDING' || status === 'UNDERPAID');
}

function isOpen({ status, expired }: Order): boolean {
  return status === 'UNCONFIRMED' || (!expired && (status === 'PENDING' || status === 'UNDERPAID'));
}

/** Our own products have a name in each language, named by the order's metadata. */
function nameOf({ metadata, description, id }: Order, locale: Locale): string {
  const product = products.find((each) => each.id === metadata['product']);
  return product?.name[locale] ?? description ?? id;
}

function detailOf(order: Order, strings: Strings): string {
  const { status, expired, requiredConfirmations: need } = order;
  if (status === 'UNCONFIRMED') {
    const counted = order.payments.filter(({ state }) => state === 'seen' || state === 'included');
    const have = Math.min(need, ...counted.map(({ confirmations }) => confirmations));
    return fill(strings.confirmations, { have, need });
  }
  if (status !== 'UNDERPAID') return '';
  const missing = fill(strings.missing, { amount: formatBtc(BigInt(order.remainingSats)) });
  return expired ? `${missing}, ${strings.expired}` : missing;
}

function documentOf(
  locale: Locale,
  title: string,
  assets: ShopPage['assets'],
  body: readonly string[],
): string {
  const script =
    assets.script === '' ? '' : `<script type="module" src="${assets.script}"></script>`;
  const refresh =
    assets.script === ''
      ? ''
      : `<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}"></noscript>`;
  return `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<meta name="robots" content="noindex,nofollow">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${assets.style}">
${refresh}${script}
</head>
<body>
${body.join('\n')}
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
