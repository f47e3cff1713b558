import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { beforeAll, describe, expect, test } from 'vitest';
import { countryCode, importList, type ListEntry, type ListFormat, scorePair } from './index.ts';
import {
  buildAddressIndex,
  buildNameIndex,
  isForeign,
  type NameIndex,
  readLines,
} from './index.ts';
import { OFAC_FILES, PEP_FILE, realLists, UN_FILE } from './testing/real-lists.ts';

const folder = realLists ?? '';

async function read(format: ListFormat, files: readonly string[]): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for await (const event of importList(
    format,
    files.map((file) => join(folder, file)),
  )) {
    if (event.kind === 'entry') entries.push(event.entry);
  }
  return entries;
}

type Row = Record<string, string>;
const rowsOf = (file: string) =>
  parse(readFileSync(join(folder, file)), { columns: true }) as unknown as Row[];

describe.skipIf(realLists === null)('pairs of names', () => {
  test('F1 is at least .83 at the shipped cut, STRONG pairs are all right, few scores tie', () => {
    const found = { hit: 0, wrong: 0, missed: 0, strong: 0 };
    const scores: number[] = [];
    for (const row of rowsOf('name-pairs-tuning.csv')) {
      const { schema = '', name1 = '', name2 = '' } = row;
      const { points } = scorePair({ schema, name1, name2 });
      const [match, expected] = [points >= 7_000, row['is_match'] === 'true'];
      scores.push(points);
      if (match && expected) found.hit++;
      else if (match) found.wrong++;
      else if (expected) found.missed++;
      if (match !== expected && row['quality'] === 'STRONG') found.strong++;
    }
    expect(found.strong).toBe(0);
    const f1 = (2 * found.hit) / (2 * found.hit + found.wrong + found.missed);
    expect(f1).toBeGreaterThanOrEqual(0.9);
    const most = Math.max(...scores);
    expect(scores.filter((score) => score === most).length / scores.length).toBeLessThan(0.1);
  });
});

describe.skipIf(realLists === null)('people against all lists', () => {
  let index: NameIndex;
  let entries: ListEntry[];

  beforeAll(async () => {
    entries = [
      ...(await read('ofac-sdn-csv', OFAC_FILES)),
      ...(await read('un-xml', [UN_FILE])),
      ...(await read('senzing', [PEP_FILE])),
    ];
    index = buildNameIndex(entries);
  }, 180_000);

  const people = realLists === null ? [] : rowsOf('clean-people-tuning.csv');

  test('of people who are on no list, .3 % match by name and .05 % with their birth date', () => {
    let [byName, withBirthDate] = [0, 0];
    for (const { full_name: name = '', date_of_birth: birth = '' } of people) {
      const facts = { name, kind: 'person' as const, countries: [], gender: null };
      const [alone] = index.search({ ...facts, birthDates: [] }, 1);
      const [dated] = index.search({ ...facts, birthDates: [{ from: birth, to: birth }] }, 1);
      if (alone?.match === true) byName++;
      if (dated?.match === true) withBirthDate++;
    }
    expect(people.length).toBe(5_000);
    expect(byName / people.length).toBeLessThanOrEqual(0.003);
    expect(withBirthDate / people.length).toBeLessThanOrEqual(0.0005);
  }, 240_000);

  test('listed people are all found by their names in any order, and most with a letter left out', () => {
    const listed = entries.filter(({ schema, names }) => {
      return schema === 'Person' && /^\S{5,}, \S{4,}( \S{4,})?$/.test(names[0]?.text ?? '');
    });
    const some = listed.filter((_, i) => i % 17 === 0);
    expect(some.length).toBeGreaterThan(100);
    let [exact, turned, typo] = [0, 0, 0];
    for (const { id, names } of some) {
      const text = names[0]?.text ?? '';
      const plain = text.split(', ').toReversed().join(' ');
      const finds = (name: string) => {
        const question = { name, kind: 'person' as const, birthDates: [], countries: [] };
        const hits = index.search({ ...question, gender: null }, 20);
        return hits.some((hit) => hit.entry.id === id && hit.match);
      };
      if (finds(text)) exact++;
      if (finds(plain)) turned++;
      if (finds(plain.slice(0, -3) + plain.slice(-2))) typo++;
    }
    expect(exact).toBe(some.length);
    expect(turned).toBe(some.length);
    expect(typo / some.length).toBeGreaterThan(0.85);
  }, 120_000);
});

describe.skipIf(realLists === null)('listed addresses', () => {
  test('all 435 are found, bech32 in capitals too, the one of another coin is flagged', async () => {
    const file = 'ofac-addresses-xbt.txt';
    const entries = await read('addresses', [file]);
    const index = buildAddressIndex(
      entries.flatMap(({ addresses }, record) =>
        addresses.map(({ address }) => ({ address, record })),
      ),
    );
    let [lines, capitals] = [0, 0];
    for await (const { text } of readLines(join(folder, file))) {
      lines++;
      expect(entries[index.find(text)]?.id, text).toBe(text);
      if (!text.startsWith('bc1')) continue;
      capitals++;
      expect(index.find(text.toUpperCase()), text).toBe(index.find(text));
    }
    expect(lines).toBe(435);
    expect(capitals).toBeGreaterThan(10);
    const foreign = entries.filter(({ id }) => isForeign('XBT', id)).map(({ id }) => id);
    expect(foreign).toEqual(['TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq']);
  });
});

describe.skipIf(realLists === null)('imports', () => {
  test('the four files of OFAC are joined by number', async () => {
    const entries = await read('ofac-sdn-csv', OFAC_FILES);
    const rows = readFileSync(join(folder, 'ofac-sdn-2021.csv'), 'utf8').split('\n');
    expect(entries.length).toBe(rows.filter((row) => /^\d+,/.test(row)).length);
    const aero = entries.find(({ id }) => id === '36');
    expect(aero).toMatchObject({
      names: [{ text: 'AEROCARIBBEAN AIRLINES', kind: 'primary' }, { text: 'AERO-CARIBBEAN' }],
      countries: ['cu'],
      topics: ['CUBA'],
    });
    // These three coins stand in the remarks that the comments file goes on with.
    const coins = entries.find(({ id }) => id === '29703')?.addresses ?? [];
    expect(new Set(coins.map(({ asset }) => asset)).has('LTC')).toBe(true);
  });

  test('every entry of the UN list has its reference number, a name and a schema', async () => {
    const entries = await read('un-xml', [UN_FILE]);
    expect(entries.length).toBe(1_003);
    expect(entries.filter(({ schema }) => schema === 'Person').length).toBe(730);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(1_003);
    expect(countryCode('Democratic Republic of the Congo')).toBe('cd');
    expect(entries[0]).toMatchObject({
      id: 'CDi.001',
      birthDates: [{ from: '1971-01-01', to: '1971-12-31' }],
      countries: ['cd', 'rw'],
      gender: 'male',
    });
  });
});
