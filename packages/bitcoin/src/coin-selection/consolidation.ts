import type { Coin } from './plan.ts';
import type { Pool } from './pool.ts';
import { inputWeight } from './sizes.ts';
import type { Terms } from './terms.ts';

/**
 * Coins to spend along while fees are below their long-term rate, because each will cost more some
 * other day: the heaviest kind first, and of a kind the smallest, so that the large ones stay
 * confirmed for the next payment. Only confirmed coins that are worth their fee now, at most
 * `maxConsolidationInputs`.
 */
export function consolidationInputs(terms: Terms, pool: Pool, spent: readonly Coin[]): Coin[] {
  const taken = new Set(spent);
  const spentWeight = spent.reduce((sum, { input }) => sum + inputWeight(input), 0);
  // What version, counts, outputs, change and marker take at most is left free.
  const outputs = terms.outputs.weight + terms.request.change.outputWeight + 100;
  let room = terms.maxWeight - outputs - spentWeight;
  const count = Math.min(terms.maxConsolidationInputs, terms.maxInputs - spent.length);
  const found: Coin[] = [];
  const kinds = [...new Set(pool.weights)].toSorted((a, b) => b - a);
  for (const weight of kinds) {
    for (let at = pool.coins.length - 1; at >= 0 && found.length < count; at--) {
      const coin = pool.coins[at];
      if (coin === undefined || pool.weights[at] !== weight) continue;
      if (coin.unconfirmedDepth > 0 || taken.has(coin) || weight > room) continue;
      found.push(coin);
      room -= weight;
    }
  }
  return found;
}
