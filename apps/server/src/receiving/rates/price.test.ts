import { currencyDecimals, MAX_SATS } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fiatToSats, satsToFiat } from './price.ts';
import { type FiatCurrency, parsePrice } from './rate.ts';

function at(price: string, currency: FiatCurrency = 'EUR') {
  const parsed = parsePrice(price);
  if (!parsed.ok) throw new Error(parsed.reason);
  return { rate: { currency, pricePerBtcE8: parsed.pricePerBtcE8 } };
}

test('float-money: 0.29 at a rate of 1 is 29000000 satoshis, not 28999999', () => {
  expect(Math.trunc(0.29 * 1e8)).toBe(28_999_999); // What floats make of it.
  expect(fiatToSats(29n, 'EUR', at('1'))).toBe(29_000_000n);
  expect(satsToFiat(29_000_000n, at('1'))).toBe(29n);
});

test('known amounts convert exactly', () => {
  expect(fiatToSats(6_500_000n, 'EUR', at('65000'))).toBe(100_000_000n);
  expect(fiatToSats(1_000n, 'EUR', at('50000'))).toBe(20_000n);
  expect(fiatToSats(0n, 'EUR', at('50000'))).toBe(0n);
  expect(fiatToSats(10_000_000n, 'JPY', at('10000000', 'JPY'))).toBe(100_000_000n);
  expect(fiatToSats(20_000_000n, 'KWD', at('20000', 'KWD'))).toBe(100_000_000n);
  expect(satsToFiat(100_000_000n, at('65000.125'))).toBe(6_500_012n); // Half to even …
  expect(satsToFiat(100_000_000n, at('65000.135'))).toBe(6_500_014n); // … in both directions.
});

test('what is owed rounds up to the next satoshi', () => {
  // 1.00 / 65123.45 BTC = 1535.54... sat
  expect(fiatToSats(100n, 'EUR', at('65123.45'))).toBe(1_536n);
  expect(fiatToSats(1n, 'EUR', at('92000000000'))).toBe(1n);
});

test('more bitcoin than will exist is refused with a typed error', () => {
  const tooLarge = expect.objectContaining({ code: 'amount_too_large' });
  expect(() => fiatToSats(10n ** 18n, 'EUR', at('0.00000001'))).toThrow(tooLarge);
  expect(() => satsToFiat(MAX_SATS, at('92000000000'))).toThrow(tooLarge);
});

test('a rate for another currency, a negative amount or a rate of zero is a bug and stops', () => {
  expect(() => fiatToSats(1n, 'USD', at('1', 'EUR'))).toThrow('another currency');
  expect(() => fiatToSats(-1n, 'EUR', at('1'))).toThrow('negative');
  expect(() => satsToFiat(-1n, at('1'))).toThrow('negative');
  const zero = { rate: { currency: 'EUR', pricePerBtcE8: 0n } } as const;
  expect(() => fiatToSats(1n, 'EUR', zero)).toThrow('not positive');
});

const currency = fc.constantFrom<FiatCurrency>('EUR', 'JPY', 'KWD', 'VND');
/** From 100 units to 10 milliard units per BTC: no amount below exceeds 21 million BTC. */
const quote = fc
  .tuple(currency, fc.bigInt({ min: 10n ** 10n, max: 10n ** 18n }))
  .map(([code, pricePerBtcE8]) => ({ rate: { currency: code, pricePerBtcE8 } }));
const amount = fc.bigInt({ min: 0n, max: 10n ** 9n });

/** The worth of one satoshi in the smallest unit, rounded up. */
function unitsPerSat(rate: { currency: FiatCurrency; pricePerBtcE8: bigint }): bigint {
  const scaled = rate.pricePerBtcE8 * 10n ** BigInt(currencyDecimals(rate.currency));
  return (scaled + 10n ** 16n - 1n) / 10n ** 16n;
}

test('fiat to satoshis and back never loses, and gains less than one satoshi and one unit', () => {
  fc.assert(
    fc.property(quote, amount, (q, minor) => {
      const back = satsToFiat(fiatToSats(minor, q.rate.currency, q), q);
      expect(back >= minor).toBe(true);
      expect(back - minor <= unitsPerSat(q.rate)).toBe(true);
    }),
  );
});

test('where a satoshi is worth less than half the smallest unit, there and back is the same amount', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 10n ** 10n, max: 49n * 10n ** 12n }), amount, (price, minor) => {
      const q = { rate: { currency: 'EUR', pricePerBtcE8: price } } as const;
      expect(satsToFiat(fiatToSats(minor, 'EUR', q), q)).toBe(minor);
    }),
  );
});

test('satoshis to fiat and back differ by no more than one unit is worth, and one satoshi', () => {
  fc.assert(
    fc.property(quote, fc.bigInt({ min: 0n, max: 10n ** 12n }), (q, sats) => {
      const back = fiatToSats(satsToFiat(sats, q), q.rate.currency, q);
      const satsPerUnit = fiatToSats(1n, q.rate.currency, q);
      const difference = back > sats ? back - sats : sats - back;
      expect(difference <= satsPerUnit + 1n).toBe(true);
    }),
  );
});

test('a higher price never owes less, and a higher rate never owes more', () => {
  fc.assert(
    fc.property(quote, amount, amount, fc.bigInt({ min: 0n, max: 10n ** 12n }), (q, a, b, rise) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      const code = q.rate.currency;
      expect(fiatToSats(less, code, q) <= fiatToSats(more, code, q)).toBe(true);
      expect(satsToFiat(less, q) <= satsToFiat(more, q)).toBe(true);
      const higher = { rate: { ...q.rate, pricePerBtcE8: q.rate.pricePerBtcE8 + rise } };
      expect(fiatToSats(more, code, higher) <= fiatToSats(more, code, q)).toBe(true);
    }),
  );
});

test('what is owed is the least number of satoshis worth at least the price', () => {
  fc.assert(
    fc.property(quote, amount, (q, minor) => {
      const sats = fiatToSats(minor, q.rate.currency, q);
      const scaled = q.rate.pricePerBtcE8 * 10n ** BigInt(currencyDecimals(q.rate.currency));
      expect(sats * scaled >= minor * 10n ** 16n).toBe(true);
      if (sats > 0n) expect((sats - 1n) * scaled < minor * 10n ** 16n).toBe(true);
    }),
  );
});
