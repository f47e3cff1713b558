import { expect, test } from 'vitest';
import { keepTransactions } from './kept-transactions.ts';

const transaction = (n: number) => ({
  ...{ txid: n.toString(16).padStart(64, '0'), height: 1, timeMs: 0, isCoinbase: false },
  ...{ inputs: [], outputs: [] },
});

test('a transaction is kept from its second reading on, and what is read once takes no room', () => {
  const kept = keepTransactions();
  const one = transaction(1);
  kept.offer(one);
  expect(kept.get(one.txid)).toBeUndefined();
  kept.offer(one);
  expect(kept.get(one.txid)).toBe(one);
});

test('no more are kept than there is room for, the newest of them', () => {
  const kept = keepTransactions(3);
  const some = [1, 2, 3, 4, 5].map(transaction);
  for (const each of [...some, ...some]) kept.offer(each);
  expect(some.map(({ txid }) => kept.get(txid) !== undefined)).toEqual([
    ...[false, false, true, true, true],
  ]);
});
