import { manualClock } from '@quittance/kernel';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { NODE_PATIENCE_MS, watchNode } from './node-alerts.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import { alertDeps } from '../../telling/notifications/test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
let loop: Loop | undefined;
const clock = manualClock(1_760_000_000_000);
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
afterEach(async () => {
  await loop?.stop();
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

function start(problem: () => string | null | undefined): Loop {
  const log = createLogger({ level: 'fatal' });
  const deps = alertDeps({ clock });
  loop = watchNode({ database, deps, clock, log, network: 'regtest', problem, everyMs: 20 });
  return loop;
}

const stored = () =>
  database.asSystem((tx) =>
    tx.query<{ detail: string; count: number; open: boolean }>(
      'SELECT detail, count, resolved_at IS NULL AS open FROM alert ORDER BY id',
    ),
  );
const until = { timeout: 5_000, interval: 20 };
const aFewRounds = () => new Promise((resolve) => setTimeout(resolve, 150));

test('a node that stays away is told once, its return too, also to a process that came later', async () => {
  let problem: string | null | undefined = 'connect ECONNREFUSED';
  const first = start(() => problem);
  await aFewRounds();
  clock.advance(NODE_PATIENCE_MS - 1);
  await aFewRounds();
  expect(await stored()).toEqual([]);
  clock.advance(1);
  await expect.poll(stored, until).toMatchObject([{ open: true, count: 1 }]);
  await aFewRounds();
  expect((await stored())[0]).toMatchObject({ count: 1 });
  expect((await stored())[0]?.detail).toContain('ECONNREFUSED');
  await first.stop();

  problem = undefined;
  start(() => problem);
  await aFewRounds();
  expect(await stored()).toMatchObject([{ open: true }]);
  problem = null;
  await expect.poll(stored, until).toMatchObject([{ open: false, count: 1 }]);
});

test('a node that comes back in time is not worth an alert', async () => {
  const before = await stored();
  let problem: string | null = 'starting';
  start(() => problem);
  await aFewRounds();
  clock.advance(NODE_PATIENCE_MS / 2);
  problem = null;
  await aFewRounds();
  problem = 'starting';
  await aFewRounds();
  clock.advance(NODE_PATIENCE_MS / 2);
  await aFewRounds();
  expect(await stored()).toEqual(before);
});
