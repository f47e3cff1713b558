import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MIN_PAYOUT_SATS, planRefund, type Pools, poolsOf, type RefundWish } from './plan.ts';
import { testRate } from './test-refund.ts';

const BTC_ORDER = { priceCurrency: 'BTC', rate: null };
const EUR_ORDER = { priceCurrency: 'EUR', rate: testRate('50000.00000000') };

function wish(more: Partial<RefundWish> = {}): RefundWish {
  return {
    mode: 'full',
    rateMode: 'original',
    amount: undefined,
    currency: undefined,
    deductionBps: undefined,
    deductionSats: undefined,
    ...more,
  };
}

/** An order of 200,000 sat that was paid with 50,000 too much, and 30,000 more that came late. */
const POOLS: Pools = {
  roomSats: 280_000n,
  merchantSats: 200_000n,
  excessSats: 50_000n,
  heldSats: 30_000n,
};

function planned(...args: Parameters<typeof planRefund>) {
  const result = planRefund(...args);
  if (!result.ok) throw new Error(`${result.code}: ${result.detail}`);
  return result.plan;
}

test('full takes all that was received, each part from whose it is', () => {
  expect(planned(EUR_ORDER, POOLS, wish(), null)).toMatchObject({
    basisSats: 280_000n,
    fromMerchantSats: 200_000n,
    fromExcessSats: 50_000n,
    fromHeldSats: 30_000n,
    payoutSats: 280_000n,
    valueCurrency: 'EUR',
    valueMinor: 14_000n,
  });
});

test('overpaid and late take their own part and nothing else', () => {
  expect(planned(BTC_ORDER, POOLS, wish({ mode: 'overpaid' }), null)).toMatchObject({
    ...{ basisSats: 50_000n, fromMerchantSats: 0n, fromExcessSats: 50_000n, fromHeldSats: 0n },
  });
  expect(planned(BTC_ORDER, POOLS, wish({ mode: 'late' }), null)).toMatchObject({
    ...{ basisSats: 30_000n, fromMerchantSats: 0n, fromExcessSats: 0n, fromHeldSats: 30_000n },
  });
  const none = { ...POOLS, excessSats: 0n, heldSats: 0n };
  for (const mode of ['overpaid', 'late'] as const) {
    expect(planRefund(BTC_ORDER, none, wish({ mode }), null)).toMatchObject({
      ok: false,
      code: 'refund_exceeds_received',
    });
  }
});

test('a part of the price is reckoned at the rate of the order, or paid as what it is worth now', () => {
  const half = wish({ mode: 'partial', amount: '50.00' });
  expect(planned(EUR_ORDER, POOLS, half, null)).toMatchObject({
    ...{ basisSats: 100_000n, payoutSats: 100_000n, rateMode: 'original', valueMinor: 5_000n },
  });
  const today = testRate('40000.00000000');
  const now = { ...half, rateMode: 'current' as const };
  expect(planned(EUR_ORDER, POOLS, now, today)).toMatchObject({
    ...{ basisSats: 100_000n, payoutSats: 125_000n, rateMode: 'current', valueMinor: 5_000n },
    rate: today,
  });
});

test('all of it at today’s rate is worth today what it was worth then', () => {
  const today = testRate('62500.00000000');
  const { basisSats, payoutSats, valueMinor } = planned(
    EUR_ORDER,
    POOLS,
    wish({ rateMode: 'current' }),
    today,
  );
  expect({ basisSats, payoutSats, valueMinor }).toEqual({
    ...{ basisSats: 280_000n, payoutSats: 224_000n, valueMinor: 14_000n },
  });
});

test('a custom amount is paid to the satoshi, and takes as much of the cap', () => {
  const exact = wish({ mode: 'custom', amount: '0.00012345' });
  expect(planned(EUR_ORDER, POOLS, exact, null)).toMatchObject({
    ...{ basisSats: 12_345n, payoutSats: 12_345n, rateMode: 'original' },
  });
  const euros = wish({ mode: 'custom', amount: '10.00', currency: 'EUR' });
  expect(planned(EUR_ORDER, POOLS, euros, testRate('40000.00000000'))).toMatchObject({
    ...{ basisSats: 25_000n, payoutSats: 25_000n, valueMinor: 1_000n },
  });
});

