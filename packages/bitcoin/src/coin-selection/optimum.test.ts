import fc from 'fast-check';
import { expect, test } from 'vitest';
import { witnessScript } from '../scripts.ts';
import { bestSelection, longRunCost } from '../testing/best-selection.ts';
import { seededRandom } from '../testing/seeded.ts';
import type { Coin, SelectionRequest } from './plan.ts';
import { selectCoins } from './select-coins.ts';
import { descriptorSizes } from './sizes.ts';

const wpkh = descriptorSizes({ kind: 'wpkh', threshold: null, keys: [{}] });
const tr = descriptorSizes({ kind: 'tr', threshold: null, keys: [{}] });
const multisig = descriptorSizes({ kind: 'wsh_sortedmulti', threshold: 2, keys: [{}, {}, {}] });
const p2wpkh = witnessScript(0, new Uint8Array(20));

/** Amounts over several powers of ten, as wallets of shops have them. */
const amount = (min: number, max: number) =>
  fc
    .record({ power: fc.integer({ min, max }), part: fc.integer({ min: 100, max: 999 }) })
    .map(({ power, part }) => BigInt(part) * 10n ** BigInt(power - 2));

const request = fc
  .record({
    coins: fc.array(
      fc.record({ valueSats: amount(4, 6), kind: fc.constantFrom(wpkh, wpkh, tr, multisig) }),
      { minLength: 1, maxLength: 12 },
    ),
    amounts: fc.array(amount(4, 6), { minLength: 1, maxLength: 3 }),
    feeRate: fc.constantFrom(1_000n, 3_000n, 8_000n, 12_000n, 25_000n, 80_000n),
    change: fc.constantFrom(wpkh, tr),
    isUniform: fc.boolean(),
  })
  .map(({ coins, amounts, isUniform, ...rest }) => ({
    ...rest,
    coins: coins.map(
      ({ valueSats, kind }, i): Coin => ({
        id: `${i}`,
        valueSats,
        input: (isUniform ? wpkh : kind).input,
        unconfirmedDepth: 0,
      }),
    ),
    payments: amounts.map((amountSats) => ({
      script: p2wpkh,
      amountSats,
      feeFrom: 'sender' as const,
    })),
    longTermFeeRate: 10_000n,
  }));

type Request = Omit<SelectionRequest, 'random'>;

/** Our long-run cost as a multiple of the least there is, or null when nobody can pay. */
function ratio(given: Request): number | null {
  const selection = selectCoins({ ...given, random: seededRandom(1) });
  const best = bestSelection(given);
  expect(selection.ok).toBe(best !== null);
  if (!selection.ok || best === null) return null;
  const { inputs, feeSats, changeSats } = selection.plan;
  const cost = longRunCost(given, { spent: inputs, feeSats, hasChange: changeSats !== null });
  // Change that is worth less than spending it is never made, so ours can not be below the best.
  expect(cost).toBeGreaterThanOrEqual(best.cost - 1e-6);
  return cost / best.cost;
}

/** Many coins of like size, of which many sets come near the amount: change can be done without. */
const dense = request.map((each) => {
  const coins = each.coins.map((coin, i) => ({
    ...coin,
    valueSats: 20_000n + (coin.valueSats % 9_973n) * 4n + BigInt(i),
  }));
  const sum = coins.reduce((total, { valueSats }) => total + valueSats, 0n);
  const [first] = each.payments;
  const payments = first === undefined ? [] : [{ ...first, amountSats: sum / 2n }];
  return { ...each, coins, payments };
});

test.each([
  ['of coins of all sizes', request],
  ['of coins of like size', dense],
])(
  'on small wallets %s a plan costs, on average, hardly more than the best of all sets',
  (_, some) => {
    const ratios = fc.sample(some, { numRuns: 400, seed: 322 }).flatMap((each) => {
      const value = ratio(each);
      return value === null ? [] : [value];
    });
    expect(ratios.length).toBeGreaterThan(200);
    const average = ratios.reduce((sum, each) => sum + each, 0) / ratios.length;
    expect(average).toBeLessThan(1.01);
    expect(Math.max(...ratios)).toBeLessThan(1.05);
    // The searches are exact on so few coins but for rounding.
    const best = ratios.filter((each) => each < 1 + 1e-9);
    expect(best.length / ratios.length).toBeGreaterThan(0.98);
  },
);

test('money that is enough is never refused, and too little always, with what is missing', () => {
  fc.assert(
    fc.property(request, (given) => {
      const selection = selectCoins({ ...given, random: seededRandom(2) });
      if (selection.ok) return;
      expect(selection.code).toBe('insufficient_funds');
      if (selection.code !== 'insufficient_funds') return;
      const { missingSats } = selection;
      const less = (by: bigint): Request => {
        const [first, ...rest] = given.payments;
        if (first === undefined || first.amountSats <= by + 1_000n) return given;
        return { ...given, payments: [{ ...first, amountSats: first.amountSats - by }, ...rest] };
      };
      const enough = less(missingSats);
      if (enough === given) return;
      expect(selectCoins({ ...enough, random: seededRandom(2) }).ok).toBe(true);
      expect(selectCoins({ ...less(missingSats - 1n), random: seededRandom(2) }).ok).toBe(false);
    }),
    { numRuns: 300 },
  );
});
