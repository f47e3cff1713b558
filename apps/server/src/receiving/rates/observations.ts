import { assert, type Clock, type Random } from '@quittance/kernel';
import type { FetchText } from './http-fetch.ts';
import { isFresh, type Observation } from './quote.ts';
import { type FiatCurrency, formatPrice } from './rate.ts';
import type { HttpRateSource } from './sources/source.ts';
import type { Timer } from './timer.ts';

/** The slowest exchange answers within a second or two; an order waits for this. */
const FETCH_TIMEOUT_MS = 4_000;
/** For a fetchText that breaks its own promise to end in time. */
const FETCH_OVERDUE_MS = FETCH_TIMEOUT_MS + 1_000;
/** All currencies of Yadio take some 3 kB; a hundred times that is not a ticker. */
const MAX_BODY_BYTES = 262_144;
/** Back-off after a failure: doubles from here … */
const FIRST_RETRY_MS = 2_000;
/** … up to here, so that an exchange that comes back is noticed within a minute. */
const MAX_RETRY_MS = 60_000;
/** An exchange that asks for fewer requests is left alone for this long, in every currency. */
const RATE_LIMITED_MS = 60_000;
/** However many orders wait for it, a source is not asked more often than this. */
const MIN_INTERVAL_MS = 1_000;
/** An operator sees a source in yellow when its price is older (default age limit of a rule). */
const STALE_AFTER_MS = 180_000;
/** A currency that nobody asked for in this time is no longer refreshed, and forgotten. */
export const IDLE_AFTER_MS = 600_000;
/** Every source times every currency is about 500; beyond this the least recently used goes. */
const MAX_CELLS = 1_024;
/** Statuses by which exchanges refuse whoever asks too often (RFC 6585; Binance bans with 418). */
const RATE_LIMIT_STATUSES: ReadonlySet<number> = new Set([418, 429]);

/** What is known of one source in one currency. */
export interface Cell {
  readonly source: HttpRateSource;
  readonly currency: FiatCurrency;
  observation: Observation | undefined;
  lastSuccessAtMs: number | undefined;
  lastError: { readonly atMs: number; readonly reason: string } | undefined;
  failuresInRow: number;
  retryAfterMs: number;
  lastAskedAtMs: number | undefined;
  lastUsedAtMs: number;
  inFlight: Promise<void> | undefined;
}

export interface SourceStatus {
  readonly source: string;
  readonly currency: FiatCurrency;
  /**
   * "failing": the last attempt failed, whatever was known before. "stale": it answered, but with
   * an old price, or the clock has jumped. "unknown": no attempt has ended yet.
   */
  readonly state: 'ok' | 'stale' | 'failing' | 'unknown';
  readonly price: string | null;
  readonly lastSuccessAtMs: number | null;
  /** Of the observation; negative when the clock has jumped back since. */
  readonly ageMs: number | null;
  readonly lastError: { readonly atMs: number; readonly reason: string } | null;
  readonly failuresInRow: number;
}

export interface RatesMetrics {
  fetched(event: { source: string; currency: string; ok: boolean; durationMs: number }): void;
  quoted(event: { currency: string; ok: boolean }): void;
}

export interface RatesLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface ObservationsOptions {
  readonly fetchText: FetchText;
  readonly clock: Clock;
  readonly random: Random;
  readonly timer: Timer;
  readonly log?: RatesLog | undefined;
  readonly metrics?: RatesMetrics | undefined;
}

/** The latest observation per source and currency, in bounded memory. */
export interface Observations {
  /** The cell, made if need be, and marked as used now. */
  use(source: HttpRateSource, currency: FiatCurrency): Cell;
  /** Asks the source unless it is being asked; resolves when that has ended, never rejects. */
  refresh(cell: Cell): Promise<void>;
  /** False while the source is left alone after failures. */
  mayFetch(cell: Cell): boolean;
  /** Why the source has no newer observation, if that is known. */
  lastFault(cell: Cell): string | undefined;
  /** Starts a refresh of all that is in use, and forgets what is not. */
  refreshUsed(): void;
  status(): SourceStatus[];
  /** Ends what is under way. Nothing is fetched afterwards. */
  stop(): Promise<void>;
}

