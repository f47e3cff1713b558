import { assert, type Clock, type Random } from '@quittance/kernel';
import { RateUnavailableError } from './errors.ts';
import type { FetchText } from './http-fetch.ts';
import {
  type Cell,
  createObservations,
  type RatesLog,
  type RatesMetrics,
  type SourceStatus,
} from './observations.ts';
import { combine, isFresh, type Observation, type Rejection } from './quote.ts';
import type { FiatCurrency, Rate } from './rate.ts';
import { attemptsOf, type RateAttempt, type RateRule } from './rule.ts';
import type { FixedRateSource, HttpRateSource, RateSource } from './sources/source.ts';
import { systemTimer, type Timer } from './timer.ts';

/** Several observations fit into the default age limit, and CoinGecko's free tier allows it. */
const REFRESH_MS = 30_000;
/** Creating an order waits for a price at most this long, fallbacks included. */
const QUOTE_DEADLINE_MS = 6_000;
/** Once enough sources have answered, the others get this long to join the median. */
const SETTLE_GRACE_MS = 300;

/** A price to lock into an order: everything that is needed to explain it later. */
export interface Quote {
  readonly currency: FiatCurrency;
  /** The spread is in it already. */
  readonly rate: Rate;
  /** For people: "median of bitstamp, kraken", or the name of the only source. */
  readonly source: string;
  readonly used: readonly Observation[];
  readonly rejected: readonly Rejection[];
  /** When the oldest observation in it was made. */
  readonly observedAtMs: number;
  readonly quotedAtMs: number;
  readonly spreadBps: number;
}

export interface RatesOptions {
  /** Configuration decides which of the public sources, and whether the fixed one. */
  readonly sources: readonly RateSource[];
  readonly fetchText: FetchText;
  readonly clock: Clock;
  readonly random: Random;
  readonly timer?: Timer;
  readonly refreshMs?: number;
  readonly log?: RatesLog;
  readonly metrics?: RatesMetrics;
}

export interface Rates {
  /** Begins to refresh in the background what quotes use. Quotes work without it, slower. */
  start(): void;
  /** Ends what is under way; quotes asked for afterwards are refused. */
  stop(): Promise<void>;
  /**
   * A price that satisfies the rule, from memory if it is fresh, else fetched now.
   * @throws {RateUnavailableError} when there is none within the deadline
   */
  quote(currency: FiatCurrency, rule: RateRule): Promise<Quote>;
  /** For an operator: every source and currency in use. */
  status(): SourceStatus[];
}

export function createRates(options: RatesOptions): Rates {
  const { clock, timer = systemTimer, refreshMs = REFRESH_MS } = options;
  const byName = new Map(options.sources.map((source) => [source.name, source]));
  assert(byName.size === options.sources.length, 'createRates: two sources share a name');
  const observations = createObservations({ ...options, timer });
  let cancelTick: (() => void) | undefined;
  let stopped = false;

  function tick(): void {
    observations.refreshUsed();
    cancelTick = timer(refreshMs, tick);
  }

  async function quote(currency: FiatCurrency, rule: RateRule): Promise<Quote> {
    const deadline = startDeadline(QUOTE_DEADLINE_MS, timer);
    const reasons: Rejection[] = [];
    try {
      for (const attempt of attemptsOf(rule)) {
        if (stopped) break;
        const made = await tryToQuote(currency, attempt, deadline);
        if (made.ok) {
          options.metrics?.quoted({ currency, ok: true });
          return made.quote;
        }
        reasons.push(...made.reasons);
      }
    } finally {
      deadline.cancel();
    }
    if (stopped) reasons.push({ source: 'all', reason: 'the server is stopping' });
    options.metrics?.quoted({ currency, ok: false });
    throw new RateUnavailableError(currency, reasons);
  }

  async function tryToQuote(
    currency: FiatCurrency,
    attempt: RateAttempt,
    deadline: Deadline,
  ): Promise<{ ok: true; quote: Quote } | { ok: false; reasons: Rejection[] }> {
    const { live, fixed, missing } = chooseSources(options.sources, byName, attempt, currency);
    const cells = live.map((source) => observations.use(source, currency));
    const combineNow = () => {
      const nowMs = clock.nowMs();
      const known = [
        ...cells.flatMap((c) => c.observation ?? []),
        ...readFixed(fixed, currency, nowMs),
      ];
      return combine({ currency, observations: known, rule: attempt, nowMs });
    };
    let combined = combineNow();
    if (!combined.ok) {
      const nowMs = clock.nowMs();
      const old = cells.filter(
        (c) => c.observation === undefined || !isFresh(c.observation, attempt.maxAgeMs, nowMs),
      );
      const asked = old.filter((c) => c.inFlight !== undefined || observations.mayFetch(c));
      await waitForEnough({
        fetches: asked.map(observations.refresh),
        isEnough: () => combineNow().ok,
        deadline,
        timer,
      });
      combined = combineNow();
    }
    const rejected = [...missing, ...explain(cells, combined.rejected, observations.lastFault)];
    if (!combined.ok) {
      const reason =
        combined.code === 'sources_disagree'
          ? 'the sources disagree on the price'
          : `fewer than ${attempt.minSources} sources have a fresh price`;
      return { ok: false, reasons: [...rejected, { source: 'all', reason }] };
    }
    const { rate, used } = combined;
    return {
      ok: true,
      quote: {
        currency,
        rate,
        source: describeSources(used),
        used,
        rejected,
        observedAtMs: Math.min(...used.map((o) => o.observedAtMs)),
        quotedAtMs: clock.nowMs(),
        spreadBps: attempt.spreadBps,
      },
    };
  }

  return {
    start() {
      assert(!stopped && cancelTick === undefined, 'rates: can be started once');
      cancelTick = timer(refreshMs, tick);
    },
    async stop() {
      stopped = true;
      cancelTick?.();
      await observations.stop();
    },
    quote,
    status: observations.status,
  };
}

