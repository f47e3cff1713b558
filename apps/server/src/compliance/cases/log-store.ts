import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OwnCase } from './case-store.ts';
import type { LogEntry } from './log.ts';

type Row = {
  merchant_id: Uuid;
  case_id: Uuid;
  sequence: bigint;
  id: Uuid;
  at: Date;
  actor: string;
  kind: string;
  content: string | null;
  content_sha256: Buffer;
  prev_hash: Buffer;
  hash: Buffer;
};

const COLUMNS = `merchant_id, case_id, sequence, id, at, actor, kind, content, content_sha256,
  prev_hash, hash`;

/** Adds entries in this order; the database seals them. */
export async function appendLog(
  tx: Tx,
  own: OwnCase,
  given: {
    atMs: number;
    actor: string;
    entries: readonly { id: Uuid; kind: string; content: string }[];
  },
): Promise<void> {
  const { atMs, actor, entries } = given;
  await tx.query('SELECT compliance_log_append($1, $2, $3, $4, $5, $6, $7)', [
    ...[own.merchantId, own.id, atMs, actor],
    entries.map(({ id }) => id),
    entries.map(({ kind }) => kind),
    entries.map(({ content }) => content),
  ]);
}

/** Entries of a case in their order, from the one after `startingAfter` on. */
export async function readLogRows(
  tx: Tx,
  own: OwnCase,
  page: { startingAfter: Uuid | undefined; limit: number },
): Promise<LogEntry[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM compliance_case_log
      WHERE merchant_id = $1 AND case_id = $2 AND sequence > CASE WHEN $3::uuid IS NULL THEN 0 ELSE
        (SELECT l.sequence FROM compliance_case_log l
          WHERE l.merchant_id = $1 AND l.case_id = $2 AND l.id = $3) END
      ORDER BY sequence LIMIT $4`,
    [own.merchantId, own.id, page.startingAfter ?? null, page.limit],
  );
  return rows.map(entryOf);
}

function entryOf(row: Row): LogEntry {
  return {
    merchantId: row.merchant_id,
    caseId: row.case_id,
    sequence: row.sequence,
    id: row.id,
    atMs: row.at.getTime(),
    actor: row.actor,
    kind: row.kind,
    content: row.content,
    contentSha256: row.content_sha256,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
