import type { JsonValue } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OwnCustomer } from './store.ts';

/** What was done with a customer's data. `detail` says nothing about who the customer is. */
export type LogEntry = {
  id: Uuid;
  atMs: number;
  actor: string;
  action: string;
  detail: Record<string, JsonValue>;
  /** What a person wrote, under the customer's key. */
  sealedNote: Uint8Array | null;
};

export async function insertLogEntry(tx: Tx, own: OwnCustomer, entry: LogEntry): Promise<void> {
  await tx.query(
    `INSERT INTO customer_log (merchant_id, id, customer_id, at, actor, action, detail, sealed_note)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      own.merchantId,
      entry.id,
      own.id,
      new Date(entry.atMs),
      entry.actor,
      entry.action,
      JSON.stringify(entry.detail),
      entry.sealedNote,
    ],
  );
}

/** The newest first; ids are ordered by time. */
export async function readLog(
  tx: Tx,
  own: OwnCustomer,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<LogEntry[]> {
  const rows = await tx.query<{
    id: Uuid;
    at: Date;
    actor: string;
    action: string;
    detail: Record<string, JsonValue>;
    sealed_note: Buffer | null;
  }>(
    `SELECT id, at, actor, action, detail, sealed_note FROM customer_log
      WHERE merchant_id = $1 AND customer_id = $2 AND ($3::uuid IS NULL OR id < $3)
      ORDER BY id DESC LIMIT $4`,
    [own.merchantId, own.id, page.startingAfter ?? null, page.limit],
  );
  return rows.map(({ at, sealed_note: sealedNote, ...row }) => ({
    ...row,
    atMs: at.getTime(),
    sealedNote,
  }));
}