test.each([
  ['an amount where none is taken', { amount: '1' }, 'invalid_request'],
  ['no amount where one is needed', { mode: 'partial' }, 'invalid_amount'],
  ['more decimals than cents have', { mode: 'partial', amount: '1.001' }, 'invalid_amount'],
  ['nothing', { mode: 'partial', amount: '0' }, 'invalid_amount'],
  ['another currency', { mode: 'custom', amount: '1', currency: 'USD' }, 'unknown_currency'],
  ['a currency for another mode', { currency: 'EUR' }, 'invalid_request'],
  ['two deductions', { deductionBps: 1, deductionSats: 1n }, 'invalid_request'],
  ['a deduction of everything', { deductionSats: 280_000n }, 'invalid_amount'],
  ['dust', { deductionSats: 279_500n }, 'amount_too_small'],
  ['more than there is', { mode: 'custom', amount: '0.00280001' }, 'refund_exceeds_received'],
] as const)('%s is refused', (_, change, code) => {
  expect(planRefund(EUR_ORDER, POOLS, wish(change), null)).toMatchObject({ ok: false, code });
});

const sats = fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n });
const smallSats = fc.bigInt({ min: 0n, max: 300_000n });
const price = fc
  .bigInt({ min: 1n, max: 20_000_000n })
  .map((euros) => testRate(`${euros}.12345678`));
const anyWish: fc.Arbitrary<RefundWish> = fc
  .record({
    mode: fc.constantFrom('full', 'partial', 'overpaid', 'late', 'custom'),
    rateMode: fc.constantFrom('original', 'current'),
    cents: fc.bigInt({ min: 1n, max: 10_000_000n }),
    inFiat: fc.boolean(),
    deduction: fc.oneof(
      fc.constant({}),
      fc.record({ deductionBps: fc.nat(9_999) }),
      fc.record({ deductionSats: smallSats }),
    ),
  })
  .map(({ mode, rateMode, cents, inFiat, deduction }) => {
    const takesAmount = mode === 'partial' || mode === 'custom';
    const text = `${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`;
    return wish({
      ...{ mode, rateMode, amount: takesAmount ? text : undefined },
      currency: mode === 'custom' && inFiat ? 'EUR' : undefined,
      ...deduction,
    } as Partial<RefundWish>);
  });

test('any refund: its basis is within what is left, its parts and its amounts add up', () => {
  let made = 0;
  fc.assert(
    fc.property(
      fc.record({ merchant: smallSats, excess: smallSats, held: smallSats, other: smallSats }),
      fc.oneof(fc.constant(null), price),
      price,
      anyWish,
      ({ merchant, excess, held, other }, then, now, wanted) => {
        const all = merchant + excess + held;
        const taken = {
          ...{ basisSats: other, fromMerchantSats: other, fromExcessSats: 0n, fromHeldSats: 0n },
        };
        const money = { confirmedSats: all, merchantSats: merchant, excessSats: excess };
        const pools = poolsOf({ ...money, heldSats: held }, taken);
        const order = { priceCurrency: then === null ? 'BTC' : 'EUR', rate: then };
        const result = planRefund(order, pools, wanted, now);
        if (!result.ok) return;
        made += 1;
        const { plan } = result;
        expect(plan.basisSats + other <= all).toBe(true);
        expect(plan.fromMerchantSats + plan.fromExcessSats + plan.fromHeldSats).toBe(
          plan.basisSats,
        );
        for (const part of [plan.fromMerchantSats, plan.fromExcessSats, plan.fromHeldSats]) {
          expect(part >= 0n).toBe(true);
        }
        expect(plan.payoutSats).toBe(plan.grossSats - plan.deductionSats);
        expect(plan.payoutSats >= MIN_PAYOUT_SATS && plan.deductionSats >= 0n).toBe(true);
        // Without a change of rate nothing is made of nothing.
        if (plan.rateMode === 'original') expect(plan.grossSats).toBe(plan.basisSats);
        if (then !== null && plan.rateMode === 'current' && wanted.mode !== 'custom') {
          const worth = (amount: bigint, { pricePerBtc }: { pricePerBtc: string }) =>
            amount * BigInt(pricePerBtc.replace('.', ''));
          // Worth as much as the basis was, but for one satoshi of rounding and half a cent.
          const slack = worth(1n, now) + worth(1n, then) + 10n ** 14n;
          const difference = worth(plan.grossSats, now) - worth(plan.basisSats, then);
          expect(difference <= slack && -difference <= slack).toBe(true);
        }
      },
    ),
    { numRuns: 2_000 },
  );
  expect(made).toBeGreaterThan(500);
});

test('any sequence of refunds of one order: their bases never add up to more than was received', () => {
  fc.assert(
    fc.property(sats, fc.array(anyWish, { maxLength: 10 }), price, (all, wishes, now) => {
      const money = { confirmedSats: all, merchantSats: all, excessSats: 0n, heldSats: 0n };
      const sum = { basisSats: 0n, fromMerchantSats: 0n, fromExcessSats: 0n, fromHeldSats: 0n };
      for (const each of wishes) {
        const result = planRefund(EUR_ORDER, poolsOf(money, sum), each, now);
        if (!result.ok) continue;
        for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += result.plan[key];
      }
      expect(sum.basisSats <= all).toBe(true);
    }),
    { numRuns: 500 },
  );
});
