import type { PullView } from '@quittance/contract';
import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { documentOf, styleTags } from '../document.ts';
import { faviconOf } from '../favicon.ts';
import type { Locale } from '../locale.ts';
import { renderUnknownPage } from '../unknown-page.ts';
import { PullPage, titleOf, toneOf } from './pull-page.ts';
import { pullMessagesOf } from './strings/index.ts';

export interface PullPageOptions {
  locale: Locale;
  styleUrl: string;
  /** One-time value that the answer's Content-Security-Policy carries too. */
  nonce: string;
  /** This page: `/pull/{secret}`. */
  path: string;
}

/** While a draw is under way the page loads itself again; it needs no script. */
const REFRESH_SECONDS = 5;

/** The page on which somebody draws from a pull payment. */
export function renderPullPage(view: PullView, options: PullPageOptions): string {
  const { locale, styleUrl, nonce, path } = options;
  const model = { view, locale, messages: pullMessagesOf[locale], path };
  const isMoving = view.draws.some(({ state }) => state === 'open');
  return documentOf({
    locale,
    title: `${titleOf(model)} · ${view.store.name}`,
    favicon: faviconOf(toneOf(view)),
    head: [
      styleTags({ nonce, styleUrl, color: view.store.color }),
      isMoving ? `<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : '',
    ].join('\n'),
    body: renderToString(h(PullPage, model)),
  });
}

/** Answer to a link that leads nowhere. Says the same to everybody. */
export function renderPullUnknownPage(locale: Locale, styleUrl: string): string {
  const { unknownTitle: title, unknownBody: body } = pullMessagesOf[locale];
  return renderUnknownPage({ locale, title, body, styleUrl });
}
