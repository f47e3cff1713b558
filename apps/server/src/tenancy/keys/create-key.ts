import { type CreatedApiKey, instanceScope, type Scope } from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { INSTANCE_ID } from '../../platform/http/index.ts';
import { recordAudit } from '../audit/index.ts';
import { hashToken, hintOf, makeToken, toApiKey } from './key.ts';
import { hasAdminKey, insertKey } from './store.ts';

export type KeyDeps = { clock: Clock; ids: Ids; random: Random };

/**
 * Makes a key and notes it in the audit log. The answer holds the key's text, which exists nowhere
 * else afterwards.
 * @param key.merchantId null for the instance's administrator (in asSystem only)
 * @throws {AppError} invalid_request when it would have expired already
 */
export async function createKey(
  tx: Tx,
  deps: KeyDeps,
  key: {
    merchantId: Uuid | null;
    name: string;
    scopes: readonly Scope[];
    expiresAtMs?: number | undefined;
    actor: string;
    /** The merchant's key that makes it; null when the administrator does. */
    madeBy: Uuid | null;
  },
): Promise<CreatedApiKey> {
  const nowMs = deps.clock.nowMs();
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) {
    throw new AppError('invalid_request', 'A key can not expire in the past.', {
      fields: [{ pointer: '/expiresAt', detail: 'must be in the future' }],
    });
  }
  const id = deps.ids.next();
  const token = makeToken(id, deps.random);
  const record = {
    id,
    merchantId: key.merchantId,
    name: key.name,
    secretHint: hintOf(token),
    scopes: [...key.scopes],
    createdAt: new Date(nowMs),
    madeBy: key.madeBy,
    expiresAt: key.expiresAtMs === undefined ? null : new Date(key.expiresAtMs),
  };
  await insertKey(tx, { ...record, secretHash: hashToken(token) });
  await recordAudit(tx, {
    merchantId: key.merchantId ?? INSTANCE_ID,
    id: deps.ids.next(),
    atMs: nowMs,
    actor: key.actor,
    action: 'api_key.created',
    subject: id,
    detail: { name: key.name, scopes: [...key.scopes], madeBy: key.madeBy },
  });
  return { ...toApiKey({ ...record, lastUsedAt: null, revokedAt: null }), secret: token };
}

/** Makes a key for the administrator: the command line's way when the first one is lost. */
export async function createAdminKey(
  database: Database,
  deps: KeyDeps,
  name: string,
): Promise<CreatedApiKey> {
  return await database.asSystem((tx) =>
    createKey(tx, deps, {
      ...{ merchantId: null, name, scopes: [instanceScope], actor: 'cli', madeBy: null },
    }),
  );
}

/**
 * Makes the administrator's first key when there is no valid one. Safe to call at every start and
 * from several processes at once.
 * @returns the new key, to be shown once; null when there is one already
 */
export async function ensureAdminKey(
  database: Database,
  deps: KeyDeps,
): Promise<CreatedApiKey | null> {
  return await database.asSystem(async (tx) => {
    if (await hasAdminKey(tx, deps.clock.nowMs())) return null;
    return await createKey(tx, deps, {
      merchantId: null,
      name: 'first administrator key',
      scopes: [instanceScope],
      actor: 'start',
      madeBy: null,
    });
  });
}
