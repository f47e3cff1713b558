import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { ensureRoles } from './roles.ts';

/** Thrown when the database and the program's migrations contradict each other. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

type Migration = { version: number; name: string; checksum: string; sql: string };

const FOLDER = fileURLToPath(new URL('../../../migrations', import.meta.url));
const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** Any constant does: it keeps two processes from migrating at once. */
const ADVISORY_LOCK = 7_148_310;
/** Asking for the state is no work; a server that takes longer is in trouble. */
const STATUS_TIMEOUT_MS = 5_000;

/**
 * Brings the database to the newest schema: forward only, each file in a transaction of its own,
 * each recorded with its SHA-256. Safe to call from many processes at once, and again.
 * @returns the versions that were applied now
 * @throws {MigrationError} when an applied file was edited since, or the database is newer
 */
export async function migrate(ownerUrl: string, folder: string = FOLDER): Promise<number[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'quittance-migrate',
  });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await ensureRoles(client, ownerUrl);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
      version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now())`);
    const applied = await client.query<{ version: number; checksum: string }>(
      'SELECT version, checksum FROM schema_migration ORDER BY version',
    );
    const missing = findMissing(migrations, applied.rows);
    for (const migration of missing) await apply(client, migration);
    return missing.map(({ version }) => version);
  } finally {
    await client.end();
  }
}

/**
 * The versions that `migrate` would apply now. Changes nothing.
 * @throws {MigrationError} as `migrate` would
 */
export async function pendingMigrations(url: string, folder: string = FOLDER): Promise<number[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({
    connectionString: url,
    application_name: 'quittance-migrate',
    connectionTimeoutMillis: STATUS_TIMEOUT_MS,
    query_timeout: STATUS_TIMEOUT_MS,
  });
  await client.connect();
  try {
    const table = await client.query<{ found: boolean }>(
      "SELECT to_regclass('schema_migration') IS NOT NULL AS found",
    );
    if (table.rows[0]?.found !== true) return migrations.map(({ version }) => version);
    const applied = await client.query<{ version: number; checksum: string }>(
      'SELECT version, checksum FROM schema_migration ORDER BY version',
    );
    return findMissing(migrations, applied.rows).map(({ version }) => version);
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (file) => {
      const match = FILE_NAME.exec(file);
      if (match === null) throw new MigrationError(`${file}: name it 0001_what_it_makes.sql`);
      const sql = await readFile(`${folder}/${file}`, 'utf8');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { version: Number(match[1]), name: match[2] ?? '', checksum, sql };
    }),
  );
}

function findMissing(
  migrations: Migration[],
  applied: { version: number; checksum: string }[],
): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.version, migration]));
  if (known.size !== migrations.length) throw new MigrationError('two migrations share a number');
  for (const { version, checksum } of applied) {
    const migration = known.get(version);
    if (migration === undefined) {
      throw new MigrationError(
        `the database has migration ${version}, which this program does not know: it was made by a newer version; start that one`,
      );
    }
    if (migration.checksum !== checksum) {
      throw new MigrationError(
        `migration ${version}_${migration.name} was edited after it was applied; restore the file and add a new migration`,
      );
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  const newest = Math.max(0, ...done);
  const missing = migrations.filter(({ version }) => !done.has(version));
  const older = missing.find(({ version }) => version < newest);
  if (older !== undefined) {
    throw new MigrationError(`migration ${older.version} is older than ${newest}, already applied`);
  }
  return missing;
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query(
      'INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)',
      [migration.version, migration.name, migration.checksum],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    const reason = error instanceof Error ? error.message : String(error);
    throw new MigrationError(`migration ${migration.version}_${migration.name}: ${reason}`, {
      cause: error,
    });
  }
}
