import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { advisoryKey, holdAdvisoryLock } from './index.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

function contender(name: string, trace: string[]) {
  return holdAdvisoryLock(database.ownerUrl, advisoryKey('test'), {
    onAcquired: () => void trace.push(`${name} works`),
    onLost: () => void trace.push(`${name} stops`),
    onError: () => {},
    checkEveryMs: 20,
  });
}

test('one of two works; the standby takes over after the other has stopped working', async () => {
  const trace: string[] = [];
  const one = contender('one', trace);
  await expect.poll(() => one.held).toBe(true);
  const two = contender('two', trace);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(two.held).toBe(false);
  await one.stop();
  await expect.poll(() => two.held).toBe(true);
  await two.stop();
  expect(trace).toEqual(['one works', 'one stops', 'two works', 'two stops']);
});

test('a holder whose connection is cut stops its work, then may win again', async () => {
  const trace: string[] = [];
  const one = contender('one', trace);
  await expect.poll(() => one.held).toBe(true);
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'quittance-lock' AND datname = current_database()`,
  );
  await owner.end();
  await expect.poll(() => trace).toEqual(['one works', 'one stops', 'one works']);
  await one.stop();
});
