import { readFileSync } from 'node:fs';
import { lightningFailureClasses } from '@quittance/contract';
import { expect, test } from 'vitest';
import { failureClasses } from './failure-classes.ts';
import { reactionTo } from './strategies/index.ts';

const docs = readFileSync(new URL('../../../../../docs/lightning.md', import.meta.url), 'utf8');

test('the documented table of failure classes is the one in the code, row by row', () => {
  const rows = Object.entries(failureClasses).map(
    ([name, { retryable, operator, payer }]) =>
      `| \`${name}\` | ${retryable ? 'yes' : 'no'} | ${operator} | ${payer} |`,
  );
  const [, after = ''] = docs.split('<!-- failure classes');
  const documented = after.split('\n').filter((line) => /^\| `[a-z_]+` \| (yes|no) \|/.test(line));
  expect(documented).toEqual(rows);
  expect(Object.keys(failureClasses)).toEqual([...lightningFailureClasses]);
});

test('what is tried again by itself is what strategies try again', () => {
  for (const name of lightningFailureClasses) {
    expect(failureClasses[name].retryable, name).toBe(reactionTo(name) !== 'never');
  }
});

test('every class has a label of its own for metrics, and tells the recipient no affairs', () => {
  const labels = Object.values(failureClasses).map(({ metric }) => metric);
  expect(new Set(labels).size).toBe(lightningFailureClasses.length);
  for (const { payer } of Object.values(failureClasses)) {
    expect(payer).not.toMatch(/balance|channel|limit|node|liquidity/i);
  }
});
