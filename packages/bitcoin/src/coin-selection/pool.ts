import { divide } from '@quittance/kernel';
import type { Coin } from './plan.ts';
import { inputWeight, type InputSize } from './sizes.ts';
import type { Terms } from './terms.ts';

/**
 * The coins that bring more than they cost, dearest first, as plain numbers in typed arrays. They
 * are exact: no sum of satoshis exceeds 2^53, and fees are rounded up, against us. What a search
 * finds is worked out again in bigint by `settle`.
 */
export interface Pool {
  readonly coins: readonly Coin[];
  /** Value less the sender's part of the input's fee, in sat; descending. */
  readonly effective: Float64Array;
  readonly weights: Float64Array;
  /** What spending it now costs beyond spending it later, in 1/4,000 sat; may be negative. */
  readonly costs: Float64Array;
}

/** How fees grow with weight, as a search sees it. */
export interface Slope {
  /** sat/kvB at the margin. */
  readonly rate: bigint;
  /** Fee that is due whatever the weight, in sat: of replaced transactions. */
  readonly fixedSats: bigint;
}

/** Makes the pool of the coins that have a positive effective value. */
export function makePool(terms: Terms, coins: readonly Coin[], slope: Slope): Pool {
  const fees = inputFees(terms, slope);
  const rates = Number(slope.rate - terms.request.longTermFeeRate);
  const kept: Coin[] = [];
  const values: number[] = [];
  for (const coin of coins) {
    const debt = coin.ancestorDebtSats === undefined ? 0 : Number(coin.ancestorDebtSats);
    const value = Number(coin.valueSats) - debt;
    const { whole, senders } = fees(coin.input);
    // Also where a recipient bears the fee: nobody should pay more for a coin than it is worth.
    if (value <= whole) continue;
    kept.push(coin);
    values.push(value - senders);
  }
  const order = Uint32Array.from(values.keys());
  // Equal values stay in the order of the request, so that the same request gives the same plan.
  order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
  const sorted = Array.from(order, (at) => kept[at]).filter((coin) => coin !== undefined);
  const weights = Float64Array.from(sorted, ({ input }) => inputWeight(input));
  return {
    coins: sorted,
    effective: Float64Array.from(order, (at) => values[at] ?? 0),
    weights,
    costs: weights.map((weight) => weight * rates),
  };
}

/** The pool without some of its coins, in the same order. */
export function without(pool: Pool, taken: ReadonlySet<Coin>): Pool {
  if (taken.size === 0) return pool;
  const left = Uint32Array.from(pool.coins.keys()).filter((at) => {
    const coin = pool.coins[at];
    return coin !== undefined && !taken.has(coin);
  });
  const pick = (from: Float64Array) => Float64Array.from(left, (at) => from[at] ?? 0);
  return {
    coins: Array.from(left, (at) => pool.coins[at]).filter((coin) => coin !== undefined),
    effective: pick(pool.effective),
    weights: pick(pool.weights),
    costs: pick(pool.costs),
  };
}

/** What a coin adds to the sender's side after its part of the fee, in sat; may be negative. */
export function effectiveValue(terms: Terms, coin: Coin, slope: Slope): bigint {
  const fee = senderFee(terms, slope.rate, inputWeight(coin.input));
  return coin.valueSats - fee - (coin.ancestorDebtSats ?? 0n);
}

/** The sender's part of the fee of so much weight, in sat, rounded up. */
export function senderFee(terms: Terms, rate: bigint, weight: number): bigint {
  const part = terms.hasRecipientFees
    ? { numerator: BigInt(terms.senderWeight), denominator: BigInt(terms.outputs.weight) }
    : { numerator: 1n, denominator: 1n };
  return divide(rate * BigInt(weight) * part.numerator, 4_000n * part.denominator, 'up');
}

interface InputFee {
  readonly whole: number;
  readonly senders: number;
}

/** Fees of inputs, worked out once for each kind. */
function inputFees(terms: Terms, { rate }: Slope): (input: InputSize) => InputFee {
  const known = new Map<InputSize, InputFee>();
  return (input) => {
    const found = known.get(input);
    if (found !== undefined) return found;
    const weight = inputWeight(input);
    const fee = {
      whole: Number(divide(rate * BigInt(weight), 4_000n, 'up')),
      senders: Number(senderFee(terms, rate, weight)),
    };
    known.set(input, fee);
    return fee;
  };
}

/** First place whose value is at most `limit`, in values that descend. */
export function firstAtMost(values: Float64Array, limit: number, from = 0): number {
  let low = from;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
