import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls, type Tx } from '../db/index.ts';
import { AppError } from '../errors.ts';
import { canonicalJson } from './canonical-json.ts';
import { ANSWERS_KEPT_MS, idempotent, pruneIdempotencyKeys } from './index.ts';

const MERCHANT = '0199aa40-7a3f-7c31-a5ff-52f7a1f2d9c4';
const NOW_MS = Date.UTC(2026, 0, 31);
let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

/** An effect that can be counted: one row of the audit log, its id in the answer. */
async function effect(tx: Tx, subject: string) {
  const id = randomUUID();
  await tx.query(
    `INSERT INTO audit_entry (merchant_id, id, at, actor, action, subject, detail)
     VALUES ($1, $2, $3, 'test', 'test', $4, '{}')`,
    [MERCHANT, id, new Date(NOW_MS), subject],
  );
  return { status: 201, body: { z: 1, id, a: [true, null] } };
}

async function countEffects(subject: string): Promise<number> {
  const rows = await database.asSystem((tx) =>
    tx.query('SELECT 1 FROM audit_entry WHERE subject = $1', [subject]),
  );
  return rows.length;
}

function hash(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

function call(options: {
  key: string;
  body?: string;
  sealWith?: string;
  nowMs?: number;
  work?: (tx: Tx) => ReturnType<typeof effect>;
}) {
  const { key, body = 'body', nowMs = NOW_MS, sealWith, work = (tx) => effect(tx, key) } = options;
  return database.asTenant(MERCHANT, (tx) =>
    idempotent(
      tx,
      {
        merchantId: MERCHANT,
        idempotency: { key, requestHash: hash(body) },
        nowMs,
        sealWith,
      },
      () => work(tx),
    ),
  );
}

test('a repeated request gets the very same answer and has no second effect', async () => {
  const first = await call({ key: 'again' });
  const second = await call({ key: 'again' });
  expect(first.replayed).toBe(false);
  expect(second.replayed).toBe(true);
  expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body));
  expect(second.status).toBe(201);
  expect(await countEffects('again')).toBe(1);
});

test('another body under the same key is refused and changes nothing', async () => {
  await call({ key: 'other' });
  await expect(call({ key: 'other', body: 'another' })).rejects.toMatchObject({
    code: 'idempotency_mismatch',
    status: 422,
  });
  expect(await countEffects('other')).toBe(1);
});

test('32 twins at once have one effect and one answer', async () => {
  const all = await Promise.all(Array.from({ length: 32 }, () => call({ key: 'twins' })));
  expect(all.filter((answer) => !answer.replayed)).toHaveLength(1);
  expect(new Set(all.map((answer) => answer.body.id)).size).toBe(1);
  expect(await countEffects('twins')).toBe(1);
});

test('a failed request leaves nothing behind and can be tried again', async () => {
  const failing = call({
    key: 'fails',
    work: async (tx) => {
      await effect(tx, 'fails');
      throw new AppError('conflict', 'not now');
    },
  });
  await expect(failing).rejects.toMatchObject({ code: 'conflict' });
  expect(await countEffects('fails')).toBe(0);
  expect((await call({ key: 'fails' })).replayed).toBe(false);
  expect(await countEffects('fails')).toBe(1);
});

test('a twin takes over when the first one fails', async () => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const first = call({
    key: 'takes over',
    work: async () => {
      entered.resolve();
      await gate.promise;
      throw new AppError('conflict', 'not now');
    },
  });
  await entered.promise;
  const twin = call({ key: 'takes over' });
  gate.resolve();
  await expect(first).rejects.toMatchObject({ code: 'conflict' });
  expect((await twin).replayed).toBe(false);
  expect(await countEffects('takes over')).toBe(1);
});

test('an answer that holds a secret is stored sealed and opens only for the same caller', async () => {
  const first = await call({ key: 'sealed', sealWith: 'qt_a' });
  const rows = await database.asSystem((tx) =>
    tx.query<{ text: string }>(
      'SELECT response::text AS text FROM idempotency_key WHERE key = $1',
      ['sealed'],
    ),
  );
  expect(rows[0]?.text).not.toContain(first.body.id);
  expect((await call({ key: 'sealed', sealWith: 'qt_a' })).body).toEqual(first.body);
  await expect(call({ key: 'sealed', sealWith: 'qt_b' })).rejects.toMatchObject({
    code: 'idempotency_mismatch',
  });
});

test('answers are kept for 48 hours and then forgotten', async () => {
  await call({ key: 'old', nowMs: NOW_MS - ANSWERS_KEPT_MS - 1 });
  await call({ key: 'young', nowMs: NOW_MS - ANSWERS_KEPT_MS + 1 });
  expect(await pruneIdempotencyKeys(database, NOW_MS)).toBe(1);
  expect((await call({ key: 'young' })).replayed).toBe(true);
  expect((await call({ key: 'old' })).replayed).toBe(false);
});

test('equal JSON has one canonical text whatever the order of its names', () => {
  expect(canonicalJson({ b: 1, a: { d: [1, 'x'], c: null } })).toBe(
    canonicalJson({ a: { c: null, d: [1, 'x'] }, b: 1 }),
  );
  expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  expect(canonicalJson({ a: 1, b: undefined })).toBe('{"a":1}');
});