export function createObservations(options: ObservationsOptions): Observations {
  const { clock, timer } = options;
  const cells = new Map<string, Cell>();
  const rateLimitedAtMs = new Map<string, number>();
  const stopping = new AbortController();

  function use(source: HttpRateSource, currency: FiatCurrency): Cell {
    const key = `${source.name}:${currency}`;
    const cell = cells.get(key) ?? emptyCell(source, currency);
    cell.lastUsedAtMs = clock.nowMs();
    // Taken out and put back, so that the map's order is the order of use.
    cells.delete(key);
    cells.set(key, cell);
    if (cells.size > MAX_CELLS) {
      const [oldest] = cells.keys();
      assert(oldest !== undefined, 'observations: a full map has an oldest cell');
      cells.delete(oldest);
    }
    return cell;
  }

  function isRateLimited(source: HttpRateSource): boolean {
    const sinceMs = rateLimitedAtMs.get(source.name);
    return sinceMs !== undefined && isWaiting(sinceMs, RATE_LIMITED_MS, clock.nowMs());
  }

  function mayFetch(cell: Cell): boolean {
    const nowMs = clock.nowMs();
    if (isRateLimited(cell.source)) return false;
    const { lastAskedAtMs, lastError } = cell;
    if (lastAskedAtMs !== undefined && isWaiting(lastAskedAtMs, MIN_INTERVAL_MS, nowMs))
      return false;
    if (cell.failuresInRow === 0 || lastError === undefined) return true;
    return !isWaiting(lastError.atMs, cell.retryAfterMs, nowMs);
  }

  function refresh(cell: Cell): Promise<void> {
    if (stopping.signal.aborted) return Promise.resolve();
    cell.inFlight ??= fetchOnce(cell).finally(() => {
      cell.inFlight = undefined;
    });
    return cell.inFlight;
  }

  async function fetchOnce(cell: Cell): Promise<void> {
    const { source, currency } = cell;
    const startedAtMs = clock.nowMs();
    cell.lastAskedAtMs = startedAtMs;
    const outcome = await ask(source, currency, startedAtMs);
    const nowMs = clock.nowMs();
    options.metrics?.fetched({
      source: source.name,
      currency,
      ok: outcome.ok,
      durationMs: Math.max(0, nowMs - startedAtMs),
    });
    if (outcome.ok) {
      cell.observation = outcome.observation;
      cell.lastSuccessAtMs = nowMs;
      cell.failuresInRow = 0;
      return;
    }
    if (stopping.signal.aborted) return;
    cell.failuresInRow += 1;
    cell.lastError = { atMs: nowMs, reason: outcome.reason };
    cell.retryAfterMs = retryDelayMs(cell.failuresInRow, options.random);
    if (outcome.rateLimited) rateLimitedAtMs.set(source.name, nowMs);
    // Only the first failure in a row is news; status() and the metrics tell of the others.
    if (cell.failuresInRow === 1) {
      const { reason } = outcome;
      options.log?.warn({ source: source.name, currency, reason }, 'a rate source fails');
    }
  }

  type Outcome =
    | { ok: true; observation: Observation }
    | { ok: false; reason: string; rateLimited?: boolean };

  async function ask(
    source: HttpRateSource,
    currency: FiatCurrency,
    startedAtMs: number,
  ): Promise<Outcome> {
    try {
      const { url, headers } = source.request(currency);
      const fetching = options.fetchText(url, {
        timeoutMs: FETCH_TIMEOUT_MS,
        maxBytes: MAX_BODY_BYTES,
        headers,
        signal: stopping.signal,
      });
      const { status, body } = await within(fetching, FETCH_OVERDUE_MS, timer);
      if (status !== 200) {
        return {
          ok: false,
          reason: `HTTP status ${status}`,
          rateLimited: RATE_LIMIT_STATUSES.has(status),
        };
      }
      const ticker = source.parse(body, currency);
      if (!ticker.ok) return ticker;
      // The question's time, not the answer's: a price can't be younger than when it was asked
      // for. An exchange whose clock runs ahead gains nothing by it.
      const observedAtMs = Math.min(startedAtMs, ticker.asOfMs ?? startedAtMs);
      const { pricePerBtcE8 } = ticker;
      return { ok: true, observation: { source: source.name, pricePerBtcE8, observedAtMs } };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message : 'unknown error' };
    }
  }

  return {
    use,
    refresh,
    mayFetch,
    lastFault(cell) {
      if (cell.failuresInRow > 0) return cell.lastError?.reason;
      return isRateLimited(cell.source) ? 'asks for fewer requests' : undefined;
    },
    refreshUsed() {
      const nowMs = clock.nowMs();
      for (const [key, cell] of cells) {
        // After the clock has jumped back a cell counts as used now, not as used for ever.
        if (cell.lastUsedAtMs > nowMs) cell.lastUsedAtMs = nowMs;
        if (cell.inFlight !== undefined) continue;
        if (nowMs - cell.lastUsedAtMs > IDLE_AFTER_MS) cells.delete(key);
        else if (mayFetch(cell)) void refresh(cell);
      }
    },
    status: () => [...cells.values()].map((cell) => statusOf(cell, clock.nowMs())),
    async stop() {
      stopping.abort();
      await Promise.all([...cells.values()].flatMap(({ inFlight }) => inFlight ?? []));
    },
  };
}

