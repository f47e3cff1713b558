import { assert } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Quote } from '../../../receiving/rates/index.ts';
import { judgeLines } from './judge-lines.ts';
import { linesOfCsv, linesOfJson } from './read-lines.ts';

const ADDRESS = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const OTHER = 'bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry';
const quotes = new Map<string, Quote>([
  [
    'EUR',
    {
      currency: 'EUR',
      rate: { currency: 'EUR', pricePerBtcE8: 60_000n * 10n ** 8n },
      source: 'fixed',
      used: [],
      rejected: [],
      observedAtMs: 0,
      quotedAtMs: 0,
      spreadBps: 0,
    },
  ],
]);
const world = { network: 'regtest', quotes, perPayoutMaxSats: null, nowMs: 0 } as const;

function judgeCsv(csv: string) {
  const read = linesOfCsv(csv);
  assert(read.ok, read.ok ? '' : read.reason);
  return judgeLines(read.lines, world);
}

test('every line gets a verdict of its own, with its place in the file', () => {
  const judged = judgeCsv(
    [
      '\ufeffAddress,Amount,Currency,fee_from,external_id,description',
      `${ADDRESS},0.001,BTC,,a-1,"Rent, March"`,
      '',
      `${ADDRESS},6.00,eur,recipient,a-2,`,
      `${ADDRESS},1000.5,SAT,,,`,
      `nonsense,-1,XYZ,nobody,=2+5,"@SUM(A1)"`,
      `${ADDRESS},0.001,,,a-3,`,
      `${OTHER},0.001,,,a-4,`,
    ].join('\r\n'),
  );
  expect(judged.map(({ verdict }) => [verdict.line, verdict.ok, verdict.amountSats])).toEqual([
    [2, true, '100000'],
    [4, true, '10000'],
    [5, false, null],
    [6, false, null],
    [7, true, '100000'],
    [8, true, '100000'],
  ]);
  expect(judged[3]?.verdict.problems.map(({ field }) => field).sort()).toEqual(
    ['amount', 'currency', 'description', 'destination', 'externalId', 'feeFrom'].filter(
      // Without a known currency the amount can not be judged.
      (field) => field !== 'amount',
    ),
  );
  expect(judged.map(({ verdict }) => verdict.duplicateOf)).toEqual([
    null,
    null,
    null,
    null,
    2,
    null,
  ]);
  expect(judged[0]?.terms).toMatchObject({ description: 'Rent, March', externalId: 'a-1' });
  expect(judged[1]?.terms).toMatchObject({ feeFrom: 'recipient', maxFeeShareSats: '1000' });
});

test.each([
  ['nothing', '', 'empty'],
  ['a column that is not known', 'destination,amount,secret\n', '"secret" is not known'],
  ['a column that comes twice', 'destination,amount,address\n', 'twice'],
  ['no amounts', 'destination\nx\n', 'must name'],
  ['an open quote', `destination,amount\n"${ADDRESS},1\n`, 'uote'],
  ['more than ten thousand payouts', `destination,amount\n${'x,1\n'.repeat(10_001)}`, '10000'],
  ['a row without end', `destination,amount\n${'x'.repeat(10_000)},1\n`, 'exceed'],
])('a file with %s is refused as a whole', (_, csv, reason) => {
  const read = linesOfCsv(csv);
  assert(!read.ok, 'it must be refused');
  expect(read.reason.toLowerCase()).toContain(reason.toLowerCase());
});

test('a line with a cell too few or too many is wrong by itself, whatever it would pay', () => {
  const judged = judgeCsv(
    `destination,amount,currency\n${ADDRESS},0.001\n${ADDRESS},0.001,BTC,1\n${ADDRESS},0.001,BTC\n`,
  );
  expect(judged.map(({ verdict }) => verdict.ok)).toEqual([false, false, true]);
  expect(judged[0]?.verdict.problems).toMatchObject([{ field: 'line' }]);
});

test('whatever a file holds, no line is lost, none is invented, and what is paid is what was written', () => {
  const cell = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(ADDRESS, OTHER, '0.5', '1', '=1', '1e3', '٣', '1,5', '"', '\n', ''),
  );
  const row = fc.record({ destination: cell, amount: cell });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const judged = judgeLines(linesOfJson(rows), world);
      expect(judged.map(({ verdict }) => verdict.line)).toEqual(rows.map((_, at) => at + 1));
      for (const [at, { verdict, terms }] of judged.entries()) {
        expect(verdict.ok).toBe(terms !== null);
        expect(verdict.ok).toBe(verdict.problems.length === 0);
        if (terms === null) continue;
        // A Lightning address has one spelling (LUD-16); an address on chain stays as it is written.
        const written = rows[at]?.destination;
        const isLightning = terms.lightning !== null;
        expect(terms.destination).toBe(isLightning ? written?.toLowerCase() : written);
        // Only these can be whole satoshis above dust, and each has exactly one meaning.
        const meant: Record<string, string> = { '0.5': '50000000', '1': '100000000' };
        const text = rows[at]?.amount ?? '';
        if (text in meant) expect(terms.amountMsat).toBe(`${meant[text]}000`);
      }
    }),
  );
});

test('a CSV file that a spreadsheet quoted comes back cell for cell', () => {
  const text = fc.string({ maxLength: 20 }).map((each) => each.trim());
  fc.assert(
    fc.property(
      fc.array(fc.record({ destination: text, amount: text }), { minLength: 1 }),
      (rows) => {
        const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
        const csv = rows.map((each) => `${quote(each.destination)},${quote(each.amount)}`);
        const read = linesOfCsv(`destination,amount\n${csv.join('\n')}\n`);
        assert(read.ok, 'a well-formed file is read');
        expect(read.lines.map(({ input }) => input)).toEqual(rows);
      },
    ),
  );
});
