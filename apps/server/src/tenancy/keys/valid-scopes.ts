import type { Scope } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { findKey } from './store.ts';

/** What a key may do now: nothing when it is revoked, expired or not there. In asTenant: own keys. */
export async function readValidScopes(tx: Tx, id: Uuid, nowMs: number): Promise<readonly Scope[]> {
  const key = await findKey(tx, id);
  if (key === undefined || key.revokedAt !== null) return [];
  return key.expiresAt !== null && key.expiresAt.getTime() <= nowMs ? [] : key.scopes;
}
