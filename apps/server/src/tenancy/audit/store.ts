import type { AuditEntry } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type JsonObject = AuditEntry['detail'];
export type NewAuditEntry = {
  merchantId: Uuid;
  id: Uuid;
  atMs: number;
  actor: string;
  action: string;
  subject: string;
  detail: JsonObject;
};
export type AuditRow = Omit<NewAuditEntry, 'merchantId' | 'atMs'> & { at: Date };

export async function insertAuditEntry(tx: Tx, entry: NewAuditEntry): Promise<void> {
  await tx.query(
    `INSERT INTO audit_entry (merchant_id, id, at, actor, action, subject, detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      entry.merchantId,
      entry.id,
      new Date(entry.atMs),
      entry.actor,
      entry.action,
      entry.subject,
      JSON.stringify(entry.detail),
    ],
  );
}

/** The newest first; ids are ordered by time. */
export async function selectAuditEntries(
  tx: Tx,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<AuditRow[]> {
  return await tx.query<AuditRow>(
    `SELECT id, at, actor, action, subject, detail FROM audit_entry
      WHERE $1::uuid IS NULL OR id < $1
      ORDER BY id DESC LIMIT $2`,
    [page.startingAfter ?? null, page.limit],
  );
}
