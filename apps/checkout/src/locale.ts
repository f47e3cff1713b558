/** Languages of the payer's pages. A new one is one file in strings/ and one row here. */
export const locales = ['en', 'zh-CN', 'zh-TW'] as const;
export type Locale = (typeof locales)[number];

/** Longest Accept-Language header that is looked at: browsers send under 200 characters. */
const MAX_HEADER_LENGTH = 1_000;

/** Language scripts that are written from right to left (ISO 639 codes). */
const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur']);

/**
 * Chooses the page's language: the `lang` of the query when it is one of ours, else the first of
 * the browser's wishes that we have (RFC 9110 §12.5.4), else the store's own.
 */
export function chooseLocale(
  acceptLanguage: string | undefined,
  queryLang: string | undefined,
  fallback: Locale = 'en',
): Locale {
  const asked = queryLang === undefined ? undefined : matchLocale(queryLang);
  if (asked !== undefined) return asked;
  for (const tag of wishes((acceptLanguage ?? '').slice(0, MAX_HEADER_LENGTH))) {
    const locale = matchLocale(tag);
    if (locale !== undefined) return locale;
  }
  return fallback;
}

/** Writing direction of the page. */
export function directionOf(locale: string): 'ltr' | 'rtl' {
  return RIGHT_TO_LEFT.has(locale.split('-')[0] ?? '') ? 'rtl' : 'ltr';
}

/** Traditional characters are used in Taiwan, Hong Kong and Macau, simplified ones elsewhere. */
function matchLocale(tag: string): Locale | undefined {
  const parts = tag.trim().toLowerCase().split(/[-_]/);
  if (parts[0] === 'en') return 'en';
  if (parts[0] !== 'zh') return undefined;
  if (parts.includes('hans')) return 'zh-CN';
  return parts.some((part) => ['hant', 'tw', 'hk', 'mo'].includes(part)) ? 'zh-TW' : 'zh-CN';
}

/** The header's language tags, most wanted first; equal weights keep their order. */
function wishes(header: string): string[] {
  return header
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.split(';').map((part) => part.trim());
      const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      const weight = q === undefined ? 1 : Number(q);
      return { tag, weight: Number.isFinite(weight) ? weight : 0 };
    })
    .filter(({ tag, weight }) => tag !== '' && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
