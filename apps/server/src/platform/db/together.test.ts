import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { openWire, type Wire } from '../../../../../tests/support/wire.ts';
import { type Database, openDatabase, roleUrls, together, type Tx } from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
let wire: Wire;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const { appUrl, systemUrl } = roleUrls(testDatabase.ownerUrl);
  wire = await openWire(systemUrl);
  database = openDatabase({ appUrl, systemUrl: wire.url, maxSystemConnections: 1 });
});
afterAll(async () => {
  await database?.close();
  wire?.close();
  await testDatabase?.drop();
});

const number = async (tx: Tx, text: string) => (await tx.one<{ n: number }>(text)).n;

test('statements begun at once are all sent before the first is answered, and carried out in sequence', async () => {
  wire.toServer = (bytes, answers) => {
    if (bytes.includes('first')) answers.pause();
    if (bytes.includes('third')) answers.resume();
    return bytes;
  };
  const seen = await database.asSystem(async (tx) => {
    await tx.query('CREATE TEMPORARY TABLE step (n int) ON COMMIT DROP');
    const [, count] = await together([
      tx.query('INSERT INTO step VALUES (1) RETURNING n AS first'),
      number(tx, 'SELECT count(*)::int AS n FROM step'),
      tx.query('INSERT INTO step VALUES (3) RETURNING n AS third'),
    ]);
    return [count, await number(tx, 'SELECT sum(n)::int AS n FROM step')];
  });
  wire.toServer = (bytes) => bytes;
  expect(seen).toEqual([1, 4]);
});

test('the failure itself is thrown and not its echo, wherever it stands, and nothing is kept', async () => {
  const twoSteps = async (tx: Tx) => {
    await number(tx, 'SELECT 1 AS n');
    return await number(tx, 'SELECT 2 AS n');
  };
  const failing = database.asSystem(async (tx) => {
    await tx.query('CREATE TABLE pg_temp.kept (n int)');
    // Its second step is refused as an echo, and it comes first.
    await together([twoSteps(tx), tx.query('SELECT 1 / 0'), twoSteps(tx)]);
  });
  await expect(failing).rejects.toThrow('division by zero');
  const kept = `SELECT count(*)::int AS n FROM pg_class WHERE relname = 'kept'`;
  expect(await database.asSystem((tx) => number(tx, kept))).toBe(0);
});

test('what fails beside the database is thrown too, once every statement is answered', async () => {
  let answered = false;
  const failing = database.asSystem((tx) =>
    together([
      Promise.reject(new Error('of our own')),
      tx.query('SELECT pg_sleep(0.05)').then(() => {
        answered = true;
      }),
    ]),
  );
  await expect(failing).rejects.toThrow('of our own');
  expect(answered).toBe(true);
});
