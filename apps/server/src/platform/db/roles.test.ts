import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quietLog, temporaryFolder } from '../../../../../tests/support/temporary.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/postgres.ts';
import { migrate, roleUrls } from './index.ts';

// A server of its own: the working roles belong to a whole server, and this gives them other passwords.
const folder = temporaryFolder('roles');
let server: EmbeddedPostgres;
let admin: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  server = await startEmbeddedPostgres({ dataDir: join(folder.path, 'data'), log: quietLog });
  admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query("CREATE ROLE plain_owner LOGIN CREATEROLE PASSWORD 'first'");
  await admin.query('CREATE DATABASE plain OWNER plain_owner');
  const url = new URL(server.url);
  url.username = 'plain_owner';
  url.password = 'first';
  url.pathname = '/plain';
  ownerUrl = url.href;
});
afterAll(async () => {
  await admin.end();
  await server.stop();
  folder.remove();
});

async function whoIs(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>('SELECT current_user AS name');
  await client.end();
  return rows[0]?.name ?? '';
}

test('an owner that may only create roles can migrate, at the second start too', async () => {
  expect((await migrate(ownerUrl)).length).toBeGreaterThan(0);
  expect(await migrate(ownerUrl)).toEqual([]);
  expect(await whoIs(roleUrls(ownerUrl).appUrl)).toBe('quittance_app');
});

test("after a change of the owner's password the working roles get new ones", async () => {
  await admin.query("ALTER ROLE plain_owner PASSWORD 'second'");
  const before = roleUrls(ownerUrl).systemUrl;
  ownerUrl = ownerUrl.replace('first', 'second');
  await migrate(ownerUrl);
  expect(await whoIs(roleUrls(ownerUrl).systemUrl)).toBe('quittance_system');
  await expect(whoIs(before)).rejects.toThrow('password');
});

test('a working role that row-level security does not bind is refused', async () => {
  await admin.query('ALTER ROLE quittance_app BYPASSRLS');
  await expect(migrate(ownerUrl)).rejects.toThrow('quittance_app may do too much');
  await admin.query('ALTER ROLE quittance_app NOBYPASSRLS');
  expect(await migrate(ownerUrl)).toEqual([]);
});
