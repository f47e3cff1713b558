import { expect, test } from 'vitest';
import { feeFor, feeRateOf, formatFeeRate, parseFeeRate } from './fee-rate.ts';
import { ancestorDebt, childFee, replacementFee } from './replacement.ts';

test('a fee is rounded up, a rate down: neither is ever shown better than it is', () => {
  expect(feeFor(1_000n, 141)).toBe(141n);
  expect(feeFor(1_001n, 141)).toBe(142n);
  expect(feeFor(0n, 141)).toBe(0n);
  expect(feeRateOf(142n, 141)).toBe(1_007n);
});

test('a rate is read and written in sat/vB without a floating point', () => {
  expect(parseFeeRate('1.5')).toEqual({ ok: true, feeRate: 1_500n });
  expect(parseFeeRate('0.1')).toEqual({ ok: true, feeRate: 100n });
  expect(parseFeeRate('1.2345').ok).toBe(false);
  expect(parseFeeRate('-1').ok).toBe(false);
  expect(formatFeeRate(1_500n)).toBe('1.500');
});

test('a replacement pays what it throws out, its own relay, and a higher rate', () => {
  expect(replacementFee({ feesSats: 1_000n, feeRate: 5_000n }, 200)).toBe(1_200n);
  expect(replacementFee({ feesSats: 1_000n, feeRate: 10_000n }, 200)).toBe(2_001n);
  const costly = { feesSats: 1_000n, feeRate: 5_000n, incrementalFeeRate: 5_000n };
  expect(replacementFee(costly, 200)).toBe(2_000n);
});

test('a child pays what its ancestors lack, and its own rate at least', () => {
  const stuck = { feesSats: 200n, vsize: 200, transactions: 1 };
  expect(childFee(stuck, { vsize: 110, feeRate: 10_000n })).toEqual({ ok: true, feeSats: 2_900n });
  const rich = { feesSats: 9_000n, vsize: 200, transactions: 1 };
  expect(childFee(rich, { vsize: 110, feeRate: 10_000n })).toEqual({ ok: true, feeSats: 1_100n });
  const many = { ...stuck, transactions: 25 };
  expect(childFee(many, { vsize: 110, feeRate: 10_000n })).toMatchObject({ ok: false });
  expect(ancestorDebt(stuck, 10_000n)).toBe(1_800n);
  expect(ancestorDebt(rich, 10_000n)).toBe(0n);
});
