import fc from 'fast-check';
import { expect, test } from 'vitest';
import { witnessScript } from '../scripts.ts';
import { descending } from './pool.ts';
import { apportion } from './shares.ts';
import { descriptorSizes, dustLimit, inputWeight, transactionWeight, vsizeOf } from './sizes.ts';

const single = (kind: 'pkh' | 'wpkh' | 'sh_wpkh' | 'tr') => ({ kind, threshold: null, keys: [{}] });
const multisig = (threshold: number, keys: number) => ({
  kind: 'wsh_sortedmulti' as const,
  threshold,
  keys: Array.from({ length: keys }, () => ({})),
});

test('inputs weigh what is known of each kind', () => {
  const weight = (of: Parameters<typeof descriptorSizes>[0], signatures?: 'low_r') =>
    inputWeight(descriptorSizes(of, signatures === undefined ? {} : { signatures }).input);
  expect(weight(single('wpkh'))).toBe(272);
  expect(weight(single('wpkh'), 'low_r')).toBe(271);
  expect(weight(single('tr'))).toBe(230);
  expect(weight(single('sh_wpkh'))).toBe(364);
  expect(weight(single('pkh'))).toBe(4 * 148 + 1);
  // 41 bytes, and a stack of: count, empty, two signatures, a script of 105 bytes.
  expect(weight(multisig(2, 3))).toBe(4 * 41 + 1 + 1 + 2 * 73 + 1 + 105);
  // The script of 2-of-15 has more than 252 bytes, so its length takes three.
  expect(weight(multisig(2, 15))).toBe(4 * 41 + 1 + 1 + 2 * 73 + 3 + 3 + 34 * 15);
  expect(weight(multisig(17, 20))).toBe(4 * 41 + 1 + 1 + 17 * 73 + 3 + 5 + 34 * 20);
});

test('the dust limits are those that nodes have', () => {
  const hash = new Uint8Array(20);
  const program = new Uint8Array(32);
  expect(dustLimit(witnessScript(0, hash))).toBe(294n);
  expect(dustLimit(witnessScript(0, program))).toBe(330n);
  expect(dustLimit(witnessScript(1, program))).toBe(330n);
  expect(dustLimit(Uint8Array.of(0xa9, 20, ...hash, 0x87))).toBe(540n);
  expect(dustLimit(Uint8Array.of(0x76, 0xa9, 20, ...hash, 0x88, 0xac))).toBe(546n);
  expect(dustLimit(Uint8Array.of(0x6a, 1, 7))).toBe(0n);
  expect(descriptorSizes(single('wpkh')).dustLimitSats).toBe(294n);
  expect(descriptorSizes(single('pkh')).dustLimitSats).toBe(546n);
  expect(descriptorSizes(single('sh_wpkh')).dustLimitSats).toBe(540n);
  expect(descriptorSizes(multisig(2, 3)).dustLimitSats).toBe(330n);
});

test('a whole transaction weighs what BIP141 says, its counts included', () => {
  const { input, outputWeight } = descriptorSizes(single('wpkh'), { signatures: 'low_r' });
  const outputs = (count: number) => ({ count, weight: count * outputWeight });
  // The common payment with change: 140.25 virtual bytes.
  expect(transactionWeight([input], outputs(2))).toBe(561);
  expect(vsizeOf(561)).toBe(141);
  const many = transactionWeight(
    Array.from({ length: 253 }, () => input),
    outputs(252),
  );
  expect(many).toBe(4 * (4 + 3 + 1 + 4) + 2 + 253 * 271 + 252 * 124);
  const legacy = descriptorSizes(single('pkh')).input;
  expect(transactionWeight([legacy], outputs(1))).toBe(4 * (10 + 148 + 31));
  expect(transactionWeight([legacy, input], outputs(1))).toBe(4 * (10 + 31) + 2 + 593 + 271);
});

test('shares add up, and nobody is a whole satoshi from the exact part', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 9n }), weights, (total, each) => {
      const shares = apportion(total, each);
      expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(total);
      const all = BigInt(each.reduce((sum, weight) => sum + weight, 0));
      shares.forEach((share, i) => {
        const distance = share * all - total * BigInt(each[i] ?? 0);
        expect(distance < all && distance > -all).toBe(true);
      });
    }),
  );
});

test('values are sorted downwards, equal ones in their order, however large they are', () => {
  const value = fc.oneof(fc.nat(20), fc.nat(1_000_000), fc.constantFrom(2_099_999_999_999_999, 7));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 200 }), (values) => {
      const expected = values
        .map((each, at) => ({ each, at }))
        .toSorted((a, b) => b.each - a.each || a.at - b.at)
        .map(({ at }) => at);
      expect([...descending(Float64Array.from(values))]).toEqual(expected);
    }),
  );
});
