import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseLocale, directionOf, locales } from './locale.ts';

test('the browser’s first wish that exists is served', () => {
  expect(chooseLocale('zh-TW,zh;q=0.9,en;q=0.8', undefined)).toBe('zh-TW');
  expect(chooseLocale('zh-Hant-HK', undefined)).toBe('zh-TW');
  expect(chooseLocale('zh-Hans-HK', undefined)).toBe('zh-CN');
  expect(chooseLocale('zh', undefined)).toBe('zh-CN');
  expect(chooseLocale('fr-FR, en-GB;q=0.7, zh-CN;q=0.9', undefined)).toBe('zh-CN');
  expect(chooseLocale('zh-CN;q=0, en', undefined)).toBe('en');
  expect(chooseLocale('de', undefined)).toBe('en');
  expect(chooseLocale(undefined, undefined)).toBe('en');
});

test('the query wins over the browser, unless it names nothing of ours', () => {
  expect(chooseLocale('en', 'zh-TW')).toBe('zh-TW');
  expect(chooseLocale('zh-CN', 'xx')).toBe('zh-CN');
});

test('any header whatever gives one of the languages', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 3_000 }), fc.string(), (header, query) => {
      expect(locales).toContain(chooseLocale(header, query));
    }),
  );
});

test('right-to-left languages are known for when they come', () => {
  expect(directionOf('ar-EG')).toBe('rtl');
  expect(directionOf('zh-TW')).toBe('ltr');
});

test('where neither query nor browser has a language of ours, the store has chosen one', () => {
  expect(chooseLocale('de', undefined, 'zh-TW')).toBe('zh-TW');
  expect(chooseLocale(undefined, 'xx', 'zh-CN')).toBe('zh-CN');
  expect(chooseLocale('en', undefined, 'zh-TW')).toBe('en');
});
