import { brandColors, SURFACE } from './contrast.ts';
import { directionOf, type Locale } from './locale.ts';

/** The store's colour, made readable, as custom properties for light and dark. */
function brandStyle(color: string | null): string {
  const rule = (theme: 'light' | 'dark') => {
    const { fill: background, onFill, edge, ink } = brandColors(color, theme);
    return `:root{--brand:${background};--on-brand:${onFill};--brand-edge:${edge};--brand-ink:${ink}}`;
  };
  return `${rule('light')}@media screen and (prefers-color-scheme:dark){${rule('dark')}}`;
}

/** The style sheet and the store's colours, as far as the Content-Security-Policy lets them in. */
export function styleTags(look: { nonce: string; styleUrl: string; color: string | null }): string {
  const nonce = escapeHtml(look.nonce);
  return [
    `<link rel="stylesheet" nonce="${nonce}" href="${escapeHtml(look.styleUrl)}">`,
    `<style nonce="${nonce}">${brandStyle(look.color)}</style>`,
  ].join('\n');
}

/** A whole HTML document; texts are escaped, `head` and `body` are markup already. */
export function documentOf(parts: {
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
export function inertJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
