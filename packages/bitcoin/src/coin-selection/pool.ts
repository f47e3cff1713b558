import { assert, divide } from '@quittance/kernel';
import type { Coin } from './plan.ts';
import { inputWeight, type InputSize } from './sizes.ts';
import type { Terms } from './terms.ts';

/**
 * The coins that bring more than they cost, dearest first, as plain numbers in typed arrays. They
 * are exact: no sum of satoshis exceeds 2^53, and fees are rounded up, against us. What a search
 * finds is worked out again in bigint by `settle`.
 */
export interface Pool {
  /** All coins that were given, in their order. */
  readonly given: readonly Coin[];
  /** Which of them are in the pool. */
  readonly places: Uint32Array;
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
  const kept = new Uint32Array(coins.length);
  const values = new Float64Array(coins.length);
  const sizes = new Float64Array(coins.length);
  let count = 0;
  coins.forEach((coin, at) => {
    const debt = coin.ancestorDebtSats === undefined ? 0 : Number(coin.ancestorDebtSats);
    const value = Number(coin.valueSats) - debt;
    const { weight, whole, senders } = fees(coin.input);
    // Also where a recipient bears the fee: nobody should pay more for a coin than it is worth.
    if (value <= whole) return;
    kept[count] = at;
    values[count] = value - senders;
    sizes[count] = weight;
    count += 1;
  });
  const order = descending(values.subarray(0, count));
  const rates = Number(slope.rate - terms.request.longTermFeeRate);
  const weights = Float64Array.from(order, (from) => sizes[from] ?? 0);
  return {
    given: coins,
    places: order.map((from) => kept[from] ?? 0),
    effective: Float64Array.from(order, (from) => values[from] ?? 0),
    weights,
    costs: weights.map((weight) => weight * rates),
  };
}

/** The coins at these places of the pool. */
export function coinsAt(pool: Pool, places: readonly number[]): Coin[] {
  return places.map((at) => {
    const coin = pool.given[pool.places[at] ?? -1];
    assert(coin !== undefined, 'coinsAt: the pool has no such place');
    return coin;
  });
}

/**
 * Places of values from the largest to the smallest; of equal ones in their order, so that the same
 * request gives the same plan. Where value and place fit in one exact number, the runtime's own sort
 * of numbers does it several times faster than one that calls back.
 */
export function descending(values: Float64Array): Uint32Array {
  const count = values.length;
  const top = values.reduce((max, value) => Math.max(max, value), 0);
  if ((top + 1) * count < Number.MAX_SAFE_INTEGER) {
    const keys = values.map((value, at) => (top - value) * count + at);
    return Uint32Array.from(keys.sort(), (key) => key % count);
  }
  const order = Uint32Array.from(values.keys());
  return order.sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
}

/**
 * The pool without some of its coins, in the same order.
 * @param places ascending
 */
export function without(pool: Pool, places: readonly number[]): Pool {
  if (places.length === 0) return pool;
  const count = pool.places.length - places.length;
  const left = {
    given: pool.given,
    places: new Uint32Array(count),
    effective: new Float64Array(count),
    weights: new Float64Array(count),
    costs: new Float64Array(count),
  };
  let from = 0;
  let to = 0;
  for (const place of [...places, pool.places.length]) {
    left.places.set(pool.places.subarray(from, place), to);
    left.effective.set(pool.effective.subarray(from, place), to);
    left.weights.set(pool.weights.subarray(from, place), to);
    left.costs.set(pool.costs.subarray(from, place), to);
    to += place - from;
    from = place + 1;
  }
  return left;
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
  readonly weight: number;
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
      weight,
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
