import { assert, type Random } from '@quittance/kernel';
import type { Window } from './branch-and-bound.ts';
import { largestFirst } from './least-weight.ts';
import { firstAtMost, type Pool } from './pool.ts';

/** Starts that are tried for each number of inputs; each is one pass over the wallet. */
const MAX_STARTS = 8;
/** Numbers of inputs that are tried: the fewest that can do, and so many more. */
export const MORE_INPUTS = 2;

/**
 * Looks for a set without change in a large wallet, where branch and bound runs out of steps: takes
 * all but two coins nearly as the largest, and closes what is left with the one coin or the pair
 * that comes nearest above it, found in one pass from both ends.
 * @returns places in the pool, or null
 */
export function closeWithPairs(pool: Pool, window: Window, random: Random): number[] | null {
  const fewest = largestFirst(pool, window.target);
  if (fewest === null) return null;
  const dice = makeDice(random);
  for (let count = fewest; count <= fewest + MORE_INPUTS; count++) {
    if (count > window.maxInputs) break;
    const found =
      count === 1 ? closeWithOne(pool, window) : closeMany(pool, window, { count, dice });
    if (found !== null && weightOf(pool, found) <= window.maxWeight) return found;
  }
  return null;
}

function closeWithOne(pool: Pool, { target, excess }: Window): number[] | null {
  const at = firstAtMost(pool.effective, target - 1) - 1;
  const value = pool.effective[at];
  return value !== undefined && value <= target + excess ? [at] : null;
}

function closeMany(
  pool: Pool,
  window: Window,
  { count, dice }: { count: number; dice: (sides: number) => number },
): number[] | null {
  let best: { places: number[]; excess: number } | null = null;
  for (let start = 0; start < MAX_STARTS; start++) {
    const fixed = startingSet(pool, { count: count - 2, isExact: start === 0, dice });
    const sum = [...fixed].reduce((total, at) => total + (pool.effective[at] ?? 0), 0);
    const pair = nearestPair(pool.effective, fixed, window.target - sum);
    if (pair === null || pair.excess > window.excess) continue;
    if (best === null || pair.excess < best.excess) {
      best = { places: [...fixed, ...pair.places], excess: pair.excess };
    }
  }
  return best?.places ?? null;
}

/** The largest coins, some of them left out for those after them. */
function startingSet(
  pool: Pool,
  { count, isExact, dice }: { count: number; isExact: boolean; dice: (sides: number) => number },
): Set<number> {
  const reach = Math.min(pool.effective.length, isExact ? count : 2 * count + 2);
  const places = Array.from({ length: reach }, (_, at) => at);
  for (let i = 0; i < count; i++) {
    const other = i + dice(reach - i);
    const drawn = places[other] ?? i;
    places[other] = places[i] ?? i;
    places[i] = drawn;
  }
  return new Set(places.slice(0, count));
}

/** The two coins outside of `fixed` that together exceed `rest` least. */
function nearestPair(
  values: Float64Array,
  fixed: ReadonlySet<number>,
  rest: number,
): { places: [number, number]; excess: number } | null {
  let best: { places: [number, number]; excess: number } | null = null;
  let high = 0;
  let low = values.length - 1;
  // The fixed ones are among the first, so most need not be looked up.
  const reach = 1 + Math.max(-1, ...fixed);
  while (high < low) {
    if (high < reach && fixed.has(high)) high += 1;
    else if (low < reach && fixed.has(low)) low -= 1;
    else {
      const excess = (values[high] ?? 0) + (values[low] ?? 0) - rest;
      if (excess < 0) low -= 1;
      else {
        if (best === null || excess < best.excess) best = { places: [high, low], excess };
        high += 1;
      }
    }
  }
  return best;
}

function weightOf(pool: Pool, places: readonly number[]): number {
  return places.reduce((sum, at) => sum + (pool.weights[at] ?? 0), 0);
}

/** Bytes asked for at once. */
const DICE_BYTES = 1_024;

/** Throws of 0 to `sides` − 1. The small bias of a remainder does no harm in a search. */
function makeDice(random: Random): (sides: number) => number {
  const bytes = new Uint8Array(DICE_BYTES);
  const view = new DataView(bytes.buffer);
  let at = DICE_BYTES;
  return (sides) => {
    assert(sides > 0, 'dice: no sides');
    if (at + 4 > DICE_BYTES) {
      random(bytes);
      at = 0;
    }
    const value = view.getUint32(at);
    at += 4;
    return value % sides;
  };
}
