import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls, together, type Tx } from './index.ts';

let testDatabase: TestDatabase;
let database: Database;
/** Stands between the program and PostgreSQL; while it is shut no answer passes. */
let wire: Server;
const sockets = new Set<Socket>();
let onClientBytes: (bytes: Buffer, answers: Socket) => void = () => {};

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const { appUrl, systemUrl } = roleUrls(testDatabase.ownerUrl);
  const { port, hostname } = new URL(systemUrl);
  wire = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.on('data', (bytes) => onClientBytes(bytes, far));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const address = wire.address();
  const through = new URL(systemUrl);
  through.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  database = openDatabase({ appUrl, systemUrl: through.href, maxSystemConnections: 1 });
});
afterAll(async () => {
  await database?.close();
  for (const socket of sockets) socket.destroy();
  wire?.close();
  await testDatabase?.drop();
});

const number = async (tx: Tx, text: string) => (await tx.one<{ n: number }>(text)).n;

test('statements begun at once are all sent before the first is answered, and carried out in sequence', async () => {
  onClientBytes = (bytes, answers) => {
    if (bytes.includes('first')) answers.pause();
    if (bytes.includes('third')) answers.resume();
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
  onClientBytes = () => {};
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