interface Choice {
  live: HttpRateSource[];
  fixed: FixedRateSource[];
  missing: Rejection[];
}

/** "all" leaves the fixed source out: a configured price is no witness of the market. */
function chooseSources(
  all: readonly RateSource[],
  byName: ReadonlyMap<string, RateSource>,
  attempt: RateAttempt,
  currency: FiatCurrency,
): Choice {
  const choice: Choice = { live: [], fixed: [], missing: [] };
  const names =
    attempt.sources === 'all'
      ? all.filter((s) => s.kind === 'http' && s.supports(currency)).map((s) => s.name)
      : attempt.sources;
  for (const name of names) {
    const source = byName.get(name);
    if (source === undefined) choice.missing.push({ source: name, reason: 'is not set up' });
    else if (!source.supports(currency)) {
      choice.missing.push({ source: name, reason: `has no price in ${currency}` });
    } else if (source.kind === 'fixed') choice.fixed.push(source);
    else choice.live.push(source);
  }
  return choice;
}

function readFixed(
  sources: readonly FixedRateSource[],
  currency: FiatCurrency,
  nowMs: number,
): Observation[] {
  return sources.flatMap((source) => {
    const pricePerBtcE8 = source.pricePerBtcE8(currency);
    if (pricePerBtcE8 === undefined) return [];
    return [{ source: source.name, pricePerBtcE8, observedAtMs: nowMs }];
  });
}

/** Adds to what was found wrong with the observations why there are none, or no newer ones. */
function explain(
  cells: readonly Cell[],
  rejected: readonly Rejection[],
  lastFault: (cell: Cell) => string | undefined,
): Rejection[] {
  const silent = cells
    .filter((cell) => cell.observation === undefined)
    .map((cell) => ({
      source: cell.source.name,
      reason: lastFault(cell) ?? 'has not answered in time',
    }));
  const doubtful = rejected.map(({ source, reason }) => {
    const cell = cells.find((c) => c.source.name === source);
    const fault = cell === undefined ? undefined : lastFault(cell);
    return { source, reason: fault === undefined ? reason : `${reason}; last attempt: ${fault}` };
  });
  return [...silent, ...doubtful];
}

function describeSources(used: readonly Observation[]): string {
  const names = used.map((o) => o.source).sort();
  return names.length === 1 ? (names[0] ?? '') : `median of ${names.join(', ')}`;
}

interface Deadline {
  readonly passed: Promise<void>;
  cancel(): void;
}

function startDeadline(afterMs: number, timer: Timer): Deadline {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, cancel: timer(afterMs, resolve) };
}

/**
 * Resolves when all fetches have ended, or a short grace after enough of them have, so that one
 * slow exchange does not hold up an order; at the deadline in any case.
 */
function waitForEnough(input: {
  fetches: readonly Promise<void>[];
  isEnough(): boolean;
  deadline: Deadline;
  timer: Timer;
}): Promise<void> {
  let left = input.fetches.length;
  if (left === 0) return Promise.resolve();
  return new Promise((resolve) => {
    let cancelGrace: (() => void) | undefined;
    const finish = () => {
      cancelGrace?.();
      resolve();
    };
    void input.deadline.passed.then(finish);
    for (const fetching of input.fetches) {
      void fetching.then(() => {
        left -= 1;
        if (left === 0) finish();
        else if (cancelGrace === undefined && input.isEnough()) {
          cancelGrace = input.timer(SETTLE_GRACE_MS, finish);
        }
      });
    }
  });
}
