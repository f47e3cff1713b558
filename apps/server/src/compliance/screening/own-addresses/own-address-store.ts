import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

/** An address on a merchant's own list: to be blocked, or known to be harmless. */
export type OwnAddress = {
  id: Uuid;
  /** As it is compared (normaliseAddress). */
  address: string;
  asset: string;
  verdict: 'block' | 'allow';
  reason: string;
  createdBy: string;
  createdAt: Date;
  removedBy: string | null;
  removedAt: Date | null;
};

const COLUMNS = `id, address, asset, verdict, reason, created_by AS "createdBy",
  created_at AS "createdAt", removed_by AS "removedBy", removed_at AS "removedAt"`;

/** @returns undefined when the address is on the list already */
export async function insertOwnAddress(
  tx: Tx,
  own: Omit<OwnAddress, 'createdAt' | 'removedBy' | 'removedAt'> & {
    merchantId: Uuid;
    atMs: number;
  },
): Promise<OwnAddress | undefined> {
  return await tx.maybe<OwnAddress>(
    `INSERT INTO screening_own_address (merchant_id, id, address, asset, verdict, reason, created_by,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (merchant_id, address) WHERE removed_at IS NULL DO NOTHING RETURNING ${COLUMNS}`,
    [
      own.merchantId,
      own.id,
      own.address,
      own.asset,
      own.verdict,
      own.reason,
      own.createdBy,
      new Date(own.atMs),
    ],
  );
}

export async function countOwnAddresses(tx: Tx, merchantId: Uuid): Promise<number> {
  const row = await tx.one<{ n: number }>(
    `SELECT count(*)::int AS n FROM screening_own_address
      WHERE merchant_id = $1 AND removed_at IS NULL`,
    [merchantId],
  );
  return row.n;
}

/** Takes an address off the list; its row stays. @returns undefined when there is none */
export async function removeOwnAddress(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid; by: string; atMs: number },
): Promise<OwnAddress | undefined> {
  return await tx.maybe<OwnAddress>(
    `UPDATE screening_own_address SET removed_by = coalesce(removed_by, $3),
            removed_at = coalesce(removed_at, $4)
      WHERE merchant_id = $1 AND id = $2 RETURNING ${COLUMNS}`,
    [own.merchantId, own.id, own.by, new Date(own.atMs)],
  );
}

/** What is on the list now, the newest first. */
export async function readOwnAddresses(
  tx: Tx,
  page: {
    merchantId: Uuid;
    startingAfter: Uuid | undefined;
    limit: number;
    verdict: 'block' | 'allow' | undefined;
  },
): Promise<OwnAddress[]> {
  return await tx.query<OwnAddress>(
    `SELECT ${COLUMNS} FROM screening_own_address
      WHERE merchant_id = $1 AND removed_at IS NULL AND ($2::uuid IS NULL OR id < $2)
        AND ($4::text IS NULL OR verdict = $4)
      ORDER BY id DESC LIMIT $3`,
    [page.merchantId, page.startingAfter ?? null, page.limit, page.verdict ?? null],
  );
}

/** Which of these addresses are on the merchant's own list. @param addresses as they are compared */
export async function findOwnAddresses(
  tx: Tx,
  { merchantId, addresses }: { merchantId: Uuid; addresses: readonly string[] },
): Promise<OwnAddress[]> {
  return await tx.query<OwnAddress>(
    `SELECT ${COLUMNS} FROM screening_own_address
      WHERE merchant_id = $1 AND removed_at IS NULL AND address = ANY ($2::text[])`,
    [merchantId, addresses],
  );
}
