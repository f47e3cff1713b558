import type { AuditEntry, Page } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { insertAuditEntry, type NewAuditEntry, selectAuditEntries } from './store.ts';

/** Notes who changed what, in the transaction of the change. Never put a secret into `detail`. */
export async function recordAudit(tx: Tx, entry: NewAuditEntry): Promise<void> {
  await insertAuditEntry(tx, entry);
}

/** The merchant's entries, newest first. Call it in asTenant. */
export async function listAudit(
  tx: Tx,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<Page<AuditEntry>> {
  const rows = await selectAuditEntries(tx, { ...page, limit: page.limit + 1 });
  const data = rows.slice(0, page.limit).map((row) => ({ ...row, at: row.at.toISOString() }));
  return { data, has_more: rows.length > page.limit };
}
