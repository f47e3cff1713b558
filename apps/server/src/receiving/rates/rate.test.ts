import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPrice, isFiatCurrency, parsePrice } from './rate.ts';

test('float-money: a price is read digit by digit, never through a float', () => {
  expect(BigInt(Math.trunc(0.29 * 1e8))).toBe(28_999_999n); // What floats make of it.
  expect(parsePrice('0.29')).toEqual({ ok: true, pricePerBtcE8: 29_000_000n });
  expect(parsePrice('65123.10000001')).toEqual({ ok: true, pricePerBtcE8: 6_512_310_000_001n });
  expect(parsePrice('9007199254.740993')).toEqual({
    ok: true,
    pricePerBtcE8: 900_719_925_474_099_300n,
  });
});

test('decimals beyond the eighth are cut towards the lower price', () => {
  expect(parsePrice('67187.335893659999')).toEqual({
    ok: true,
    pricePerBtcE8: 6_718_733_589_365n,
  });
  expect(parsePrice('0.999999999')).toEqual({ ok: true, pricePerBtcE8: 99_999_999n });
});

const NO_PRICES =
  '|-1|+1|1e5|1,000|0x10|NaN|Infinity|1.|.5|１|1\n| |0|0.00|0.000000001|92233720369|999999999999|null|1.2.3';

test.each(NO_PRICES.split('|'))('%j is no price', (text) => {
  expect(parsePrice(text).ok).toBe(false);
});

test('what is written is read back unchanged', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (pricePerBtcE8) => {
      expect(parsePrice(formatPrice(pricePerBtcE8))).toEqual({ ok: true, pricePerBtcE8 });
    }),
  );
});

test('bitcoin itself needs no rate', () => {
  expect(isFiatCurrency('BTC')).toBe(false);
  expect(isFiatCurrency('EUR')).toBe(true);
  expect(isFiatCurrency('toString')).toBe(false);
});
