import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from './postgres.ts';

test('each test database is a place of its own and is gone once dropped', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const client = new pg.Client({ connectionString: one.ownerUrl });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('create table only_here (id int)');
  await client.end();
  const other = new pg.Client({ connectionString: two.ownerUrl });
  await other.connect();
  await expect(other.query('select * from only_here')).rejects.toThrow('does not exist');
  await other.end();
  await one.drop();
  await two.drop();
  const late = new pg.Client({ connectionString: one.ownerUrl });
  await expect(late.connect()).rejects.toThrow('does not exist');
});
