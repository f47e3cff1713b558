import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from './index.ts';

type Pair = { near: Socket; far: Socket };
/** Stands between the program and PostgreSQL, and can lose what passes. */
let wire: Server;
const pairs = new Set<Pair>();
let onClientBytes: (bytes: Buffer, pair: Pair) => void = () => {};
let testDatabase: TestDatabase;
let database: Database;
let direct: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const server = new URL(testDatabase.ownerUrl);
  wire = createServer((near) => {
    const far = connect(Number(server.port), server.hostname);
    const pair = { near, far };
    pairs.add(pair);
    near.on('data', (bytes) => onClientBytes(bytes, pair));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const address = wire.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const through = (url: string) => {
    const changed = new URL(url);
    changed.port = String(port);
    return changed.href;
  };
  const { appUrl, systemUrl } = roleUrls(testDatabase.ownerUrl);
  direct = openDatabase({ appUrl, systemUrl });
  database = openDatabase({
    appUrl: through(appUrl),
    systemUrl: through(systemUrl),
    listenCheckMs: 100,
  });
});
afterAll(async () => {
  await direct?.close();
  await database?.close();
  wire?.close();
  for (const { near, far } of pairs) {
    near.destroy();
    far.destroy();
  }
  await testDatabase?.drop();
});

const count = (tx: Parameters<Parameters<Database['asSystem']>[0]>[0]) =>
  tx.one<{ n: number }>('SELECT count(*)::int AS n FROM merchant');

test('a commit whose answer is lost is not said to have changed nothing', async () => {
  const before = await direct.asSystem(count);
  onClientBytes = (bytes, { near, far }) => {
    if (!bytes.includes('COMMIT')) return;
    far.unpipe(near);
    // The server carries it out; its answer goes nowhere.
    far.once('data', () => near.destroy()).resume();
  };
  const lost = database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES (gen_random_uuid(), 'Shop', '{}', now(), now())`,
    ),
  );
  await expect(lost).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining('not known whether'),
  });
  onClientBytes = () => {};
  await expect.poll(async () => (await direct.asSystem(count)).n).toBe(before.n + 1);
});

test('a connection for NOTIFY that falls silent is noticed, and the gap is told', async () => {
  let gaps = 0;
  const heard: string[] = [];
  const before = new Set(pairs);
  await database.listen('quittance_silence', {
    message: (payload) => heard.push(payload),
    gap: () => gaps++,
  });
  for (const pair of pairs) {
    if (before.has(pair)) continue;
    pair.far.unpipe(pair.near);
    pair.near.unpipe(pair.far);
  }
  const say = (text: string) =>
    direct.asSystem((tx) => tx.query(`SELECT pg_notify('quittance_silence', $1)`, [text]));
  await say('lost');
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(1);
  await say('after');
  await expect.poll(() => heard).toEqual(['after']);
}, 20_000);
