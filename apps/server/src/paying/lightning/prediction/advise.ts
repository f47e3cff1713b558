import type { LightningFailureClass } from '@quittance/contract';
import type { Msats } from '@quittance/kernel';
import type { StrategyAdvice } from '../strategies/index.ts';
import { ELAPSED_BANDS, elapsedBandStartMs } from './bands.ts';
import { weightsAt } from './bucket.ts';
import { lastOf } from './context.ts';
import { type Estimate, type EstimateRequest, estimate } from './estimate.ts';
import { observe } from './observe.ts';
import { type Buckets, bucketId, type PredictionBucket } from './types.ts';

/** Planned attempts that are thought through; those after them add next to nothing. */
const MAX_PLANNED = 12;
/** Fewer successes than this are no ground for a budget. */
const MIN_FEE_EVIDENCE = 2;
/** Room above the highest fee of late: another path costs more, and a try with too little is wasted. */
const FEE_ROOM = 3;
const LEAST_FEE_BUDGET_MSAT = 2_000n;
/** Longer waits than this are the strategy's affair. */
const LONGEST_WAIT_MS = 3_600_000;
/** A wait is long enough when it gives so much of what the best wait would give. */
const GOOD_ENOUGH = 0.7;

export type AdviceRequest = EstimateRequest & {
  /** When the strategy would try, from now on, if every attempt failed; oldest first. */
  readonly plannedAtMs: readonly number[];
};

export type Advice = StrategyAdvice & { readonly estimate: Estimate };

/** What the recorded attempts suggest for the next one. Pure; forbids nothing. */
export function advise(buckets: Buckets, request: AdviceRequest): Advice {
  const now = estimate(buckets, request);
  return {
    estimate: now,
    probability: now.probability,
    confidence: now.confidence,
    remainingChance: remainingChance(buckets, request, now),
    feeBudgetMsat: feeBudget(buckets, request),
    waitMs: suggestedWait(buckets, request, now),
  };
}

const OWN_SCOPES: ReadonlySet<string> = new Set(['destination', 'destination_retry']);

/**
 * That any of the planned attempts succeeds. Each is judged as if all before it had failed, which
 * for a recipient who can not be reached makes every further one less likely.
 */
function remainingChance(buckets: Buckets, request: AdviceRequest, now: Estimate): number {
  const { destination, amountMsat } = request;
  const failureClass = classOf(now);
  // What would be written is kept apart and read first.
  const changed = new Map<string, PredictionBucket>();
  const imagined: Buckets = { get: (id) => changed.get(id) ?? buckets.get(id) };
  let noneSucceeds = 1;
  for (const atMs of request.plannedAtMs.slice(0, MAX_PLANNED)) {
    noneSucceeds *= 1 - estimate(imagined, { ...request, atMs }).probability;
    const failed = { startedAtMs: atMs, endedAtMs: atMs, outcome: failureClass, feeMsat: null };
    const record = { destination, amountMsat, ...failed, failedAt: null };
    for (const bucket of observe(imagined, record)) {
      // Only of this recipient: a thought is no experience with others.
      if (!OWN_SCOPES.has(bucket.scope)) continue;
      changed.set(bucketId(bucket.scope, bucket.key, bucket.band), bucket);
    }
  }
  return 1 - noneSucceeds;
}

function classOf({ context }: Estimate): LightningFailureClass {
  return context.kind === 'retry' ? context.failureClass : 'no_route';
}

/** What such payments have cost of late, with room for a dearer path. */
function feeBudget(
  buckets: Buckets,
  { destination, amountMsat, atMs }: EstimateRequest,
): Msats | null {
  const last = lastOf(buckets, destination);
  if (last === undefined || weightsAt(last, atMs).successes < MIN_FEE_EVIDENCE) return null;
  const ppm = BigInt(Math.ceil(last.peakFeePpm * FEE_ROOM));
  const budget = (amountMsat * ppm) / 1_000_000n + 1n;
  return budget < LEAST_FEE_BUDGET_MSAT ? LEAST_FEE_BUDGET_MSAT : budget;
}

/** The shortest time after the failure that gives most of what patience would give. */
function suggestedWait(buckets: Buckets, request: EstimateRequest, now: Estimate): number | null {
  const failedAtMs = lastOf(buckets, request.destination)?.lastFailedAtMs ?? null;
  if (now.context.kind === 'first' || failedAtMs === null) return null;
  const waits = Array.from({ length: ELAPSED_BANDS }, (_, band) => elapsedBandStartMs(band))
    .filter((waitMs) => waitMs <= LONGEST_WAIT_MS)
    .map((waitMs) => {
      const atMs = failedAtMs + waitMs;
      return { waitMs, chance: estimate(buckets, { ...request, atMs }).probability };
    });
  const best = Math.max(...waits.map(({ chance }) => chance));
  return waits.find(({ chance }) => chance >= best * GOOD_ENOUGH)?.waitMs ?? null;
}