function emptyCell(source: HttpRateSource, currency: FiatCurrency): Cell {
  return {
    source,
    currency,
    observation: undefined,
    lastSuccessAtMs: undefined,
    lastError: undefined,
    failuresInRow: 0,
    retryAfterMs: 0,
    lastAskedAtMs: undefined,
    lastUsedAtMs: 0,
    inFlight: undefined,
  };
}

function statusOf(cell: Cell, nowMs: number): SourceStatus {
  const { observation } = cell;
  return {
    source: cell.source.name,
    currency: cell.currency,
    state: stateOf(cell, nowMs),
    price: observation === undefined ? null : formatPrice(observation.pricePerBtcE8),
    lastSuccessAtMs: cell.lastSuccessAtMs ?? null,
    ageMs: observation === undefined ? null : nowMs - observation.observedAtMs,
    lastError: cell.lastError ?? null,
    failuresInRow: cell.failuresInRow,
  };
}

function stateOf({ failuresInRow, observation }: Cell, nowMs: number): SourceStatus['state'] {
  if (failuresInRow > 0) return 'failing';
  if (observation === undefined) return 'unknown';
  return isFresh(observation, STALE_AFTER_MS, nowMs) ? 'ok' : 'stale';
}

/** A start in the future means that the clock has jumped back: that wait is over. */
function isWaiting(sinceMs: number, forMs: number, nowMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < forMs;
}

/** Half of the doubled delay is certain, the other half random: many servers don't ask in step. */
function retryDelayMs(failuresInRow: number, random: Random): number {
  // The exponent is capped before the shift: after days of failures it would overflow.
  const doubled = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failuresInRow - 1, 10));
  const [high = 0, low = 0] = random(new Uint8Array(2));
  return Math.floor(doubled / 2 + (doubled / 2) * ((high * 256 + low) / 65_536));
}

/** Settles as `promise` does, or rejects after `limitMs`. */
function within<T>(promise: Promise<T>, limitMs: number, timer: Timer): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timer(limitMs, () => reject(new Error(`no answer within ${limitMs} ms`)));
    promise.then(resolve, reject).finally(cancel);
  });
}
