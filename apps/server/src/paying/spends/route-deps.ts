import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import type { SpendDeps } from './deps.ts';
import { noSuchSpend } from './errors.ts';
import { readSpends, type StoredSpend } from './store.ts';

export type SpendRouteDeps = Pick<
  SpendDeps,
  'database' | 'clock' | 'ids' | 'random' | 'node' | 'fees' | 'listener'
> & { recordAudit: typeof recordAudit };

/** Notes who did what to a spend. */
export async function audit(
  tx: Tx,
  deps: SpendRouteDeps,
  entry: { merchantId: Uuid; actor: string; action: string; subject: string },
): Promise<void> {
  await deps.recordAudit(tx, {
    ...entry,
    id: deps.ids.next(),
    detail: {},
    atMs: deps.clock.nowMs(),
  });
}

/** @throws {AppError} not_found */
export async function readOwn(tx: Tx, spendId: Uuid): Promise<StoredSpend> {
  const [stored] = await readSpends(tx, [spendId]);
  if (stored === undefined) throw noSuchSpend();
  return stored;
}
