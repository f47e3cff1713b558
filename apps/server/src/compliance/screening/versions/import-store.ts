import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { EntryChunk } from '../screener/entry-book.ts';
import type { ListFormat } from '../lists/import.ts';
import type { DeltaReport, Version } from './version.ts';

export type ImportClaim = { id: Uuid; list: string; format: ListFormat; attempt: number };

/** Takes the oldest version that waits, or whose import was broken off, until the lease ends. */
export async function claimImport(
  tx: Tx,
  { nowMs, leaseMs }: { nowMs: number; leaseMs: number },
): Promise<ImportClaim | undefined> {
  return await tx.maybe<ImportClaim>(
    `UPDATE screening_list_version SET state = 'importing', attempt = attempt + 1, claimed_until = $2
      WHERE id = (SELECT id FROM screening_list_version
                   WHERE state = 'queued' OR (state = 'importing' AND claimed_until < $1)
                   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING id, list, format, attempt`,
    [new Date(nowMs), new Date(nowMs + leaseMs)],
  );
}

/** Adds a chunk and keeps the claim. @returns false when another has begun the import anew */
export async function writeChunk(
  tx: Tx,
  {
    claim,
    chunk,
    at,
    untilMs,
  }: { claim: ImportClaim; chunk: EntryChunk; at: number; untilMs: number },
): Promise<boolean> {
  const mine = await tx.query(
    `UPDATE screening_list_version SET claimed_until = $3
      WHERE id = $1 AND attempt = $2 AND state = 'importing' RETURNING 1 AS mine`,
    [claim.id, claim.attempt, new Date(untilMs)],
  );
  if (mine.length === 0) return false;
  await tx.query(
    `INSERT INTO screening_entry_chunk (version_id, attempt, chunk, entry_count, body)
     VALUES ($1, $2, $3, $4, $5)`,
    [claim.id, claim.attempt, at, chunk.entryCount, chunk.body],
  );
  return true;
}

export type Imported = Pick<
  Version,
  'sources' | 'findings' | 'entryCount' | 'nameCount' | 'addressCount' | 'findingCount'
> & { digest: Buffer };

/** Ends an import. @returns false when another has begun it anew */
export async function finishImport(
  tx: Tx,
  claim: ImportClaim,
  outcome: { nowMs: number } & ({ imported: Imported } | { error: string }),
): Promise<boolean> {
  const imported = 'imported' in outcome ? outcome.imported : null;
  const rows = await tx.query(
    `UPDATE screening_list_version SET state = $3, error = $4, sources = $5, digest = $6,
            entry_count = $7, name_count = $8, address_count = $9, finding_count = $10,
            findings = $11, imported_at = $12, claimed_until = NULL
      WHERE id = $1 AND attempt = $2 AND state = 'importing' RETURNING 1 AS mine`,
    [
      claim.id,
      claim.attempt,
      imported === null ? 'failed' : 'imported',
      'error' in outcome ? outcome.error : null,
      JSON.stringify(imported?.sources ?? []),
      imported?.digest ?? null,
      imported?.entryCount ?? null,
      imported?.nameCount ?? null,
      imported?.addressCount ?? null,
      imported?.findingCount ?? null,
      JSON.stringify(imported?.findings ?? []),
      imported === null ? null : new Date(outcome.nowMs),
    ],
  );
  return rows.length > 0;
}

/** Removes the chunks of attempts that came to nothing. */
export async function deleteOtherChunks(
  tx: Tx,
  claim: ImportClaim,
  keepOwn: boolean,
): Promise<void> {
  await tx.query(
    'DELETE FROM screening_entry_chunk WHERE version_id = $1 AND ($3 IS FALSE OR attempt <> $2)',
    [claim.id, claim.attempt, keepOwn],
  );
}

/** A version whose comparison is missing, or is with one that is active no more. */
export async function findUncompared(
  tx: Tx,
): Promise<
  { id: Uuid; attempt: number; activeId: Uuid | null; activeAttempt: number } | undefined
> {
  return await tx.maybe(
    `SELECT v.id, v.attempt, a.id AS "activeId", coalesce(a.attempt, 0) AS "activeAttempt"
       FROM screening_list_version v
       LEFT JOIN screening_list_version a ON a.list = v.list AND a.state = 'active'
      WHERE v.state = 'imported' AND (v.delta IS NULL OR v.compared_to IS DISTINCT FROM a.id)
      ORDER BY v.id LIMIT 1`,
  );
}

export async function writeDelta(
  tx: Tx,
  { id, activeId, delta }: { id: Uuid; activeId: Uuid | null; delta: DeltaReport },
): Promise<void> {
  await tx.query(
    `UPDATE screening_list_version SET delta = $3, compared_to = $2
      WHERE id = $1 AND state = 'imported'`,
    [id, activeId, JSON.stringify(delta)],
  );
}

/** Forgets entries of versions that nobody will need: retired long ago, rejected, failed. */
export async function pruneEntries(
  tx: Tx,
  { keep, nowMs, count }: { keep: number; nowMs: number; count: number },
): Promise<number> {
  const rows = await tx.query<{ id: Uuid }>(
    `UPDATE screening_list_version SET entries_removed_at = $2
      WHERE id IN (SELECT id FROM (
        SELECT id, state, row_number() OVER (PARTITION BY list, state ORDER BY retired_at DESC) AS rank
          FROM screening_list_version
         WHERE entries_removed_at IS NULL AND state IN ('retired', 'rejected', 'failed')) AS ranked
         WHERE state <> 'retired' OR rank > $1 LIMIT $3)
      RETURNING id`,
    [keep, new Date(nowMs), count],
  );
  const ids = rows.map(({ id }) => id);
  await tx.query('DELETE FROM screening_entry_chunk WHERE version_id = ANY ($1::uuid[])', [ids]);
  await tx.query('DELETE FROM screening_upload_part WHERE version_id = ANY ($1::uuid[])', [ids]);
  return ids.length;
}
