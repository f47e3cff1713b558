import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { openWire, type Wire } from '../../../../../tests/support/wire.ts';
import { type Database, openDatabase, roleUrls, together, type Tx } from './index.ts';

let files: TestDatabase;
let database: Database;
let wire: Wire;
let packets: Buffer[] = [];
let change: Wire['toServer'] = (bytes) => bytes;

beforeAll(async () => {
  files = await createTestDatabase();
  const { appUrl, systemUrl } = roleUrls(files.ownerUrl);
  wire = await openWire(systemUrl);
  wire.toServer = (bytes, answers) => {
    packets.push(bytes);
    return change(bytes, answers);
  };
  // One connection, so that each transaction meets what the one before has prepared.
  database = openDatabase({ appUrl, systemUrl: wire.url, maxSystemConnections: 1 });
});
afterEach(() => {
  change = (bytes) => bytes;
});
afterAll(async () => {
  await database?.close();
  wire?.close();
  await files?.drop();
});

/** A row that shows whether a transaction came through. */
const note = (tx: Tx, height: number) =>
  tx.query(
    `INSERT INTO chain_block (height, hash, prev_hash, time)
     VALUES ($1::int, sha256(int4send($1::int)), sha256('before'), to_timestamp(0))`,
    [height],
  );
const noted = () =>
  database.asSystem(async (tx) => {
    const rows = await tx.query<{ height: number }>(
      'SELECT height FROM chain_block ORDER BY height',
    );
    return rows.map(({ height }) => height);
  });

test('a transaction of one go is two packets: BEGIN with what is begun at once, and COMMIT', async () => {
  const once = () =>
    database.asSystem((tx) => together([tx.query('SELECT 1 AS a'), tx.query('SELECT 2 AS b')]));
  await once();
  packets = [];
  expect(await once()).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  expect(packets).toHaveLength(2);
});

test('what a statement returns is asked for once, and read the same way every time', async () => {
  const values = [null, 3n, new Date(1_000), Buffer.from('ab'), ['x', 'y'], { k: 1 }];
  const text = `SELECT $1::text AS nothing, $2::bigint AS big, $3::timestamptz AS at,
                $4::bytea AS bytes, $5::text[] AS list, $6::jsonb AS object`;
  const read = () =>
    database.asSystem((tx) => together([tx.one(text, values), tx.one(text, values)]));
  const [nothing, big, at, bytes, list, object] = values;
  const row = { nothing, big, at, bytes, list, object };
  expect(await read()).toEqual([row, row]);
  expect(await read()).toEqual([row, row]);
  expect(await database.asSystem((tx) => tx.query('SELECT FROM pg_class LIMIT 2'))).toEqual([
    {},
    {},
  ]);
});

test('a statement that failed can be used again, and so can those that were begun behind it', async () => {
  const use = (by: number) =>
    database.asSystem((tx) =>
      together([
        tx.one<{ n: number }>('SELECT 6 / $1::int AS n', [by]),
        tx.one<{ n: number }>('SELECT $1::int + 1 AS n', [by]),
      ]),
    );
  await expect(use(0)).rejects.toThrow('division by zero');
  expect(await use(2)).toEqual([{ n: 3 }, { n: 3 }]);
  await expect(use(0)).rejects.toThrow('division by zero');
  expect(await use(3)).toEqual([{ n: 2 }, { n: 4 }]);
});

test('when BEGIN is refused nothing is done, neither what left with it nor what would follow', async () => {
  // On a new connection, where BEGIN has to be prepared.
  const { appUrl } = roleUrls(files.ownerUrl);
  const fresh = openDatabase({ appUrl, systemUrl: wire.url });
  change = (bytes) => Buffer.from(bytes.toString('latin1').replace('BEGIN', 'BEGUM'), 'latin1');
  const asked = fresh.asSystem(async (tx) => {
    await note(tx, 1).catch(() => undefined);
    await note(tx, 2);
  });
  await expect(asked).rejects.toThrow('BEGUM');
  await fresh.close();
  change = (bytes) => bytes;
  expect(await noted()).toEqual([]);
});

