import { firstAtMost, type Pool } from './pool.ts';

/** Steps after which the best that was found is taken: a few milliseconds (Bitcoin Core's number). */
const MAX_STEPS = 100_000;

/** Improvements that are handed on: the last of them may turn out a satoshi short. */
const MAX_FOUND = 4;

/** What a set without change has to reach, and may exceed. */
export interface Window {
  readonly target: number;
  /** More than this is better turned into change. */
  readonly excess: number;
  readonly maxInputs: number;
  readonly maxWeight: number;
}

/**
 * Looks for the set of least waste that needs no change (Murch, "An evaluation of coin selection
 * strategies", 2016, as Bitcoin Core has it): depth first over the coins from the largest, leaving
 * branches that can no longer reach the target, exceed it, or get better than the best. The jump to
 * the next coin that fits is a binary search, so a large wallet does not use up the steps.
 * @returns places in the pool: the best set and those that were the best before it
 */
export function branchAndBound(pool: Pool, window: Window): number[][] {
  const { effective, weights, costs } = pool;
  const count = effective.length;
  const left = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) left[i] = (left[i + 1] ?? 0) + (effective[i] ?? 0);
  // Where another input costs more than it saves, a set that is dearer than the best stays so.
  const growsDearer = costs.every((cost) => cost >= 0);
  const top = window.target + window.excess;
  const chosen: number[] = [];
  const found: number[][] = [];
  let bestCost = Infinity;
  let sum = 0;
  let weight = 0;
  let cost = 0;
  let next = 0;
  for (let step = 0; step < MAX_STEPS; step++) {
    if (sum >= window.target) {
      const total = cost + (sum - window.target) * 4_000;
      if (total < bestCost) {
        bestCost = total;
        found.push(chosen.slice());
      }
    }
    next = firstAtMost(effective, top - sum, next);
    const isDone =
      next >= count ||
      sum + (left[next] ?? 0) < window.target ||
      chosen.length >= window.maxInputs ||
      weight + (weights[next] ?? 0) > window.maxWeight ||
      (growsDearer && (sum >= window.target || cost > bestCost));
    if (!isDone) {
      chosen.push(next);
      sum += effective[next] ?? 0;
      weight += weights[next] ?? 0;
      cost += costs[next] ?? 0;
      next += 1;
      continue;
    }
    const last = chosen.pop();
    if (last === undefined) break;
    sum -= effective[last] ?? 0;
    weight -= weights[last] ?? 0;
    cost -= costs[last] ?? 0;
    next = last + 1;
    // The twins of a coin that is left out would lead to the same sets again.
    while (next < count && effective[next] === effective[last] && weights[next] === weights[last]) {
      next += 1;
    }
  }
  return found.slice(-MAX_FOUND);
}
