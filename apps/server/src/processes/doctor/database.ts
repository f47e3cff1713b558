import pg from 'pg';
import type { Config } from '../../platform/config/index.ts';
import { MigrationError, pendingMigrations, roleUrls } from '../../platform/db/index.ts';
import { blocking, type Finding, ok, reasonOf, warning } from './finding.ts';

/** PostgreSQL 14 lacks what the migrations use, and gets no more fixes from November 2026 on. */
const MIN_SERVER_VERSION = 150_000;
const TIMEOUT_MS = 5_000;
/** Depth to which the watcher undoes blocks (design: on-chain finality). */
const REORG_BLOCKS = 100;

export async function checkDatabase(config: Config): Promise<Finding[]> {
  const url = config.databaseUrl?.reveal();
  if (url === undefined) {
    const embedded = ok('database', `embedded PostgreSQL under ${config.dataDir}`);
    if (config.network !== 'mainnet') return [embedded];
    const action =
      'set DATABASE_URL to a server that is backed up (docs/runbooks/backup-restore.md)';
    return [warning('database', `${embedded.detail}: nobody backs it up for you`, action)];
  }
  try {
    return await withClient(url, async (client) => [
      await checkServer(client),
      await checkMigrations(url),
      ...(await checkRoles(client, url)),
    ]);
  } catch (error) {
    return [unreachable(error)];
  }
}

function unreachable(error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const action =
    code === '28P01' || code === '28000'
      ? 'check user and password in DATABASE_URL and the server’s pg_hba.conf'
      : code === '3D000'
        ? 'make the database: createdb -h HOST -U OWNER NAME'
        : 'start PostgreSQL and check DATABASE_URL (docs/runbooks/database-down.md)';
  return blocking('database', `can not be used: ${reasonOf(error)}`, action);
}

async function checkServer(client: pg.Client): Promise<Finding> {
  const { rows } = await client.query<{ version: string; name: string; encoding: string }>(
    `SELECT current_setting('server_version_num') AS version,
       current_setting('server_version') AS name, current_setting('server_encoding') AS encoding`,
  );
  const { version = '0', name = '?', encoding = '?' } = rows[0] ?? {};
  if (Number(version) < MIN_SERVER_VERSION) {
    return blocking('database', `PostgreSQL ${name} is too old`, 'install PostgreSQL 15 or newer');
  }
  if (encoding !== 'UTF8') {
    const action = 'make it anew: createdb --encoding=UTF8 --template=template0 NAME';
    return blocking('database', `the database's encoding is ${encoding}`, action);
  }
  return ok('database', `PostgreSQL ${name} answers`);
}

async function checkMigrations(url: string): Promise<Finding> {
  try {
    const pending = await pendingMigrations(url);
    if (pending.length === 0) return ok('migrations', 'current');
    const detail = `${pending.length} to be applied; the next start does it`;
    return warning('migrations', detail, 'make a backup first if the database is in use');
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    return blocking(
      'migrations',
      error.message,
      'start the version that fits, or restore a backup',
    );
  }
}

async function checkRoles(client: pg.Client, ownerUrl: string): Promise<Finding[]> {
  const { rows } = await client.query<{ made: boolean; may: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'quittance_app') AS made,
       rolcreaterole OR rolsuper AS may FROM pg_roles WHERE rolname = current_user`,
  );
  if (rows[0]?.may !== true) {
    const action = 'ALTER ROLE <owner> CREATEROLE, as a superuser';
    return [blocking('roles', 'the owner may not make the working roles', action)];
  }
  if (!rows[0].made) return [warning('roles', 'not made yet', 'the first start makes them')];
  const { appUrl, systemUrl } = roleUrls(ownerUrl);
  return [await checkRole('quittance_app', appUrl), await checkRole('quittance_system', systemUrl)];
}

/** Asked as the role itself, so that what it has through other roles counts too. */
async function checkRole(role: string, url: string): Promise<Finding> {
  try {
    return await withClient(url, async (client) => {
      const { rows } = await client.query<{ table: string; rights: string[] }>(LEDGER_RIGHTS);
      if (rows.length === 0) {
        return warning('roles', `no ledger tables yet for ${role}`, 'the first start makes them');
      }
      const open = rows.flatMap(({ table, rights }) => rights.map((right) => `${right} ${table}`));
      if (open.length === 0)
        return ok('roles', `${role} can not change ${rows.length} ledger tables`);
      const detail = `${role} may change the ledger: ${open.join(', ')}`;
      return blocking('roles', detail, `REVOKE it from ${role}, and its membership in other roles`);
    });
  } catch (error) {
    const action = 'start the server once: it gives the role its password; check pg_hba.conf';
    return warning('roles', `${role} can not connect: ${reasonOf(error)}`, action);
  }
}

/**
 * Every ledger table with the rights that would let this role change what is written. Being a
 * member of the table's owner counts, even when it takes a SET ROLE to use it.
 */
const LEDGER_RIGHTS = `
  SELECT c.oid::regclass::text AS table, array_remove(ARRAY[
    CASE WHEN has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
    CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END,
    CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'TRUNCATE' END,
    CASE WHEN has_table_privilege(c.oid, 'TRIGGER') THEN 'TRIGGER' END,
    CASE WHEN pg_has_role(c.relowner, 'MEMBER') THEN 'ownership of' END], NULL) AS rights
  FROM pg_class c
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    AND starts_with(c.relname, 'ledger_')
  ORDER BY 1`;

/**
 * The lowest block that the server still has to read after its last run: a reorganisation of up
 * to 100 blocks goes back from there. Undefined when it never ran, or the database is not there.
 */
export async function neededFromHeight(config: Config): Promise<number | undefined> {
  const url = config.databaseUrl?.reveal();
  if (url === undefined) return config.startHeight;
  try {
    const query = 'SELECT height FROM chain_cursor WHERE network = $1';
    const { rows } = await withClient(url, (client) =>
      client.query<{ height: number }>(query, [config.network]),
    );
    const height = rows[0]?.height;
    return height === undefined ? config.startHeight : Math.max(0, height - REORG_BLOCKS);
  } catch {
    // That the database can't be asked is a finding of its own.
    return config.startHeight;
  }
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'quittance-doctor',
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
