import { createHmac } from 'node:crypto';
import { assert } from '@quittance/kernel';
import type pg from 'pg';

export const APP_ROLE = 'quittance_app';
export const SYSTEM_ROLE = 'quittance_system';

/**
 * The connection strings of the two working roles, from the owner's. Their passwords are derived
 * from the owner's (HMAC-SHA256), so that every process of an installation knows them and the
 * configuration holds one secret.
 */
export function roleUrls(ownerUrl: string): { appUrl: string; systemUrl: string } {
  return { appUrl: roleUrl(ownerUrl, APP_ROLE), systemUrl: roleUrl(ownerUrl, SYSTEM_ROLE) };
}

function roleUrl(ownerUrl: string, role: string): string {
  const url = new URL(ownerUrl);
  url.username = role;
  url.password = rolePassword(ownerUrl, role);
  return url.href;
}

function rolePassword(ownerUrl: string, role: string): string {
  const secret = decodeURIComponent(new URL(ownerUrl).password);
  return createHmac('sha256', secret).update(role).digest('hex');
}

/** Makes the working roles, or gives those that exist today's password. Safe to repeat. */
export async function ensureRoles(client: pg.Client, ownerUrl: string): Promise<void> {
  for (const role of [APP_ROLE, SYSTEM_ROLE]) {
    const password = rolePassword(ownerUrl, role);
    assert(/^[0-9a-f]{64}$/.test(password), 'a role password is hexadecimal');
    const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    // Since PostgreSQL 16 an owner that lacks an attribute may not even name it in ALTER ROLE, and
    // SUPERUSER never: both would fail at the second start of an owner that is no superuser.
    await client.query(
      found.rowCount === 0
        ? `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '${password}'`
        : `ALTER ROLE ${role} LOGIN PASSWORD '${password}'`,
    );
  }
  const mighty = await client.query<{ name: string }>(
    `SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)
       AND (rolsuper OR rolbypassrls OR rolcreaterole)`,
    [[APP_ROLE, SYSTEM_ROLE]],
  );
  const [first] = mighty.rows;
  if (first !== undefined) {
    throw new Error(
      `the role ${first.name} may do too much; as a superuser: ALTER ROLE ${first.name} NOSUPERUSER NOBYPASSRLS NOCREATEROLE`,
    );
  }
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  const database = client.escapeIdentifier(rows[0]?.name ?? '');
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${APP_ROLE}, ${SYSTEM_ROLE}`);
}
