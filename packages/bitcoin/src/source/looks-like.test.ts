import { expect, test } from 'vitest';
import { witnessScript } from '../scripts.ts';
import { looksLikeCoinjoin, looksLikeExchangeBatch } from './looks-like.ts';

const script = (seed: number) => witnessScript(0, new Uint8Array(20).fill(seed));
const spending = (inputs: number, amounts: readonly number[]) => ({
  inputs: Array.from({ length: inputs }, () => ({
    prevTxid: new Uint8Array(32),
    prevVout: 0,
    sequence: 0,
  })),
  outputs: amounts.map((amount, i) => ({ valueSats: BigInt(amount), script: script(i) })),
});

test('mixes of the known shapes are recognised, with the reason', () => {
  // Whirlpool: five inputs, five equal outputs.
  expect(looksLikeCoinjoin(spending(5, [1e6, 1e6, 1e6, 1e6, 1e6]))).toHaveLength(1);
  // JoinMarket: equal outputs and everybody's change.
  expect(looksLikeCoinjoin(spending(4, [7e5, 7e5, 7e5, 12_345, 99_999, 5]))).toHaveLength(1);
  // WabiSabi: many amounts that come several times.
  const wabisabi = [65_536, 65_536, 131_072, 131_072, 100_000, 100_000, 5_000, 7_777];
  expect(looksLikeCoinjoin(spending(20, wabisabi))).toHaveLength(1);
});

test('ordinary payments look like neither', () => {
  for (const each of [spending(1, [5_000, 123_456]), spending(3, [50_000, 50_000, 7])]) {
    expect(looksLikeCoinjoin(each)).toEqual([]);
    expect(looksLikeExchangeBatch(each, [script(1), script(2)])).toEqual([]);
  }
  // One payer, equal amounts to several people: a payroll, not a mix.
  expect(looksLikeCoinjoin(spending(1, [1e6, 1e6, 1e6, 1e6]))).toEqual([]);
  // The same address several times is one recipient.
  const same = spending(5, [1e6, 1e6, 1e6]);
  const outputs = same.outputs.map((output) => ({ ...output, script: script(1) }));
  expect(looksLikeCoinjoin({ ...same, outputs })).toEqual([]);
});

test('payouts of services are recognised by many outputs, or many gathered addresses', () => {
  const payouts = Array.from({ length: 30 }, (_, i) => 10_000 + i);
  expect(looksLikeExchangeBatch(spending(2, payouts))).toHaveLength(1);
  const scripts = Array.from({ length: 15 }, (_, i) => script(i));
  expect(looksLikeExchangeBatch(spending(15, [1e6, 5_000]), scripts)).toHaveLength(1);
  const own = Array.from({ length: 15 }, () => script(1));
  expect(looksLikeExchangeBatch(spending(15, [1e6, 5_000]), own)).toEqual([]);
});
