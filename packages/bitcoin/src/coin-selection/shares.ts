import { assert } from '@quittance/kernel';

/**
 * Splits a total in proportion to weights, in whole units that add up exactly: each gets the floor
 * of its part, and what is left goes one by one to those with the largest remainders, the first of
 * equals first. So nobody is more than one unit from the exact part.
 */
export function apportion(total: bigint, weights: readonly number[]): bigint[] {
  assert(total >= 0n, 'apportion: the total is negative');
  if (weights.length === 0) {
    assert(total === 0n, 'apportion: nobody to share');
    return [];
  }
  const sum = weights.reduce((each, weight) => each + BigInt(weight), 0n);
  assert(sum > 0n, 'apportion: no weight');
  const parts = weights.map((weight, index) => {
    const exact = total * BigInt(weight);
    return { index, floor: exact / sum, remainder: exact % sum };
  });
  const left = parts.reduce((each, { floor }) => each - floor, total);
  const shares = parts.map(({ floor }) => floor);
  const byRemainder = parts.toSorted((a, b) => {
    if (a.remainder === b.remainder) return a.index - b.index;
    return a.remainder > b.remainder ? -1 : 1;
  });
  for (const { index } of byRemainder.slice(0, Number(left))) {
    shares[index] = (shares[index] ?? 0n) + 1n;
  }
  return shares;
}
