import type { Msats } from '@quittance/kernel';
import { AMOUNT_BANDS, amountBand, ELAPSED_BANDS, elapsedBand } from './bands.ts';
import { bimodalProbability } from './bimodal.ts';
import { type Weights, weightsAt } from './bucket.ts';
import { type AttemptContext, contextOf, lastOf, retryKey } from './context.ts';
import { ANY_BAND, type Buckets, bucketId } from './types.ts';

/** A channel of which nothing but its id is known, or that leads to a recipient, in msat. */
const TYPICAL_CAPACITY_MSAT = 5_000_000_000;
/** How many attempts the prior is worth beside what was seen in general, and at the recipient. */
const PRIOR_WEIGHT = 4;
const RECIPIENT_PRIOR_WEIGHT = 2;
/** Somebody who was reached of late comes back: retries that failed there say less. */
const PAID_BEFORE_PRIOR_WEIGHT = 5;
/** Without any experience: half of what stood in the way is gone after this time. */
const RECOVERY_HALF_LIFE_MS = 1_200_000;
/** Evidence of the next band counts half, of the one after a quarter. */
const NEXT_BAND_SHARE = 0.5;
/** Nobody is ever certain. */
const LEAST = 0.001;
/** What is known in general counts a tenth of what is known of the recipient, up to a limit. */
const GENERAL_SHARE = 0.1;
const MOST_GENERAL = 5;
/** Evidence of so many attempts is confidence one half. */
const HALF_CONFIDENCE = 3;

/** The same few in every estimate. */
const OVERALL_IDS = Array.from({ length: AMOUNT_BANDS }, (_, i) => bucketId('overall', '', i));

export type EstimateRequest = {
  readonly destination: string;
  readonly amountMsat: Msats;
  readonly atMs: number;
  /** Short channel ids that it has to pass, such as that of an invoice's only route hint. */
  readonly via?: readonly string[];
};

export type Estimate = {
  /** That an attempt at this time succeeds. */
  readonly probability: number;
  /** 0: nothing is known; towards 1: a lot. */
  readonly confidence: number;
  /** Attempts to this recipient that count, by what is left of their weight. */
  readonly evidence: number;
  readonly context: AttemptContext;
};

/**
 * How likely an attempt is to succeed. Bayesian in three layers: liquidity is bimodal to begin with;
 * what payments of this kind met in general moves that; what this recipient showed moves it again,
 * the more the more is known. Everything fades with time.
 */
export function estimate(buckets: Buckets, request: EstimateRequest): Estimate {
  const context = contextOf(buckets, request);
  const first = firstAttempt(buckets, request);
  if (context.kind === 'first') return { ...finish(first), context };
  const { atMs } = request;
  const prior = retryPrior(buckets, { context, atMs, first: first.probability });
  const own = ownEvidence(buckets, 'destination_retry', request);
  const evidence = total(own) + first.evidence;
  const weight = context.paidBefore ? PAID_BEFORE_PRIOR_WEIGHT : RECIPIENT_PRIOR_WEIGHT;
  return {
    ...finish({
      probability: posterior(prior.probability, weight, own),
      general: prior.general,
      evidence,
    }),
    context,
  };
}

type Layer = { probability: number; general: number; evidence: number };

function firstAttempt(buckets: Buckets, request: EstimateRequest): Layer {
  const { amountMsat, atMs } = request;
  const band = amountBand(amountMsat);
  const general = sum(AMOUNT_BANDS, (i) =>
    scaled(weightsAt(buckets.get(OVERALL_IDS[i] ?? ''), atMs), nearness(band, i)),
  );
  const liquidity = bimodalProbability(Number(amountMsat), TYPICAL_CAPACITY_MSAT);
  const mean = posterior(liquidity, PRIOR_WEIGHT, general) * channelFactor(buckets, request);
  const own = ownEvidence(buckets, 'destination', request);
  return {
    probability: posterior(mean, RECIPIENT_PRIOR_WEIGHT, own),
    general: total(general),
    evidence: total(own),
  };
}

const NOTHING: Weights = { successes: 0, failures: 0 };

