import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

export type UploadedPart = { file: string; part: number; bytes: number };

/** Writes a part of a file; the same part again takes the place of the one before. */
export async function writePart(
  tx: Tx,
  part: { versionId: Uuid; file: string; part: number; body: Uint8Array },
): Promise<void> {
  await tx.query(
    `INSERT INTO screening_upload_part (version_id, file, part, body) VALUES ($1, $2, $3, $4)
     ON CONFLICT (version_id, file, part) DO UPDATE SET body = excluded.body`,
    [part.versionId, part.file, part.part, part.body],
  );
}

/** What has arrived so far, in the order of files and parts, without the bytes. */
export async function readParts(tx: Tx, versionId: Uuid): Promise<UploadedPart[]> {
  return await tx.query(
    `SELECT file, part, length(body) AS bytes FROM screening_upload_part
      WHERE version_id = $1 ORDER BY file, part`,
    [versionId],
  );
}

export async function readPart(
  tx: Tx,
  { versionId, file, part }: { versionId: Uuid; file: string; part: number },
): Promise<Uint8Array> {
  const row = await tx.one<{ body: Uint8Array }>(
    'SELECT body FROM screening_upload_part WHERE version_id = $1 AND file = $2 AND part = $3',
    [versionId, file, part],
  );
  return row.body;
}

export async function deleteParts(tx: Tx, versionId: Uuid): Promise<void> {
  await tx.query('DELETE FROM screening_upload_part WHERE version_id = $1', [versionId]);
}
