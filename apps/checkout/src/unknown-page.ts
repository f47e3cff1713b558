import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { documentOf, escapeHtml } from './document.ts';
import { faviconOf } from './favicon.ts';
import type { Locale } from './locale.ts';

/** Answer to a link that leads nowhere. Says the same to everybody. */
export function renderUnknownPage(parts: {
  locale: Locale;
  title: string;
  body: string;
  styleUrl: string | undefined;
}): string {
  const { locale, title, body, styleUrl } = parts;
  return documentOf({
    ...{ locale, title, favicon: faviconOf('neutral') },
    head: styleUrl === undefined ? '' : `<link rel="stylesheet" href="${escapeHtml(styleUrl)}">`,
    body: renderToString(
      h(
        'div',
        { class: 'sheet tone-neutral' },
        h('main', { class: 'state alone' }, h('h1', null, title), h('p', { class: 'body' }, body)),
      ),
    ),
  });
}
