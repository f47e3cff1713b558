import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { KeyRecord } from './key.ts';

/** Its payload is the id of a key that must be read anew. */
export const KEYS_CHANNEL = 'quittance_keys';
/** Any constant does: it keeps two processes from making the first key at once. */
const FIRST_KEY_LOCK = 7_148_311;

const COLUMNS = `id, merchant_id AS "merchantId", name, secret_hint AS "secretHint", scopes,
  created_at AS "createdAt", made_by AS "madeBy", expires_at AS "expiresAt", last_used_at AS "lastUsedAt",
  revoked_at AS "revokedAt"`;

export async function insertKey(
  tx: Tx,
  key: Omit<KeyRecord, 'lastUsedAt' | 'revokedAt'> & { secretHash: Uint8Array },
): Promise<void> {
  await tx.query(
    `INSERT INTO api_key (id, merchant_id, name, secret_hash, secret_hint, scopes, created_at,
       expires_at, made_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      key.id,
      key.merchantId,
      key.name,
      key.secretHash,
      key.secretHint,
      key.scopes,
      key.createdAt,
      key.expiresAt,
      key.madeBy,
    ],
  );
}

/** For authentication, before it is known whose key it is: in asPublic. */
export async function findKeyWithHash(
  tx: Tx,
  id: Uuid,
): Promise<(KeyRecord & { secretHash: Buffer }) | undefined> {
  return await tx.maybe(
    `SELECT ${COLUMNS}, secret_hash AS "secretHash" FROM api_key WHERE id = $1`,
    [id],
  );
}

export async function findKey(tx: Tx, id: Uuid): Promise<KeyRecord | undefined> {
  return await tx.maybe(`SELECT ${COLUMNS} FROM api_key WHERE id = $1`, [id]);
}

/** The newest first; ids are ordered by time. */
export async function selectKeys(
  tx: Tx,
  page: { merchantId: Uuid; startingAfter: Uuid | undefined; limit: number },
): Promise<KeyRecord[]> {
  return await tx.query(
    `SELECT ${COLUMNS} FROM api_key
      WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2)
      ORDER BY id DESC LIMIT $3`,
    [page.merchantId, page.startingAfter ?? null, page.limit],
  );
}

/** @returns the key, or undefined when there is none that was valid */
export async function markRevoked(
  tx: Tx,
  key: { merchantId: Uuid; id: Uuid; atMs: number },
): Promise<KeyRecord | undefined> {
  const revoked = await tx.maybe<KeyRecord>(
    `UPDATE api_key SET revoked_at = $3
      WHERE merchant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING ${COLUMNS}`,
    [key.merchantId, key.id, new Date(key.atMs)],
  );
  if (revoked !== undefined) await tx.query(`SELECT pg_notify('${KEYS_CHANNEL}', $1)`, [key.id]);
  return revoked;
}

/** Several processes may note the same use; only one a minute writes. */
export async function markUsed(tx: Tx, id: Uuid, atMs: number, notBeforeMs: number): Promise<void> {
  await tx.query(
    `UPDATE api_key SET last_used_at = $2
      WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)`,
    [id, new Date(atMs), new Date(notBeforeMs)],
  );
}

/** Waits for other processes that make the first administrator's key. */
export async function hasAdminKey(tx: Tx, nowMs: number): Promise<boolean> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [FIRST_KEY_LOCK]);
  const found = await tx.query(
    `SELECT 1 FROM api_key WHERE merchant_id IS NULL AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > $1) LIMIT 1`,
    [new Date(nowMs)],
  );
  return found.length > 0;
}

/** The key at the beginning of each of these: the one that no other key made. */
export async function readRoots(tx: Tx, ids: readonly Uuid[]): Promise<Map<Uuid, Uuid>> {
  const rows = await tx.query<{ key: Uuid; root: Uuid }>(
    `WITH RECURSIVE line AS (
       SELECT id AS key, id, made_by FROM api_key WHERE id = ANY($1::uuid[])
       UNION ALL
       SELECT l.key, k.id, k.made_by FROM line l JOIN api_key k ON k.id = l.made_by)
     SELECT key, id AS root FROM line WHERE made_by IS NULL`,
    [ids],
  );
  return new Map(rows.map(({ key, root }) => [key, root]));
}
