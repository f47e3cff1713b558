import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { StoredDocument } from './document.ts';
import type { OwnCustomer } from './store.ts';

type Row = Omit<StoredDocument, 'expiresAtMs' | 'uploadedAtMs'> & {
  expiresAt: Date | null;
  uploadedAt: Date;
};

/** Not the content, which may be large. */
const COLUMNS = `merchant_id AS "merchantId", id, customer_id AS "customerId", type,
  media_type AS "mediaType", size_bytes AS "sizeBytes", sha256, expires_at AS "expiresAt",
  uploaded_by AS "uploadedBy", uploaded_at AS "uploadedAt"`;

function documentOf({ expiresAt, uploadedAt, ...row }: Row): StoredDocument {
  return {
    ...row,
    expiresAtMs: expiresAt?.getTime() ?? null,
    uploadedAtMs: uploadedAt.getTime(),
  };
}

export async function insertDocument(
  tx: Tx,
  document: StoredDocument,
  sealedContent: Uint8Array,
): Promise<void> {
  await tx.query(
    `INSERT INTO customer_document (merchant_id, id, customer_id, type, media_type, size_bytes,
            sha256, sealed_content, expires_at, uploaded_by, uploaded_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      document.merchantId,
      document.id,
      document.customerId,
      document.type,
      document.mediaType,
      document.sizeBytes,
      document.sha256,
      sealedContent,
      dateOf(document.expiresAtMs),
      document.uploadedBy,
      new Date(document.uploadedAtMs),
    ],
  );
}

export async function readDocuments(tx: Tx, own: OwnCustomer): Promise<StoredDocument[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_document
      WHERE merchant_id = $1 AND customer_id = $2 ORDER BY id DESC`,
    [own.merchantId, own.id],
  );
  return rows.map(documentOf);
}

export async function readDocumentsById(
  tx: Tx,
  which: OwnCustomer & { ids: readonly Uuid[] },
): Promise<StoredDocument[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM customer_document
      WHERE merchant_id = $1 AND customer_id = $2 AND id = ANY($3::uuid[])`,
    [which.merchantId, which.id, which.ids],
  );
  return rows.map(documentOf);
}

export async function countDocuments(tx: Tx, own: OwnCustomer): Promise<number> {
  const { count } = await tx.one<{ count: number }>(
    `SELECT count(*)::int AS count FROM customer_document
      WHERE merchant_id = $1 AND customer_id = $2`,
    [own.merchantId, own.id],
  );
  return count;
}

export async function findDocument(
  tx: Tx,
  which: { merchantId: Uuid; id: Uuid },
): Promise<{ document: StoredDocument; sealedContent: Uint8Array } | undefined> {
  const row = await tx.maybe<Row & { sealedContent: Buffer }>(
    `SELECT ${COLUMNS}, sealed_content AS "sealedContent" FROM customer_document
      WHERE merchant_id = $1 AND id = $2`,
    [which.merchantId, which.id],
  );
  if (row === undefined) return undefined;
  const { sealedContent, ...rest } = row;
  return { document: documentOf(rest), sealedContent };
}
