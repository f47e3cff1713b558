import type { HistoryFacts } from './facts.ts';

/**
 * What is left of all amounts that a store was paid in one currency: bounded however many there were.
 * Buckets are as wide as a 32nd of their octave, exactly reckoned, so equal histories are equal.
 */
export type AmountSketch = {
  readonly count: number;
  readonly sum: bigint;
  readonly sumOfSquares: bigint;
  /** Payments by bucket (bucketOf). At most MAX_BUCKETS different ones exist. */
  readonly buckets: ReadonlyMap<number, number>;
};

export const EMPTY_SKETCH: AmountSketch = {
  count: 0,
  sum: 0n,
  sumOfSquares: 0n,
  buckets: new Map(),
};

const BUCKETS_PER_OCTAVE = 32;
/** Amounts are below 2^63, so a sketch never has more. */
export const MAX_BUCKETS = (63 - 5) * BUCKETS_PER_OCTAVE + BUCKETS_PER_OCTAVE;
/**
 * The least spread that is taken for a store's, about 13 %: one that always sells the same thing has
 * none, and every other amount would be infinitely unusual.
 */
const MIN_SPREAD_BUCKETS = 6;
/** MAD times this is the standard deviation of a normal distribution, in ten-thousandths. */
const NORMAL = 6_745;
/** Beyond it a z-score says nothing more. */
const MAX_Z = 99_999;

/** Equal steps of the logarithm from 32 minor units on; below, one bucket for each amount. */
export function bucketOf(minor: bigint): number {
  if (minor < 32n) return Number(minor);
  const shift = minor.toString(2).length - 6;
  return shift * BUCKETS_PER_OCTAVE + Number(minor >> BigInt(shift));
}

export function addAmount(sketch: AmountSketch, minor: bigint): AmountSketch {
  const { bucket, inBucket, ...sums } = learnAmount(sketch, minor);
  return { ...sums, buckets: new Map(sketch.buckets).set(bucket, inBucket) };
}

/** What one more amount changes: the sums, and the payments in one bucket. */
export type Learned = Omit<AmountSketch, 'buckets'> & {
  readonly bucket: number;
  readonly inBucket: number;
};

export function learnAmount(sketch: AmountSketch, minor: bigint): Learned {
  const bucket = bucketOf(minor);
  return {
    count: sketch.count + 1,
    sum: sketch.sum + minor,
    sumOfSquares: sketch.sumOfSquares + minor * minor,
    ...{ bucket, inBucket: (sketch.buckets.get(bucket) ?? 0) + 1 },
  };
}

/** How an amount compares with those before it, itself not among them. */
export function compareAmount(sketch: AmountSketch, minor: bigint): HistoryFacts {
  const { count } = sketch;
  if (count === 0) return { count, medianMinor: null, robustZ: null, plainZ: null };
  const buckets = Float64Array.from(sketch.buckets.keys()).sort();
  const paymentsIn = (bucket: number) => sketch.buckets.get(bucket) ?? 0;
  const median = weightedMedian(buckets, paymentsIn);
  const mad = weightedMedian(distancesTo(median, buckets), (distance) =>
    distance === 0
      ? paymentsIn(median)
      : paymentsIn(median - distance) + paymentsIn(median + distance),
  );
  const spread = Math.max(mad, MIN_SPREAD_BUCKETS);
  const robust = Math.trunc(((bucketOf(minor) - median) * NORMAL) / (100 * spread));
  return {
    count,
    medianMinor: lowestOf(median).toString(),
    robustZ: clamp(robust),
    plainZ: plainZ(sketch, minor),
  };
}

/** Each once, the least first. */
function distancesTo(middle: number, values: Float64Array): Float64Array {
  const all = values.map((value) => Math.abs(value - middle)).sort();
  return all.filter((distance, at) => at === 0 || distance !== all[at - 1]);
}

/** The first value at which half of all payments are reached. @param sorted each value once */
function weightedMedian(sorted: Float64Array, paymentsAt: (value: number) => number): number {
  let total = 0;
  for (const value of sorted) total += paymentsAt(value);
  let reached = 0;
  for (const value of sorted) {
    reached += paymentsAt(value);
    if (reached * 2 >= total) return value;
  }
  return 0;
}

/** The least amount of a bucket. */
function lowestOf(bucket: number): bigint {
  if (bucket < 2 * BUCKETS_PER_OCTAVE) return BigInt(bucket);
  const shift = Math.floor(bucket / BUCKETS_PER_OCTAVE) - 1;
  return BigInt(bucket - shift * BUCKETS_PER_OCTAVE) << BigInt(shift);
}

/** (x − mean) / standard deviation of the sample, in hundredths; null where there is no deviation. */
function plainZ({ count, sum, sumOfSquares }: AmountSketch, minor: bigint): number | null {
  const n = BigInt(count);
  const spread = n * (n * sumOfSquares - sum * sum);
  if (count < 2 || spread === 0n) return null;
  const away = n * minor - sum;
  const squared = (10_000n * away * away * (n - 1n)) / spread;
  const size = squared > BigInt(MAX_Z) ** 2n ? MAX_Z : Number(rootOf(squared));
  return away < 0n ? -size : size;
}

/** The whole part of a square root, by Newton's method. */
function rootOf(value: bigint): bigint {
  if (value < 2n) return value;
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

function clamp(z: number): number {
  return Math.max(-MAX_Z, Math.min(MAX_Z, z));
}

const HOUR_MS = 3_600_000;
export const HOURS_PER_DAY = 24;
/** Whole days that say what is usual: four weeks, so that each weekday weighs alike. */
const USUAL_DAYS = 28;

/** Payments of a store by hour of the last day and by day of the last four weeks. */
export type Activity = {
  readonly hours: ReadonlyMap<number, number>;
  readonly days: ReadonlyMap<number, number>;
};

export const NO_ACTIVITY: Activity = { hours: new Map(), days: new Map() };

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS);
}

/** One more payment; what is too old to count is let go of, so it stays small. */
export function addPayment(activity: Activity, atMs: number): Activity {
  const hour = hourOf(atMs);
  const day = Math.floor(hour / HOURS_PER_DAY);
  return {
    hours: counted(activity.hours, hour, hour - HOURS_PER_DAY),
    days: counted(activity.days, day, day - USUAL_DAYS - 1),
  };
}

function counted(counts: ReadonlyMap<number, number>, now: number, before: number) {
  const kept = new Map([...counts].filter(([at]) => at > before));
  return kept.set(now, (kept.get(now) ?? 0) + 1);
}

/** Payments in the last 24 hours, by whole hours, and of a usual day: the median of whole ones. */
export function readActivity(
  { hours, days }: Activity,
  atMs: number,
): { last24h: number; usualDay: number | null } {
  const hour = hourOf(atMs);
  let last24h = 0;
  for (const [at, count] of hours) if (at > hour - HOURS_PER_DAY && at <= hour) last24h += count;
  const today = Math.floor(hour / HOURS_PER_DAY);
  const first = Math.max(Math.min(...days.keys()), today - USUAL_DAYS);
  if (days.size === 0 || first >= today) return { last24h, usualDay: null };
  const whole = Array.from({ length: today - first }, (_, i) => days.get(first + i) ?? 0);
  const sorted = whole.toSorted((a, b) => a - b);
  return { last24h, usualDay: sorted[Math.floor(sorted.length / 2)] ?? null };
}
