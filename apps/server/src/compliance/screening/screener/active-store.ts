import type { Uuid } from '@quittance/kernel';
import { assert } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { ListPurpose } from './categories.ts';
import type { EntryChunk } from './entry-book.ts';
import type { ListVersionRef } from './screener.ts';

export type ActiveVersion = ListVersionRef & {
  purpose: ListPurpose;
  attempt: number;
  entryCount: number;
};

/** What is in force: one statement, so that no switch falls in between. */
export async function readActiveVersions(
  tx: Tx,
): Promise<{ epoch: bigint; versions: ActiveVersion[] }> {
  const rows = await tx.query<{ epoch: bigint; version: ActiveVersion | null }>(
    `SELECT (SELECT coalesce(max(epoch), 0) FROM screening_switch) AS epoch,
            CASE WHEN v.id IS NULL THEN NULL ELSE jsonb_build_object(
              'list', v.list, 'versionId', v.id, 'digest', encode(v.digest, 'hex'),
              'purpose', l.purpose, 'attempt', v.attempt, 'entryCount', v.entry_count) END AS version
       FROM (SELECT 1) AS one
       LEFT JOIN screening_list_version v ON v.state = 'active'
       LEFT JOIN screening_list l ON l.name = v.list
      ORDER BY v.list`,
  );
  const versions = rows.flatMap(({ version }) => (version === null ? [] : [version]));
  return { epoch: rows[0]?.epoch ?? 0n, versions };
}

export async function readChunks(
  tx: Tx,
  which: { versionId: Uuid; attempt: number; from: number; count: number },
): Promise<EntryChunk[]> {
  const rows = await tx.query<EntryChunk & { chunk: number }>(
    `SELECT chunk, entry_count AS "entryCount", body FROM screening_entry_chunk
      WHERE version_id = $1 AND attempt = $2 AND chunk >= $3 AND chunk < $4 ORDER BY chunk`,
    [which.versionId, which.attempt, which.from, which.from + which.count],
  );
  rows.forEach((row, at) =>
    assert(row.chunk === which.from + at, 'no chunk of a version is missing'),
  );
  return rows;
}
