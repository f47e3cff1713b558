import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SpendableCoin } from '../coins/index.ts';
import { withShortChains } from './waiting-chains.ts';

const chains = fc.array(
  fc.option(
    fc.record({
      transactions: fc.integer({ min: 1, max: 30 }),
      vsize: fc.integer({ min: 110, max: 110_000 }),
    }),
    { nil: null },
  ),
  { maxLength: 40 },
);

const coinOf = (
  chain: { transactions: number; vsize: number } | null,
  vout: number,
): SpendableCoin => ({
  ...{ txid: 'ab'.repeat(32), vout, valueSats: 1_000n, branch: 1, index: vout },
  height: chain === null ? 7 : null,
  ancestors: chain === null ? null : { ...chain, feeSats: 500n },
});

test('whatever waits, a transaction that took all candidates would stay below what nodes keep', () => {
  fc.assert(
    fc.property(chains, (all) => {
      const coins = all.map(coinOf);
      const kept = withShortChains(coins);
      const sum = (part: 'transactions' | 'vsize') =>
        kept.reduce((total, { ancestors }) => total + (ancestors?.[part] ?? 0), 0);
      expect(sum('transactions')).toBeLessThanOrEqual(24);
      expect(sum('vsize')).toBeLessThanOrEqual(101_000);
      const confirmed = coins.filter(({ height }) => height !== null);
      expect(kept.filter(({ height }) => height !== null)).toEqual(confirmed);
      expect(kept).toEqual(coins.filter((coin) => kept.includes(coin)));
    }),
  );
});

test('of change that waits the shortest chain is a candidate before the longest', () => {
  const short = coinOf({ transactions: 3, vsize: 500 }, 0);
  const long = coinOf({ transactions: 19, vsize: 4_000 }, 1);
  expect(withShortChains([long, short])).toEqual([short]);
});
