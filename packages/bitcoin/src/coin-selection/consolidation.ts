import type { Coin } from './plan.ts';
import { coinsAt, type Pool } from './pool.ts';
import { inputWeight } from './sizes.ts';
import type { Terms } from './terms.ts';

/** Version, lock time, marker and the longest counts: at most. */
const OVERHEAD_WEIGHT = 100;

/**
 * Coins to spend along while fees are below their long-term rate, because each will cost more some
 * other day: the heaviest kind first, and of a kind the smallest, so that the large ones stay
 * confirmed for the next payment. Only confirmed coins that are worth their fee now, at most
 * `maxConsolidationInputs`.
 * @param spent places of the coins that are spent anyway, besides those in `must`
 * @returns places in the pool, ascending
 */
export function consolidationInputs(
  terms: Terms,
  pool: Pool,
  { must, spent }: { must: readonly Coin[]; spent: readonly number[] },
): number[] {
  const taken = new Set(spent);
  const mustWeight = must.reduce((sum, { input }) => sum + inputWeight(input), 0);
  const spentWeight = spent.reduce((sum, at) => sum + (pool.weights[at] ?? 0), mustWeight);
  const outputs = terms.outputs.weight + terms.request.change.outputWeight;
  let room = terms.maxWeight - OVERHEAD_WEIGHT - outputs - spentWeight;
  const inputs = must.length + spent.length;
  const count = Math.min(terms.maxConsolidationInputs, terms.maxInputs - inputs);
  const found: number[] = [];
  const kinds = [...new Set(pool.weights)].toSorted((a, b) => b - a);
  for (const weight of kinds) {
    for (let at = pool.places.length - 1; at >= 0 && found.length < count; at--) {
      if (pool.weights[at] !== weight || weight > room || taken.has(at)) continue;
      if (coinsAt(pool, [at]).some((coin) => coin.unconfirmedDepth > 0)) continue;
      found.push(at);
      room -= weight;
    }
  }
  return found.toSorted((a, b) => a - b);
}
