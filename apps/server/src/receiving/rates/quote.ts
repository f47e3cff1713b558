import { assert, divide } from '@quittance/kernel';
import type { FiatCurrency, Rate } from './rate.ts';
import type { RateAttempt } from './rule.ts';

/** One hundredth of one per cent. */
export const BPS_PER_WHOLE = 10_000n;

/** What one source said, and when it was asked (or the earlier time that the source names). */
export interface Observation {
  readonly source: string;
  readonly pricePerBtcE8: bigint;
  /** Milliseconds since the epoch, by our clock. */
  readonly observedAtMs: number;
}

/** Why a source had no part in the price. */
export interface Rejection {
  readonly source: string;
  readonly reason: string;
}

export type Combined =
  | {
      readonly ok: true;
      /** The spread is in it already. */
      readonly rate: Rate;
      readonly used: readonly Observation[];
      readonly rejected: readonly Rejection[];
    }
  | {
      readonly ok: false;
      readonly code: 'too_few_sources' | 'sources_disagree';
      readonly rejected: readonly Rejection[];
    };

/**
 * Makes one price out of what several sources said: observations that are old, not positive or
 * from the future are dropped; then those too far from the median; of the rest the median is the
 * price, and the spread is taken off it. All in integers; an even median and the spread round down,
 * which is in the merchant's favour (fewer euros per bitcoin means more bitcoin per order).
 *
 * Outliers may be dropped only while most of the fresh sources agree. Otherwise the median itself
 * is in doubt (of 50, 100 and 150 it would keep the lone 100) and there is no price.
 */
export function combine(input: {
  currency: FiatCurrency;
  observations: readonly Observation[];
  rule: Pick<RateAttempt, 'minSources' | 'maxAgeMs' | 'maxDeviationBps' | 'spreadBps'>;
  nowMs: number;
}): Combined {
  const { currency, rule, nowMs } = input;
  const rejected: Rejection[] = [];
  const fresh: Observation[] = [];
  for (const observation of newestPerSource(input.observations)) {
    const reason = whyUnusable(observation, rule.maxAgeMs, nowMs);
    if (reason === undefined) fresh.push(observation);
    else rejected.push({ source: observation.source, reason });
  }
  if (fresh.length < rule.minSources) return { ok: false, code: 'too_few_sources', rejected };

  const middle = median(fresh);
  const used = fresh.filter((o) => isWithin(o.pricePerBtcE8, middle, rule.maxDeviationBps));
  for (const outlier of fresh.filter((o) => !used.includes(o))) {
    const reason = `more than ${rule.maxDeviationBps} basis points from the median`;
    rejected.push({ source: outlier.source, reason });
  }
  if (used.length < rule.minSources || 2 * used.length <= fresh.length) {
    return { ok: false, code: 'sources_disagree', rejected };
  }

  const kept = BPS_PER_WHOLE - BigInt(rule.spreadBps);
  const pricePerBtcE8 = divide(median(used) * kept, BPS_PER_WHOLE, 'down');
  // A price that the spread rounds away to nothing is no price; nobody divides by it.
  if (pricePerBtcE8 <= 0n) {
    rejected.push({ source: 'all', reason: 'the spread leaves nothing of the price' });
    return { ok: false, code: 'too_few_sources', rejected };
  }
  return { ok: true, rate: { currency, pricePerBtcE8 }, used, rejected };
}

/**
 * Tells whether an observation may still be used. One from the future may not: it means that the
 * clock jumped back after it was made, and it would count as fresh until the clock caught up.
 */
export function isFresh(
  observation: Pick<Observation, 'observedAtMs'>,
  maxAgeMs: number,
  nowMs: number,
): boolean {
  const ageMs = nowMs - observation.observedAtMs;
  return ageMs >= 0 && ageMs <= maxAgeMs;
}

function whyUnusable(
  observation: Observation,
  maxAgeMs: number,
  nowMs: number,
): string | undefined {
  if (observation.pricePerBtcE8 <= 0n) return 'the price is not positive';
  if (isFresh(observation, maxAgeMs, nowMs)) return undefined;
  const ageMs = nowMs - observation.observedAtMs;
  if (ageMs < 0) return `observed ${-ageMs} ms in the future: the clock has jumped back`;
  return `stale: ${ageMs} ms old, at most ${maxAgeMs} ms are allowed`;
}

/** A source is one witness, however often it speaks. */
function newestPerSource(observations: readonly Observation[]): Observation[] {
  const newest = new Map<string, Observation>();
  for (const observation of observations) {
    const other = newest.get(observation.source);
    if (other === undefined || other.observedAtMs < observation.observedAtMs) {
      newest.set(observation.source, observation);
    }
  }
  return [...newest.values()];
}

function median(observations: readonly Observation[]): bigint {
  const prices = observations.map((o) => o.pricePerBtcE8).sort((a, b) => (a < b ? -1 : 1));
  const upper = prices[Math.floor(prices.length / 2)];
  const lower = prices[Math.floor((prices.length - 1) / 2)];
  assert(upper !== undefined && lower !== undefined, 'median: there are no observations');
  return divide(lower + upper, 2n, 'down');
}

function isWithin(price: bigint, middle: bigint, maxDeviationBps: number): boolean {
  const distance = price < middle ? middle - price : price - middle;
  return distance * BPS_PER_WHOLE <= middle * BigInt(maxDeviationBps);
}
