import { z } from 'zod';
import { type FiatCurrency, type ParsedPrice, parsePrice } from '../rate.ts';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type ParsedTicker =
  | { readonly ok: true; readonly pricePerBtcE8: bigint; readonly asOfMs?: number }
  | Extract<ParsedPrice, { ok: false }>;

/** A public market that is asked over HTTP. */
export interface HttpRateSource {
  readonly kind: 'http';
  readonly name: string;
  supports(currency: FiatCurrency): boolean;
  request(currency: FiatCurrency): HttpRequest;
  /** Reads an answer; anything but the documented shape is a failure with a reason, never zero. */
  parse(body: string, currency: FiatCurrency): ParsedTicker;
}

/** Prices from the configuration; they are never old and never part of "all" sources. */
export interface FixedRateSource {
  readonly kind: 'fixed';
  readonly name: string;
  supports(currency: FiatCurrency): boolean;
  pricePerBtcE8(currency: FiatCurrency): bigint | undefined;
}

export type RateSource = HttpRateSource | FixedRateSource;

/** What an adapter's schema makes out of an answer. */
export interface Ticker {
  /** Decimal text of one bitcoin's price in the currency's major unit. */
  price: string;
  /** The time that the source itself gives to this price, in milliseconds since the epoch. */
  asOfMs?: number;
}

/** Longest part of a foreign message that ends up in a reason or a log line. */
const MAX_REASON_LENGTH = 120;

/** Builds a source out of what differs between exchanges: their pairs, address and answer. */
export function tickerSource(description: {
  name: string;
  currencies: readonly FiatCurrency[];
  url(currency: FiatCurrency): string;
  headers?: Readonly<Record<string, string>>;
  answer(currency: FiatCurrency): z.ZodType<Ticker>;
}): HttpRateSource {
  const currencies: ReadonlySet<string> = new Set(description.currencies);
  return {
    kind: 'http',
    name: description.name,
    supports: (currency) => currencies.has(currency),
    request: (currency) => ({
      url: description.url(currency),
      headers: { accept: 'application/json', ...description.headers },
    }),
    parse(body, currency) {
      const json = readJson(body);
      if (!json.ok) return json;
      const ticker = description.answer(currency).safeParse(json.value);
      if (!ticker.success) {
        const [issue] = ticker.error.issues;
        const where = issue?.path.join('.') || 'the answer';
        return unreadable(`not the documented shape: ${where}: ${issue?.message ?? 'unknown'}`);
      }
      const price = parsePrice(ticker.data.price);
      if (!price.ok) return price;
      const { asOfMs } = ticker.data;
      return asOfMs === undefined ? price : { ...price, asOfMs };
    },
  };
}

/** A decimal as text; JSON numbers arrive here as their source text, see {@link readJson}. */
export const decimalText = z.string().max(50);

/** Seconds since the epoch → milliseconds. Times are not money: a number is exact enough. */
export const unixSeconds = z
  .string()
  .regex(/^[0-9]{1,11}$/)
  .transform((text) => Number(text) * 1_000);

/** Milliseconds since the epoch. */
export const unixMilliseconds = z
  .string()
  .regex(/^[0-9]{1,14}$/)
  .transform(Number);

/**
 * Parses JSON with every number kept as the text that was sent: JSON.parse alone turns 65123.1 into
 * the nearest binary fraction. The reviver's third argument is ECMAScript's "JSON.parse source
 * text access".
 */
function readJson(body: string): { ok: true; value: unknown } | { ok: false; reason: string } {
  try {
    const numbersAsText = (_key: string, value: unknown, context?: { source?: string }): unknown =>
      typeof value === 'number' ? context?.source : value;
    return { ok: true, value: JSON.parse(body, numbersAsText) };
  } catch {
    return { ok: false, reason: 'the answer is not JSON' };
  }
}

function unreadable(reason: string): { ok: false; reason: string } {
  return { ok: false, reason: reason.slice(0, MAX_REASON_LENGTH) };
}
