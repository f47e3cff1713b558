import { readFileSync } from 'node:fs';
import { lightningFailureClasses } from '@quittance/contract';
import { expect, test } from 'vitest';
import { failureTable } from './failures.ts';

test('docs/lightning-destinations.md has a row for each way to fail, as the table says it', () => {
  const url = new URL('../../../../../../docs/lightning-destinations.md', import.meta.url);
  const page = readFileSync(url, 'utf8');
  const [, table = ''] =
    /<!-- failures: begin[^>]*-->\n([\s\S]*?)\n<!-- failures: end -->/.exec(page) ?? [];
  const rows = table.split('\n').slice(2);
  const shown = rows.map((row) =>
    row
      .split('|')
      .slice(1, 4)
      .map((cell) => cell.trim()),
  );
  const expected = Object.entries(failureTable).map(([code, { failureClass, retryable }]) => [
    `\`${code}\``,
    `\`${failureClass}\``,
    retryable ? 'yes' : 'no',
  ]);
  const sorted = (table: string[][]) => table.map((cells) => cells.join(' ')).toSorted();
  expect(sorted(shown)).toEqual(sorted(expected));
});

test('each way to fail has a class of the contract and tells the payer what to do', () => {
  for (const { failureClass, payer } of Object.values(failureTable)) {
    expect(lightningFailureClasses).toContain(failureClass);
    expect(payer).toMatch(/^[A-Z].*\.$/);
  }
});
