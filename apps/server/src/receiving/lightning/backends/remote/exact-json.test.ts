import fc from 'fast-check';
import { expect, test } from 'vitest';
import { int64, parseExactJson, shortChannelIdOf } from './exact-json.ts';

test('no integer loses a digit on its way through JSON, as a number or as text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
      const parsed = parseExactJson(`{"number":${value},"text":"${value}"}`) as Record<
        string,
        unknown
      >;
      expect(int64.parse(parsed['number'])).toBe(value);
      expect(int64.parse(parsed['text'])).toBe(value);
    }),
  );
});

test.each([1.5, '1.5', '1e3', '', ' 1', null, true])('%j is no 64-bit integer', (value) => {
  expect(int64.safeParse(value).success).toBe(false);
});

test('a channel number reads as BOLT 7 writes it', () => {
  expect(shortChannelIdOf(879_609_302_286_337n)).toBe('800x1x1');
  expect(shortChannelIdOf((800_000n << 40n) | (12n << 16n) | 1n)).toBe('800000x12x1');
  expect(shortChannelIdOf(0n)).toBeNull();
});
