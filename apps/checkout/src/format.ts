import { formatDecimal } from '@quittance/kernel';

/** A number and its unit stay on one line. */
const NO_BREAK_SPACE = '\u00a0';

/**
 * Formats a decimal text in a currency by the locale's habit ("25.00", USD → "$25.00"), exactly:
 * the whole part goes through Intl as a bigint, the fraction stays text, nothing becomes a float.
 * A fraction longer than the currency's own is kept as it is.
 */
export function formatMoney(amount: string, currency: string, locale: string): string {
  const [whole = '0', fraction = ''] = amount.split('.');
  if (currency === 'BTC') return `${formatBtcText(amount, locale)}${NO_BREAK_SPACE}BTC`;
  const digits = usualDigits(currency);
  const shown = fraction.padEnd(digits, '0');
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    numberingSystem: 'latn',
    minimumFractionDigits: shown === '' ? 0 : 1,
    maximumFractionDigits: shown === '' ? 0 : 1,
  })
    .formatToParts(BigInt(whole))
    .map((part) => (part.type === 'fraction' ? shown : part.value))
    .join('');
}

/** Satoshis as bitcoin with all eight decimals: "41235" → "0.00041235 BTC". */
export function formatSatsAsBtc(sats: string, locale: string): string {
  return `${formatBtcText(plainBtc(sats), locale)}${NO_BREAK_SPACE}BTC`;
}

/** Satoshis with the locale's grouping: "41235" → "41,235 sat". */
export function formatSats(sats: string, locale: string): string {
  return `${groupDigits(sats, locale)}${NO_BREAK_SPACE}sat`;
}

/** The decimal that a wallet's amount field takes: no grouping, a dot, eight decimals. */
export function plainBtc(sats: string): string {
  return formatDecimal(BigInt(sats), 8);
}

/** A rate: "96250.5" USD → "$96,250.50". */
export function formatRate(pricePerBtc: string, currency: string, locale: string): string {
  const [whole = '0', fraction = ''] = pricePerBtc.split('.');
  const digits = usualDigits(currency);
  // A rate may carry many decimals; past the currency's own they tell a reader nothing unless
  // the coin is nearly worthless in it, so they are cut, not rounded, and only for show.
  return formatMoney(
    digits === 0 ? whole : `${whole}.${fraction.slice(0, digits)}`,
    currency,
    locale,
  );
}

/** Date and time with its zone, so that a printed receipt says which clock it means. */
export function formatDateTime(iso: string, locale: string, timeZone: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(new Date(iso));
}

/** The short name of the zone that `formatDateTime` wrote in: "UTC", "GMT+8". */
export function zoneName(iso: string, locale: string, timeZone: string | undefined): string {
  const parts = new Intl.DateTimeFormat(locale, {
    timeZoneName: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(new Date(iso));
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}

/** Milliseconds as a countdown: 872000 → "14:32"; with hours "1:02:03"; never below zero. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const pad = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const rest = pad(seconds % 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Shortens a hash or an address in the middle; what is copied stays whole. */
export function shortenMiddle(text: string, keep = 8): string {
  return text.length <= 2 * keep + 1 ? text : `${text.slice(0, keep)}…${text.slice(-keep)}`;
}

/** Replaces `{name}` in a message. */
export function fill(template: string, values: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function formatBtcText(amount: string, locale: string): string {
  const [whole = '0', fraction = ''] = amount.split('.');
  const point = new Intl.NumberFormat(locale, { numberingSystem: 'latn' })
    .formatToParts(1.5)
    .find((part) => part.type === 'decimal')?.value;
  return `${groupDigits(whole, locale)}${point ?? '.'}${fraction.padEnd(8, '0')}`;
}

function groupDigits(whole: string, locale: string): string {
  return new Intl.NumberFormat(locale, { numberingSystem: 'latn' }).format(BigInt(whole));
}

/** Decimals that the currency usually shows; two for codes that Intl does not know. */
function usualDigits(currency: string): number {
  const { maximumFractionDigits } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  return maximumFractionDigits ?? 2;
}
