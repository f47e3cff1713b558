import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../../../packages/bitcoin/src/testing/seeded.ts';
import { scorePair } from '../score-pair.ts';
import { type NamePair, SEEN } from '../testing/name-pairs.ts';
import { UNSEEN } from '../testing/unseen-name-pairs.ts';

const CUT = 7_000;
const person = (name1: string, name2: string) =>
  scorePair({ schema: 'Person', name1, name2 }).points;
const company = (name1: string, name2: string) =>
  scorePair({ schema: 'Company', name1, name2 }).points;

function f1(pairs: readonly NamePair[]): number {
  let [hits, errors] = [0, 0];
  for (const pair of pairs) {
    const match = scorePair(pair).points >= CUT;
    if (match && pair.same) hits++;
    else if (match !== pair.same) errors++;
  }
  return (2 * hits) / (2 * hits + errors);
}

describe('pairs of names that others could have chosen', () => {
  test('match where they are one: F1 of at least .9 on pairs that were seen, and on ones that were not', () => {
    expect(f1(SEEN)).toBeGreaterThanOrEqual(0.9);
    expect(f1(UNSEEN)).toBeGreaterThanOrEqual(0.9);
  });
});

/** Invented people with names of many languages, none of them too short to be misspelled. */
const PEOPLE = [
  'Benedikt Hallgrimsson',
  'Oluwaseun Adebayo',
  'Katarzyna Wisniewska',
  'Anatoly Gorbunov',
  'Federico Santangelo',
  'Mustafa Karahasan',
  'Ghulam Sarwari',
  'Rosalinda Villanueva',
  'Theodoros Anagnostou',
  'Hovhannes Petrosyan',
  'Bernadette Lacroix',
  'Sigurdur Thorvaldsen',
  'Nasrullah Barakzai',
  'Dragoslav Petkovic',
  'Emeka Nwachukwu',
];

/** How many of the people are still found after a change of their names. */
function foundAfter(change: (name: string, pick: (below: number) => number) => string): number {
  const random = seededRandom(16);
  const pick = (below: number) => (random(new Uint8Array(1))[0] ?? 0) % below;
  let found = 0;
  let tries = 0;
  for (const name of PEOPLE) {
    for (let i = 0; i < 8; i++) {
      tries++;
      if (person(change(name, pick), name) >= CUT) found++;
    }
  }
  return found / tries;
}

const at = (name: string, pick: (below: number) => number) => 1 + pick(name.length - 2);

describe('a name is still found', () => {
  test('with a letter left out, doubled, exchanged or turned with its neighbour', () => {
    const edits: ((name: string, i: number) => string)[] = [
      (name, i) => name.slice(0, i) + name.slice(i + 1),
      (name, i) => name.slice(0, i) + name.charAt(i) + name.slice(i),
      (name, i) => name.slice(0, i) + name.charAt(i + 1) + name.charAt(i) + name.slice(i + 2),
      (name, i) => (name.charAt(i) === ' ' ? name : `${name.slice(0, i)}e${name.slice(i + 1)}`),
    ];
    for (const edit of edits) {
      expect(foundAfter((name, pick) => edit(name, at(name, pick)))).toBeGreaterThan(0.95);
    }
  });

  test('in capitals, in another order, with a title, a comma, points or no blank', () => {
    const changes: ((name: string) => string)[] = [
      (name) => name.toUpperCase(),
      (name) => name.split(' ').toReversed().join(' '),
      (name) => name.split(' ').toReversed().join(', '),
      (name) => `Dr. ${name}`,
      (name) => `${name} Jr.`,
      (name) => name.replace(' ', ''),
      (name) => name.replace(' ', '-'),
      (name) => name.replace(' ', ' ... '),
      (name) => ` ${name}\t`,
      (name) => name.replaceAll('i', 'í').replaceAll('o', 'ö').replaceAll('e', 'é'),
      (name) => name.replaceAll('a', '@'),
      (name) => name.replaceAll('o', '0'),
      (name) => name.replaceAll('a', '\u0430'),
    ];
    for (const change of changes) expect(foundAfter(change), change('Ana Gorbo')).toBe(1);
  });

  test('with its first name as an initial, but not with another initial', () => {
    expect(foundAfter((name) => name.replace(/^(.)\S+/, '$1.'))).toBe(1);
    expect(foundAfter((name) => name.replace(/^\S+/, 'X.'))).toBe(0);
  });

  test('and no other person is taken for it', () => {
    let matches = 0;
    for (const one of PEOPLE) {
      for (const other of PEOPLE) if (one !== other && person(one, other) >= CUT) matches++;
      const [given, family] = one.split(' ');
      const [next = ''] = PEOPLE.filter((name) => !name.startsWith(given ?? ''));
      if (person(`${next.split(' ')[0]} ${family}`, one) >= CUT) matches++;
    }
    expect(matches).toBe(0);
  });
});

describe('known given names', () => {
  test('are one in their forms and short forms, in any spelling and script', () => {
    expect(person('Volodya Gorbunov', 'Vladimir Gorbunov')).toBeGreaterThan(CUT);
    expect(person('Pepe Santangelo', 'José Santangelo')).toBeGreaterThan(CUT);
    expect(person('Юсуф Карахасан', 'Joseph Karahasan')).toBeGreaterThan(CUT);
  });

  test('differ where both are known, however near they are', () => {
    expect(person('Maria Santangelo', 'Mario Santangelo')).toBeLessThan(CUT);
    expect(person('Hassan Barakzai', 'Hussein Barakzai')).toBeLessThan(CUT);
    expect(person('Zhang Wei', 'Zheng Wei')).toBeLessThan(CUT);
  });
});

describe('organisations', () => {
  test('match by the first letters of their words, whole or in part, legal form included', () => {
    expect(company('NWGC', 'North West Grain Corporation')).toBeGreaterThan(CUT);
    expect(company('NWG Research', 'North West Grain Research')).toBeGreaterThan(CUT);
    expect(company('NWX', 'North West Grain')).toBeLessThan(CUT);
  });

  test('match with the words for what they do in another language, but not by those words alone', () => {
    expect(company('Банк Гальмарт', 'Galmart Bank')).toBeGreaterThan(CUT);
    expect(company('Galmart Handel GmbH', 'Galmart Trading GmbH')).toBeGreaterThan(CUT);
    expect(company('Банк Гальмарт', 'Vestor Bank')).toBeLessThan(CUT);
    expect(company('Trading Bank', 'Handel Banque')).toBeLessThan(CUT);
  });

  test('with digits written to their words are read as two', () => {
    expect(company('Galmart44', 'Galmart 44')).toBeGreaterThan(CUT);
    expect(company('Galmart 44', 'Galmart 45')).toBeLessThan(9_000);
  });
});

describe('Arabic', () => {
  test('names match with their article written to the noun, and with an ayn in front', () => {
    expect(person('عمر البغدادي', 'Omar al-Baghdadi')).toBeGreaterThan(CUT);
    expect(person('نصر الله', 'Nasrallah')).toBeGreaterThan(CUT);
    expect(person('علي الحداد', 'Ali Haddad')).toBeGreaterThan(CUT);
    expect(person('علي الحداد', 'Omar Haddad')).toBeLessThan(CUT);
  });
});
