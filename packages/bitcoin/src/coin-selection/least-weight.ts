import { firstAtMost, type Pool } from './pool.ts';

/** As for branch and bound. */
const MAX_STEPS = 100_000;

/** What a set with change has to reach. */
export interface Goal {
  readonly target: number;
  readonly maxInputs: number;
  readonly maxWeight: number;
}

/** How many of the largest coins reach the target, or null when all together do not. */
export function largestFirst(pool: Pool, target: number): number | null {
  let sum = 0;
  for (let i = 0; i < pool.effective.length; i++) {
    sum += pool.effective[i] ?? 0;
    if (sum >= target) return i + 1;
  }
  return null;
}

/**
 * Looks for the lightest set that reaches the target, which is the cheapest at high fees (the idea
 * of Bitcoin Core's CoinGrinder). With coins of one kind that is as few as possible, the last of
 * them as small as it may be. With several kinds it searches, from the largest on, with the bound
 * that what is missing takes at least so many of the next coin, at the least weight there is.
 * @returns places in the pool, or null
 */
export function leastWeight(pool: Pool, goal: Goal): number[] | null {
  const few = largestFirst(pool, goal.target);
  if (few === null) return null;
  const first = Array.from({ length: few }, (_, i) => i);
  const lightest = pool.weights.reduce((least, weight) => Math.min(least, weight), Infinity);
  const isUniform = pool.weights.every((weight) => weight === lightest);
  if (isUniform) return withSmallestLast(pool, first, goal.target);
  return searchLightest(pool, goal, lightest) ?? first;
}

/** Puts the smallest coin that will do in the place of the last: large coins are kept for later. */
function withSmallestLast(pool: Pool, places: readonly number[], target: number): number[] {
  const kept = places.slice(0, -1);
  const rest = target - kept.reduce((sum, at) => sum + (pool.effective[at] ?? 0), 0);
  // The place after the last one that still has the rest.
  const end = firstAtMost(pool.effective, rest - 1);
  return [...kept, end - 1];
}

function searchLightest(pool: Pool, goal: Goal, lightest: number): number[] | null {
  const { effective, weights } = pool;
  const count = effective.length;
  const left = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) left[i] = (left[i + 1] ?? 0) + (effective[i] ?? 0);
  const chosen: number[] = [];
  let best: { places: number[]; weight: number; sum: number } | null = null;
  let sum = 0;
  let weight = 0;
  let next = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    const isEnough = sum >= goal.target;
    if (isEnough && isBetter({ weight, sum }, best)) best = { places: chosen.slice(), weight, sum };
    const more = Math.ceil((goal.target - sum) / (effective[next] ?? 1));
    const bound = weight + more * lightest;
    const isDone =
      isEnough ||
      next >= count ||
      sum + (left[next] ?? 0) < goal.target ||
      chosen.length + more > goal.maxInputs ||
      bound > Math.min(goal.maxWeight, best?.weight ?? Infinity);
    if (!isDone) {
      chosen.push(next);
      sum += effective[next] ?? 0;
      weight += weights[next] ?? 0;
      next += 1;
      continue;
    }
    const last = chosen.pop();
    if (last === undefined) break;
    sum -= effective[last] ?? 0;
    weight -= weights[last] ?? 0;
    next = last + 1;
    while (next < count && effective[next] === effective[last] && weights[next] === weights[last]) {
      next += 1;
    }
  }
  return best?.places ?? null;
}

function isBetter(
  found: { weight: number; sum: number },
  best: { weight: number; sum: number } | null,
): boolean {
  if (best === null || found.weight < best.weight) return true;
  return found.weight === best.weight && found.sum < best.sum;
}