test('nor what is begun while a refused BEGIN is in the air by itself', async () => {
  const { appUrl } = roleUrls(files.ownerUrl);
  let held: Socket | undefined;
  change = (bytes, answers) => {
    if (bytes.includes('BEGIN')) held = answers.pause();
    return Buffer.from(bytes.toString('latin1').replace('BEGIN', 'BEGUM'), 'latin1');
  };
  const fresh = openDatabase({ appUrl, systemUrl: wire.url });
  const asked = fresh.asSystem(async (tx) => {
    // BEGIN leaves alone meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waiting = note(tx, 31).catch(() => undefined);
    held?.resume();
    await waiting;
    await note(tx, 32).catch(() => undefined);
    tx.atCommit(() => [note(tx, 33)]);
  });
  await expect(asked).rejects.toThrow('BEGUM');
  change = (bytes) => bytes;
  await fresh.close();
  expect(await noted()).toEqual([]);
});

test('a failure that somebody swallowed is not taken for a commit', async () => {
  const asked = database.asSystem(async (tx) => {
    await note(tx, 3);
    await tx.query('SELECT 1 / 0').catch(() => undefined);
  });
  await expect(asked).rejects.toThrow('failed unnoticed');
  expect(await noted()).toEqual([]);
});

test('what is to go out with COMMIT shares its packet, and its failure undoes the transaction', async () => {
  const withLast = (last: (tx: Tx) => Promise<unknown>) =>
    database.asSystem(async (tx) => {
      tx.atCommit(() => [last(tx)]);
      await note(tx, 4);
    });
  await expect(withLast((tx) => tx.query('SELECT 1 / 0'))).rejects.toThrow('division by zero');
  expect(await noted()).toEqual([]);
  packets = [];
  await withLast((tx) => tx.query('SELECT 4 AS last'));
  expect(packets).toHaveLength(2);
  expect(packets[1]?.includes('last')).toBe(true);
  expect(await noted()).toEqual([4]);
});

test('work that asks for all it does at its end is one packet, of which nothing is done when BEGIN is refused', async () => {
  const asked = (db: Database, height: number) =>
    db.asSystem(async (tx) => {
      tx.atCommit(() => [note(tx, height)]);
    });
  await asked(database, 5);
  packets = [];
  await asked(database, 6);
  expect(packets).toHaveLength(1);
  expect(await noted()).toEqual([4, 5, 6]);
  const { appUrl } = roleUrls(files.ownerUrl);
  const fresh = openDatabase({ appUrl, systemUrl: wire.url });
  change = (bytes) => Buffer.from(bytes.toString('latin1').replace('BEGIN', 'BEGUM'), 'latin1');
  await expect(asked(fresh, 7)).rejects.toThrow('BEGUM');
  await fresh.close();
  change = (bytes) => bytes;
  expect(await noted()).toEqual([4, 5, 6]);
});

test('after its end a transaction takes no more statements', async () => {
  let kept: Tx | undefined;
  await database.asSystem(async (tx) => {
    kept = tx;
  });
  await expect(kept?.query('SELECT 1')).rejects.toThrow('the transaction is over');
});

test('an answer that does not come in time is not waited for, and the next question goes elsewhere', async () => {
  const { appUrl } = roleUrls(files.ownerUrl);
  const fresh = openDatabase({ appUrl, systemUrl: wire.url, answerTimeoutMs: 200 });
  await fresh.asSystem((tx) => tx.query('SELECT 1'));
  // Nothing arrives at the server, and nobody says so.
  change = () => Buffer.alloc(0);
  await expect(fresh.asSystem((tx) => tx.query('SELECT 1 AS lost'))).rejects.toMatchObject({
    code: 'database_unavailable',
  });
  change = (bytes) => bytes;
  expect(await fresh.asSystem((tx) => tx.query('SELECT 2 AS n'))).toEqual([{ n: 2 }]);
  await fresh.close();
});

test('an answer to COMMIT that does not come is told as not known, without asking there any more', async () => {
  const { appUrl } = roleUrls(files.ownerUrl);
  const answerTimeoutMs = 2_000;
  const fresh = openDatabase({ appUrl, systemUrl: wire.url, answerTimeoutMs });
  let isSilent = false;
  change = (bytes) => {
    isSilent ||= bytes.includes('COMMIT');
    return isSilent ? Buffer.alloc(0) : bytes;
  };
  const began = performance.now();
  const asked = fresh.asSystem((tx) => tx.query('SELECT 3 AS committed'));
  await expect(asked).rejects.toThrow('it is not known whether this was done');
  // To take it back over the same connection would take as long again.
  expect(performance.now() - began).toBeLessThan(2 * answerTimeoutMs);
  await fresh.close();
});
