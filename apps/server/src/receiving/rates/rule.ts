import { z } from 'zod';

/** More sources than exist would only repeat names. */
const MAX_SOURCES = 16;
/** Each alternative may have to wait for its sources; an order can't wait for more than these. */
const MAX_FALLBACKS = 4;
/** Younger than one round of background refreshes can't be promised. */
const MIN_AGE_LIMIT_MS = 10_000;
/** Bitcoin moves by per cents within an hour: an older price is no price. */
const MAX_AGE_LIMIT_MS = 3_600_000;

const sourceNames = z
  .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a source name such as "kraken"'))
  .min(1)
  .max(MAX_SOURCES)
  .refine((names) => new Set(names).size === names.length, 'each source may be named once');

/** "all" means every market source that quotes the currency; the fixed source must be named. */
const sources = z.union([z.literal('all'), sourceNames]);
const minSources = z.int().min(1).max(MAX_SOURCES);
const maxAgeMs = z.int().min(MIN_AGE_LIMIT_MS).max(MAX_AGE_LIMIT_MS);
const maxDeviationBps = z.int().min(1).max(5_000);
const spreadBps = z.int().min(0).max(5_000);

type SourceChoice = { sources: 'all' | string[]; minSources: number };

function enoughNamed(choice: SourceChoice): boolean {
  return choice.sources === 'all' || choice.sources.length >= choice.minSources;
}
const notEnoughNamed = {
  path: ['minSources'],
  message: 'must not exceed the number of sources that are named',
};

/** What a fallback does not say, it takes from the rule itself; its sources it must say. */
const fallbackSchema = z
  .strictObject({
    sources,
    minSources,
    maxAgeMs: maxAgeMs.optional(),
    maxDeviationBps: maxDeviationBps.optional(),
    spreadBps: spreadBps.optional(),
  })
  .refine(enoughNamed, notEnoughNamed);

/**
 * How a store's prices are made. The defaults suit a shop that sells in a currency with several
 * markets: two witnesses at least, no more than three minutes old, within 2 % of their median, no
 * spread, and no price at all rather than a doubtful one.
 */
export const rateRuleSchema = z
  .strictObject({
    sources: sources.default('all'),
    minSources: minSources.default(2),
    /** An observation older than this is not used. */
    maxAgeMs: maxAgeMs.default(180_000),
    /** A source further from the median than this is left out. */
    maxDeviationBps: maxDeviationBps.default(200),
    /** Taken off the price of a bitcoin: the payer sends that much more. */
    spreadBps: spreadBps.default(0),
    /** Tried in this order when the rule itself yields no price. */
    fallback: z
      .union([z.literal('refuse'), z.array(fallbackSchema).min(1).max(MAX_FALLBACKS)])
      .default('refuse'),
  })
  .refine(enoughNamed, notEnoughNamed);

export type RateRule = z.infer<typeof rateRuleSchema>;

/** One way to make a price: the rule itself or one of its fallbacks, with nothing left open. */
export type RateAttempt = Omit<RateRule, 'fallback'>;

/** The configured price and nothing else: for the demo, for tests, for shops with a house rate. */
export const fixedRateRule: RateRule = rateRuleSchema.parse({ sources: ['fixed'], minSources: 1 });

/** The rule and its fallbacks, in the order in which they are tried. */
export function attemptsOf(rule: RateRule): RateAttempt[] {
  const { fallback, ...first } = rule;
  if (fallback === 'refuse') return [first];
  const others = fallback.map((other) => ({
    sources: other.sources,
    minSources: other.minSources,
    maxAgeMs: other.maxAgeMs ?? first.maxAgeMs,
    maxDeviationBps: other.maxDeviationBps ?? first.maxDeviationBps,
    spreadBps: other.spreadBps ?? first.spreadBps,
  }));
  return [first, ...others];
}
