import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls, type Tx } from '../../platform/db/index.ts';
import { atCursor, type MempoolDeps } from './mempool.ts';
import {
  type Cursor,
  CursorMovedError,
  insertBlocks,
  moveCursor,
  readBlocksDown,
  readCursor,
} from './store.ts';

let files: TestDatabase;
let database: Database;
beforeAll(async () => {
  files = await createTestDatabase();
  database = openDatabase(roleUrls(files.ownerUrl));
});
afterAll(async () => {
  await database.close();
  await files.drop();
});

const block = (height: number, fork = 'a'): Cursor => ({
  height,
  hash: `${fork}${height}`.padStart(64, '0'),
});
const move = (from: Cursor | null, to: Cursor) =>
  database.asSystem((tx) => moveCursor(tx, { network: 'regtest', from, to, nowMs: 0 }));

function at(cursor: Cursor, work: (tx: Tx) => Promise<void>): Promise<void> {
  const deps = { database, network: 'regtest', clock: { nowMs: () => 0 }, cursor: () => cursor };
  // Only these are used; a watch set and a node have no part in it.
  return atCursor(deps as unknown as MempoolDeps, work);
}

test('of watchers that stand at the same block, one moves on and the others hear that they lost', async () => {
  expect(await move(null, block(1))).toBe(true);
  expect(await move(null, block(1))).toBe(false);
  const moves = await Promise.all(
    Array.from({ length: 6 }, (_, i) => move(block(1), block(2, `b${i}`))),
  );
  expect(moves.filter(Boolean)).toHaveLength(1);
  const now = await database.asSystem((tx) => readCursor(tx, 'regtest'));
  expect(now?.height).toBe(2);
  await move(now, block(3));
});

test('nothing is written from another place in the chain than the cursor', async () => {
  const written = async () => {
    const blocks = await database.asSystem((tx) => readBlocksDown(tx, 100, 100));
    return blocks.map(({ height }) => height);
  };
  // Two at once and one after their answers, none of which waits for the cursor's answer.
  const work = (height: number) => async (tx: Tx) => {
    const note = (at: number) =>
      insertBlocks(tx, [{ ...block(at), prevHash: block(at - 1).hash, timeMs: 0 }], 0);
    await Promise.allSettled([note(height), note(height + 1)]);
    await note(height + 2).catch(() => undefined);
  };
  await expect(at(block(2), work(10))).rejects.toThrow(CursorMovedError);
  await expect(at(block(3, 'c'), work(20))).rejects.toThrow(CursorMovedError);
  expect(await written()).toEqual([]);
  await at(block(3), work(30));
  expect(await written()).toEqual([32, 31, 30]);
});

test('the cursor does not move while somebody writes at it', async () => {
  const order: string[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const writing = at(block(3), async (tx) => {
    // Its answer comes behind the cursor's.
    await tx.query('SELECT 1');
    order.push('writing');
    await released;
    order.push('written');
  });
  while (order.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const moving = move(block(3), block(4)).then(() => order.push('moved'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  release();
  await Promise.all([writing, moving]);
  expect(order).toEqual(['writing', 'written', 'moved']);
});
