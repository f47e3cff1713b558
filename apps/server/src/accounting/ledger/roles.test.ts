import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../../../../tests/support/postgres.ts';
import { postTransfers, readBalances, verifyJournal } from './index.ts';
import { newUuid, openTestLedger, paymentArgs, receipt, type TestLedger } from './test-ledger.ts';

const TABLES = ['ledger_book', 'ledger_account', 'ledger_transfer', 'ledger_entry'];
const OWN = newUuid();
const OTHER = newUuid();

let ledger: TestLedger;
beforeAll(async () => {
  ledger = openTestLedger(await createTestDatabase());
  await ledger.database.asSystem((tx) =>
    postTransfers(tx, [...receipt(paymentArgs(OWN)), ...receipt(paymentArgs(OTHER))]),
  );
});
afterAll(() => ledger.close());

test.each(TABLES)('no working role can insert, update, delete or truncate %s', async (table) => {
  const writes = [
    `INSERT INTO ${table} SELECT * FROM ${table}`,
    `UPDATE ${table} SET ${table === 'ledger_book' ? 'id = id' : 'book_id = book_id'}`,
    `DELETE FROM ${table}`,
    `TRUNCATE ${table} CASCADE`,
    `SELECT * FROM ${table} FOR UPDATE`,
  ];
  for (const url of [ledger.urls.appUrl, ledger.urls.systemUrl]) {
    for (const write of writes) {
      const attempt = ledger.run(url, `SET quittance.merchant_id = '${OWN}'`, write);
      await expect(attempt, write).rejects.toMatchObject({ code: '42501' });
    }
  }
});

test('of the functions a working role may call ledger_post and nothing else', async () => {
  const granted = await ledger.run(
    ledger.urls.ownerUrl,
    `SELECT DISTINCT p.proname FROM pg_proc p, unnest(ARRAY['quittance_app', 'quittance_system']) r
     WHERE p.proname LIKE 'ledger\\_%' AND has_function_privilege(r, p.oid, 'EXECUTE')`,
  );
  expect(granted[0]?.rows).toEqual([{ proname: 'ledger_post' }]);
  const all = await ledger.run(
    ledger.urls.ownerUrl,
    "SELECT count(*) > 10 AS many FROM pg_proc WHERE proname LIKE 'ledger\\_%'",
  );
  expect(all[0]?.rows).toEqual([{ many: true }]);
});

test.each(TABLES)('a merchant sees the rows of its own book in %s and no others', async (table) => {
  const book = table === 'ledger_book' ? 'id' : 'book_id';
  const read = `SELECT DISTINCT ${book} AS book FROM ${table}`;
  const app = ledger.urls.appUrl;
  const [, own] = await ledger.run(app, `SET quittance.merchant_id = '${OWN}'`, read);
  expect(own?.rows).toEqual([{ book: OWN }]);
  const [nobody] = await ledger.run(app, read);
  expect(nobody?.rows).toEqual([]);
  const [both] = await ledger.run(ledger.urls.systemUrl, read);
  expect(both?.rowCount).toBe(2);
});

test("a merchant can neither post to nor read another merchant's book", async () => {
  const foreign = receipt(paymentArgs(OTHER));
  await expect(
    ledger.database.asTenant(OWN, (tx) => postTransfers(tx, foreign)),
  ).rejects.toMatchObject({ name: 'LedgerError', code: 'book_forbidden' });
  await expect(
    ledger.database.asTenant(OWN, (tx) =>
      postTransfers(tx, [...receipt(paymentArgs(OWN)), ...foreign]),
    ),
  ).rejects.toMatchObject({ code: 'book_forbidden' });
  await expect(
    ledger.run(ledger.urls.appUrl, [
      'SELECT ledger_post($1)',
      [JSON.stringify([{ bookId: OWN, legs: [] }])],
    ]),
  ).rejects.toMatchObject({ code: 'QL001', message: 'book_forbidden' });
  const seen = await ledger.database.asTenant(OWN, (tx) => readBalances(tx, { bookId: OTHER }));
  expect(seen).toEqual([]);
});

test('a merchant posts to its own book and can verify it', async () => {
  const verified = await ledger.database.asTenant(OWN, async (tx) => {
    await postTransfers(tx, receipt(paymentArgs(OWN)));
    return verifyJournal(tx, { bookId: OWN });
  });
  expect(verified.ok).toBe(true);
  expect(verified.transfers).toBeGreaterThanOrEqual(4n);
});

test('a temporary table does not take the place of the journal', async () => {
  const [transfer] = receipt(paymentArgs(OWN));
  const legs = transfer?.legs.map(({ account, direction, amount }) => ({
    ...account,
    direction,
    amount: amount.toString(),
  }));
  const results = await ledger.run(
    ledger.urls.appUrl,
    `SET quittance.merchant_id = '${OWN}'`,
    'CREATE TEMP TABLE ledger_transfer (LIKE public.ledger_transfer)',
    ['SELECT ledger_post($1) AS recorded', [JSON.stringify([{ ...transfer, legs }])]],
    'SELECT count(*)::int AS count FROM pg_temp.ledger_transfer',
  );
  expect(results[2]?.rows).toEqual([{ recorded: 1 }]);
  expect(results[3]?.rows).toEqual([{ count: 0 }]);
});

test('even the owner is refused a change of the journal, unless it lifts the guard', async () => {
  for (const table of ['ledger_transfer', 'ledger_entry']) {
    for (const write of [`UPDATE ${table} SET book_id = book_id`, `DELETE FROM ${table}`]) {
      await expect(ledger.run(ledger.urls.ownerUrl, write)).rejects.toThrow('append-only');
    }
    await expect(ledger.run(ledger.urls.ownerUrl, `TRUNCATE ${table} CASCADE`)).rejects.toThrow(
      'append-only',
    );
  }
});
