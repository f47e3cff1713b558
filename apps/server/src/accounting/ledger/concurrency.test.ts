import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../../tests/support/postgres.ts';
import {
  listTransfers,
  paymentReorged,
  postTransfers,
  readBalances,
  verifyJournal,
} from './index.ts';
import { newUuid, openTestLedger, paymentArgs, receipt, type TestLedger } from './test-ledger.ts';

const POSTERS = 16;
const ROUNDS = 8;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = openTestLedger(await createTestDatabase());
});
afterAll(() => ledger.close());

const posters = <T>(work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: POSTERS }, (_, n) => work(n)));

test('sixteen posters on one new book lose nothing, and its chain has no gap and no fork', async () => {
  const bookId = newUuid();
  await posters(async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await ledger.database.asSystem((tx) => postTransfers(tx, receipt(paymentArgs(bookId))));
    }
  });
  const payments = BigInt(POSTERS * ROUNDS);
  const { verified, balances } = await ledger.database.asSystem(async (tx) => ({
    verified: await verifyJournal(tx, { bookId }),
    balances: await readBalances(tx, { bookId }),
  }));
  expect(verified).toMatchObject({ ok: true, transfers: 2n * payments });
  expect(balances.map(({ posted }) => posted)).toEqual(Array(2).fill(payments * 1_000_000n));
});

test('the same transfer posted by sixteen at once is recorded once', async () => {
  const bookId = newUuid();
  const batch = receipt(paymentArgs(bookId));
  const recorded = await posters(() => ledger.database.asSystem((tx) => postTransfers(tx, batch)));
  expect(recorded.filter((count) => count === 2)).toHaveLength(1);
  expect(recorded.filter((count) => count === 0)).toHaveLength(POSTERS - 1);
});

test('batches that span the same books in opposite orders never deadlock', async () => {
  const books = [newUuid(), newUuid(), newUuid()];
  let tries = 0;
  await posters(async (n) => {
    for (let round = 0; round < ROUNDS; round++) {
      const order = n % 2 === 0 ? books : books.toReversed();
      await ledger.database.asSystem((tx) => {
        tries += 1;
        return postTransfers(
          tx,
          order.flatMap((bookId) => receipt(paymentArgs(bookId))),
        );
      });
    }
  });
  // A deadlock would be retried by the platform and show as one try more.
  expect(tries).toBe(POSTERS * ROUNDS);
});

test('verifying while others post finds nothing wrong', async () => {
  const bookId = newUuid();
  const post = () =>
    ledger.database.asSystem((tx) => postTransfers(tx, receipt(paymentArgs(bookId))));
  await post();
  let posting = true;
  const writers = Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 25; round++) await post();
    }),
  ).finally(() => {
    posting = false;
  });
  let verified = 0;
  while (posting) {
    const result = await ledger.database.asSystem((tx) => verifyJournal(tx, { bookId }));
    expect(result.firstBreak).toBeUndefined();
    verified += 1;
  }
  await writers;
  expect(verified).toBeGreaterThan(0);
});

test('a floor holds when two transactions spend the same money at once', async () => {
  const bookId = newUuid();
  const args = paymentArgs(bookId);
  await ledger.database.asSystem((tx) => postTransfers(tx, receipt(args)));
  const outcomes = await Promise.allSettled(
    Array.from({ length: POSTERS }, (_, epoch) =>
      ledger.database.asSystem((tx) => postTransfers(tx, [paymentReorged({ ...args, epoch })])),
    ),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const { transfers } = await ledger.database.asSystem((tx) =>
    listTransfers(tx, { bookId, limit: 100 }),
  );
  expect(transfers).toHaveLength(3);
});
