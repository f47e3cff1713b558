import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scorePair } from '../score-pair.ts';
import { weighFacts } from './evidence.ts';
import { limited } from './score.ts';

const points = (name1: string, name2: string, schema = 'Person') =>
  scorePair({ schema, name1, name2 }).points;

const schema = fc.constantFrom('Person', 'Company', 'Vessel', 'LegalEntity');
const part = fc.oneof(
  fc.constantFrom(
    'Ali',
    'bin',
    'Kim',
    'J.',
    'Владимир',
    'محمد',
    '习近平',
    '김',
    'GmbH',
    'Bank',
    '44',
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
);
const name = fc.array(part, { maxLength: 20 }).map((parts) => parts.join(' '));

describe('a score', () => {
  test('is the sum of its parts, between 0 and 1, for any names', () => {
    fc.assert(
      fc.property(schema, name, name, (kind, name1, name2) => {
        const score = scorePair({ schema: kind, name1, name2 });
        expect(score.parts.reduce((sum, one) => sum + one.points, 0)).toBe(score.points);
        expect(score.points).toBeGreaterThanOrEqual(0);
        expect(score.points).toBeLessThanOrEqual(10_000);
        expect(score.parts.every((one) => Number.isInteger(one.points))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('with birth date, country and gender is still the sum of its parts', () => {
    const day = fc
      .date({ min: new Date('1900-01-01'), max: new Date('2020-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10));
    const facts = fc.record({
      birthDates: fc.array(
        day.map((date) => ({ from: date, to: date })),
        { maxLength: 2 },
      ),
      countries: fc.subarray(['de', 'ir', 'us']),
      gender: fc.constantFrom('male' as const, 'female' as const, null),
    });
    fc.assert(
      fc.property(name, name, facts, facts, (name1, name2, asked, listed) => {
        const byName = scorePair({ schema: 'Person', name1, name2 });
        const score = limited([...byName.parts, ...weighFacts(asked, listed)]);
        expect(score.parts.reduce((sum, one) => sum + one.points, 0)).toBe(score.points);
        expect(score.points).toBeGreaterThanOrEqual(0);
        expect(score.points).toBeLessThanOrEqual(10_000);
      }),
    );
  });

  test('of a word that every company has is low, alone or before a name', () => {
    for (const word of ['CORP', 'Corporation', 'LLC', 'The Company', 'GmbH']) {
      expect(points(word, word, 'Company'), word).toBeLessThan(3_000);
      expect(points(word, `ACME ${word}`, 'Company'), word).toBeLessThan(3_000);
    }
  });

  test('does not mind the order of parts, titles, particles or legal forms much', () => {
    expect(points('NAME, Some Body', 'Some Body Name')).toBeGreaterThan(9_000);
    expect(points('Dr. Amina Okafor', 'Amina Okafor')).toBeGreaterThan(9_000);
    expect(points('Karim al-Badri', 'Karim Badri')).toBeGreaterThan(8_500);
    expect(points('Nordwind Aktiengesellschaft', 'Nordwind AG', 'Company')).toBeGreaterThan(9_000);
    expect(points('OOO Vostok', 'Vostok LLC', 'Company')).toBeGreaterThan(9_000);
    expect(points('Vostok JSC', 'Vostok LLC', 'Company')).toBeLessThan(9_000);
  });

  test('reads names across scripts', () => {
    expect(points('Владимир Высоцкий', 'Vladimir Vysotsky')).toBeGreaterThan(8_500);
    expect(points('Νίκος Καζαντζάκης', 'Nikos Kazantzakis')).toBeGreaterThan(8_500);
    expect(points('محمود درويش', 'Mahmoud Darwish')).toBeGreaterThan(7_000);
    expect(points('张艺谋', 'Zhang Yimou')).toBeGreaterThan(8_500);
    expect(points('손흥민', 'Son Heung Min')).toBeGreaterThan(8_500);
    expect(points('クリント・イーストウッド', 'Clint Eastwood')).toBeLessThan(10_000);
    expect(points('მიხეილ სააკაშვილი', 'Mikheil Saakashvili')).toBeGreaterThan(8_500);
    expect(points('अमिताभ बच्चन', 'Amitabh Bachchan')).toBeGreaterThan(7_000);
  });

  test('takes an initial for its name and against another', () => {
    expect(points('A. Pushkin', 'Alexander Pushkin')).toBeGreaterThan(7_000);
    expect(points('B. Pushkin', 'Alexander Pushkin')).toBeLessThan(7_000);
    expect(points('Anna K. Berg', 'Anna Maria Berg')).toBeLessThan(7_000);
  });

  test('falls with another birth date, country or gender, and rises with the same', () => {
    const on = (date: string) => ({
      birthDates: [{ from: date, to: date }],
      countries: [],
      gender: null,
    });
    const sum = (a: string, b: string) => weighFacts(on(a), on(b))[0]?.points ?? 0;
    expect(sum('1970-05-01', '1970-05-01')).toBeGreaterThan(0);
    expect(sum('1970-05-01', '1970-01-05')).toBe(0);
    expect(sum('1970-05-01', '1970-08-30')).toBeGreaterThan(sum('1970-05-01', '1972-05-01'));
    expect(sum('1970-05-01', '1972-05-01')).toBeGreaterThan(sum('1970-05-01', '1990-05-01'));
  });
});