/** Where more has passed, less will; where less has failed, more will. */
function ownEvidence(
  buckets: Buckets,
  scope: 'destination' | 'destination_retry',
  { destination, amountMsat, atMs }: EstimateRequest,
): Weights {
  if (lastOf(buckets, destination) === undefined) return NOTHING;
  const band = amountBand(amountMsat);
  return sum(AMOUNT_BANDS, (i) => {
    const bucket = buckets.get(bucketId(scope, destination, i));
    if (bucket === undefined) return NOTHING;
    const weights = weightsAt(bucket, atMs);
    return {
      successes: weights.successes * (i >= band ? 1 : nearness(band, i)),
      failures: weights.failures * (i <= band ? 1 : nearness(band, i)),
    };
  });
}

/** How retries after such a failure, and after such a time, have fared with everybody. */
function retryPrior(
  buckets: Buckets,
  options: { context: AttemptContext & { kind: 'retry' }; atMs: number; first: number },
): { probability: number; general: number } {
  const { context, atMs, first } = options;
  const key = retryKey(context);
  const band = elapsedBand(context.elapsedMs);
  const seen = sum(ELAPSED_BANDS, (i) =>
    scaled(weightsAt(buckets.get(bucketId('retry', key, i)), atMs), nearness(band, i) ** 2),
  );
  const recovered = first * (1 - 2 ** (-context.elapsedMs / RECOVERY_HALF_LIFE_MS));
  return { probability: posterior(recovered, PRIOR_WEIGHT, seen), general: total(seen) };
}

/** Named channels against what an unknown one would do; 1 when none is named. */
function channelFactor(buckets: Buckets, { via = [], amountMsat, atMs }: EstimateRequest): number {
  let factor = 1;
  for (const channelId of via) {
    const seen = buckets.get(bucketId('channel', channelId, ANY_BAND));
    const unknown = bimodalProbability(Number(amountMsat), TYPICAL_CAPACITY_MSAT);
    if (unknown === 0) return 0;
    const known = bimodalProbability(Number(amountMsat), TYPICAL_CAPACITY_MSAT, {
      passed: evidenceOf(seen?.lastPassedMsat, seen?.lastPassedAtMs, atMs),
      failed: evidenceOf(seen?.lastFailedMsat, seen?.lastFailedAtMs, atMs),
    });
    factor *= known / unknown;
  }
  return factor;
}

function evidenceOf(
  amountMsat: Msats | null | undefined,
  seenAtMs: number | null | undefined,
  atMs: number,
): { amount: number; ageMs: number } | null {
  if (amountMsat === null || amountMsat === undefined) return null;
  if (seenAtMs === null || seenAtMs === undefined) return null;
  return { amount: Number(amountMsat), ageMs: Math.max(0, atMs - seenAtMs) };
}

function finish({ probability, general, evidence }: Layer): Omit<Estimate, 'context'> {
  const known = evidence + Math.min(MOST_GENERAL, general * GENERAL_SHARE);
  return {
    probability: Math.min(1 - LEAST, Math.max(LEAST, probability)),
    confidence: known / (known + HALF_CONFIDENCE),
    evidence,
  };
}

/** The mean of a beta distribution after what was seen. */
function posterior(mean: number, weight: number, { successes, failures }: Weights): number {
  const bounded = Math.min(1 - LEAST, Math.max(LEAST, mean));
  return (bounded * weight + successes) / (weight + successes + failures);
}

function nearness(band: number, other: number): number {
  return NEXT_BAND_SHARE ** Math.abs(band - other);
}

function total({ successes, failures }: Weights): number {
  return successes + failures;
}

function scaled({ successes, failures }: Weights, share: number): Weights {
  if (successes === 0 && failures === 0) return NOTHING;
  return { successes: successes * share, failures: failures * share };
}

function sum(count: number, at: (i: number) => Weights): Weights {
  let successes = 0;
  let failures = 0;
  for (let i = 0; i < count; i++) {
    const weights = at(i);
    successes += weights.successes;
    failures += weights.failures;
  }
  return { successes, failures };
}
