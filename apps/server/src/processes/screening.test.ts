import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { runScreening } from './screening.ts';

const folder = mkdtempSync(join(tmpdir(), 'quittance-screening-'));
const data = ['--data', folder];
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

let files = 0;
function write(content: string | Uint8Array): string {
  const path = join(folder, `input-${files++}.csv`);
  writeFileSync(path, content);
  return path;
}

async function run(...args: string[]): Promise<{ status: number; out: string[]; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
  const status = await runScreening(args);
  return { status, out, err: err.join('\n') };
}

beforeAll(async () => {
  const entry = (id: string, name: string, more: object) =>
    JSON.stringify({
      id,
      schema: 'Person',
      datasets: ['x'],
      properties: { name: [name], ...more },
    });
  const list = [
    entry('z', 'Zebulon Quartermain', { birthDate: ['1970-04-03'], nationality: ['gb'] }),
    entry('m', 'José Müllerowski', {}),
  ].join('\n');
  const imported = await run('import', 'ftm', write(list), ...data);
  expect(imported.status, imported.err).toBe(0);
});

/** The columns that check adds, of each row after the header. */
async function check(content: string | Uint8Array): Promise<string[][]> {
  const { status, out, err } = await run('check', write(content), ...data);
  expect(status, err).toBe(0);
  const [header = '', ...rows] = out;
  expect(header.endsWith('score,entry_id,list,listed_name,match,note')).toBe(true);
  return rows.map(
    (row) => /([\d.]+),([^,]*),([^,]*),([^,]*),(true|false),(.*)$/.exec(row)?.slice(1) ?? [],
  );
}

const HIT = ['z', 'ftm-x', 'Zebulon Quartermain', 'true'];

test('a birth date, country or gender that can not be read is told in its row, which is screened by name', async () => {
  const rows = await check(
    'full_name,date_of_birth,nationality,gender\n' +
      'Zebulon Quartermain,1970-04-03,GB,male\n' +
      'Zebulon Quartermain,sometime in 1970,GB,male\n' +
      'Zebulon Quartermain,31/02/1970,Atlantis,spring\n' +
      'Zebulon Quartermain,,,\n',
  );
  expect(rows.map((row) => row.slice(1, 5))).toEqual([HIT, HIT, HIT, HIT]);
  expect(rows.map((row) => row[5])).toEqual([
    '',
    '"date_of_birth ""sometime in 1970"" can not be read; screened without it"',
    '"date_of_birth ""31/02/1970"" can not be read; screened without it; ' +
      'country ""Atlantis"" is not known; screened without it; ' +
      'gender ""spring"" is not known; screened without it"',
    '',
  ]);
  expect(Number(rows[0]?.[0])).toBeGreaterThan(Number(rows[1]?.[0]));
});

test('dates are read in the ways that people write them', async () => {
  const dates = [
    '1970-04-03',
    '3.4.1970',
    '03/04/1970',
    '04/03/1970',
    '3 April 1970',
    'April 3, 1970',
    '19700403',
  ];
  const rows = await check(
    `full_name;date_of_birth\n${dates.map((date) => `Zebulon Quartermain;${date}\n`).join('')}`,
  );
  expect(new Set(rows.map(([score]) => score)).size).toBe(1);
  expect(rows.every((row) => row[5] === '')).toBe(true);
});

test('rows with too few or too many cells, and names that are none, are told and stop nothing', async () => {
  const rows = await check(
    'full_name,date_of_birth\nZebulon Quartermain\nZebulon Quartermain,1970-04-03,GB\n,\n"???",\nZebulon Quartermain,1970-04-03\n',
  );
  expect(rows.map((row) => row[5])).toEqual([
    '"1 cells, but 2 columns"',
    '"3 cells, but 2 columns"',
    'no name',
    'no name',
    '',
  ]);
  expect(rows.map((row) => row[4])).toEqual(['true', 'true', 'false', 'false', 'true']);
});

test('files as spreadsheets write them are read: marks, semicolons, tabs, line ends, other encodings', async () => {
  const text =
    'Full Name;Date of Birth\r\n"Quartermain;\nZebulon";03.04.1970\r\nJosé Müllerowski;\r\n';
  const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le');
  const variants: (string | Uint8Array)[] = [
    text,
    `\uFEFF${text}`,
    `sep=;\r\n${text}`,
    text.replaceAll(/;(?!\n)/g, '\t').replaceAll('\r', ''),
    utf16,
    Buffer.from(utf16).swap16(),
    Buffer.from(text, 'latin1'),
  ];
  for (const [at, content] of variants.entries()) {
    const rows = await check(content);
    expect(
      rows.map((row) => row.slice(1, 6)),
      `variant ${at}`,
    ).toEqual([
      [...HIT, ''],
      ['m', 'ftm-x', 'José Müllerowski', 'true', ''],
    ]);
  }
});

test('input that can not be used ends with a sentence and a status, never with a stack', async () => {
  const wrong: [string[], RegExp][] = [
    [['check', write(''), ...data], /empty/],
    [['check', write('\uFEFF'), ...data], /empty/],
    [['check', write('name,born\nA,B\n'), ...data], /no column "full_name"/],
    [['check', write('full_name\n"never closed\n'), ...data], /not readable as CSV/],
    [['check', join(folder, 'absent'), ...data], /can not be read: ENOENT/],
    [['check', folder, ...data], /can not be read: EISDIR/],
    [['check', write('full_name\nA\n'), '--data', join(folder, 'none')], /no lists/],
    [['check', write('full_name\nA\n'), '--wrong'], /--wrong/],
    [['score-pairs', write('a,b\n1,2\n')], /no column/],
    [['import', 'nothing', write('x')], /no format/],
    [['import', 'ftm', write('x'), ...data], /no entry/],
    [['import', 'ftm', write('x'), '--server', 'http://127.0.0.1:1'], /--list/],
    [['nothing'], /there is no/],
    [[], /missing/],
  ];
  for (const [args, message] of wrong) {
    const { status, err } = await run(...args);
    expect([1, 2], args.join(' ')).toContain(status);
    expect(err, args.join(' ')).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  }
});

test('bytes at random end in rows or in a sentence', async () => {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  };
  for (let i = 0; i < 60; i++) {
    const bytes = Uint8Array.from({ length: 40 + next() }, next);
    const content = Buffer.concat([Buffer.from('full_name,date_of_birth\n'), bytes]);
    const { status } = await run('check', write(i % 2 === 0 ? content : bytes), ...data);
    expect([0, 1, 2]).toContain(status);
  }
});
