import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../apps/server/src/platform/embedded/postgres.ts';
import { quietLog, temporaryFolder } from './temporary.ts';

/** Durability is off: a test's database need not outlive its machine. */
const FAST_FLAGS = [
  ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
  ...['-c', 'max_connections=300', '-c', 'shared_buffers=64MB', '-c', 'log_min_messages=fatal'],
];

export interface TestPostgres {
  /** Makes a database with all migrations applied and gives its owner's URL. */
  createDatabase(): Promise<string>;
  dropDatabase(ownerUrl: string): Promise<void>;
  stop(): Promise<void>;
}

/** One server in a temporary folder, with a migrated template that databases are copied from. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = temporaryFolder('postgres');
  const server = await startEmbeddedPostgres({
    dataDir: join(folder.path, 'data'),
    log: quietLog,
    flags: FAST_FLAGS,
  });
  await migrateTemplate(server.url);
  const admin = new pg.Client({ connectionString: urlOf(server.url, 'postgres') });
  await admin.connect();
  // The template must have no other connection while it is copied: one copy at a time.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
  return {
    createDatabase: () =>
      inTurn(async () => {
        const name = `test_${randomUUID().replaceAll('-', '')}`;
        await admin.query(`create database ${name} template ${databaseOf(server.url)}`);
        return urlOf(server.url, name);
      }),
    dropDatabase: (ownerUrl) =>
      inTurn(async () => {
        await admin.query(`drop database if exists ${databaseOf(ownerUrl)} with (force)`);
      }),
    async stop() {
      await admin.end();
      await server.stop();
      folder.remove();
    },
  };
}

async function migrateTemplate(ownerUrl: string): Promise<void> {
  const url = new URL('../../apps/server/src/platform/db/migrate.ts', import.meta.url);
  if (!existsSync(fileURLToPath(url))) return;
  const { migrate } = (await import(url.href)) as {
    migrate(ownerUrl: string): Promise<unknown>;
  };
  await migrate(ownerUrl);
}

function databaseOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

function urlOf(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
