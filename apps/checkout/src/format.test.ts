import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  fill,
  formatCountdown,
  formatMoney,
  formatRate,
  formatSats,
  formatSatsAsBtc,
  plainBtc,
  shortenMiddle,
} from './format.ts';
import { locales } from './locale.ts';

const SPACE = '\u00a0';
const sats = fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }).map(String);
const digitsOf = (text: string) => text.replace(/\D/g, '');

test('no digit of an amount changes on its way to the screen, however large', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
      fc.integer({ min: 0, max: 99 }).map((cents) => String(cents).padStart(2, '0')),
      fc.constantFrom(...locales, 'de', 'fr-CH', 'ar', 'hi'),
      (whole, cents, locale) => {
        expect(digitsOf(formatMoney(`${whole}.${cents}`, 'USD', locale))).toBe(whole + cents);
        expect(digitsOf(formatMoney(whole, 'JPY', locale))).toBe(whole);
      },
    ),
  );
});

test('float-money: 0.29 BTC is 29000000 sat and comes back as such', () => {
  expect(plainBtc('29000000')).toBe('0.29000000');
  expect(formatSatsAsBtc('29000000', 'en')).toBe(`0.29000000${SPACE}BTC`);
  expect(formatSatsAsBtc('28999999', 'de')).toBe(`0,28999999${SPACE}BTC`);
});

test('sats and their bitcoin form carry the same digits in every language', () => {
  fc.assert(
    fc.property(sats, fc.constantFrom(...locales, 'de'), (amount, locale) => {
      expect(digitsOf(formatSats(amount, locale))).toBe(amount);
      expect(BigInt(digitsOf(formatSatsAsBtc(amount, locale)))).toBe(BigInt(amount));
    }),
  );
});

test('money is written by the habit of the language and the currency', () => {
  expect(formatMoney('1234.5', 'USD', 'en')).toBe('$1,234.50');
  expect(formatMoney('1234.50', 'USD', 'zh-CN')).toBe('US$1,234.50');
  expect(formatMoney('1234', 'JPY', 'en')).toBe('¥1,234');
  expect(formatMoney('1.234', 'KWD', 'en')).toContain('1.234');
  expect(formatMoney('0.005', 'BTC', 'en')).toBe(`0.00500000${SPACE}BTC`);
});

test('a rate is cut to the decimals of its currency, never rounded up', () => {
  expect(formatRate('60628.1099', 'USD', 'en')).toBe('$60,628.10');
  expect(formatRate('60628', 'USD', 'en')).toBe('$60,628.00');
  expect(formatRate('9000000.9', 'JPY', 'en')).toBe('¥9,000,000');
});

test('a countdown never shows less than nothing, and no time that is already over', () => {
  expect(formatCountdown(872_000)).toBe('14:32');
  expect(formatCountdown(1)).toBe('0:01');
  expect(formatCountdown(-5_000)).toBe('0:00');
  expect(formatCountdown(3_723_000)).toBe('1:02:03');
});

test('hashes are shortened in the middle only when that saves something', () => {
  expect(shortenMiddle('a'.repeat(64), 4)).toBe('aaaa…aaaa');
  expect(shortenMiddle('123456789', 4)).toBe('123456789');
});

test('a message is filled once: what is put in is not read as a placeholder', () => {
  expect(fill('{store} got {late}', { store: '{late}', late: '1' })).toBe('{late} got 1');
  expect(fill('{missing}', {})).toBe('{missing}');
});
