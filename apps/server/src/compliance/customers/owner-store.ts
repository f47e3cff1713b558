import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Share } from './ownership.ts';
import type { OwnCustomer } from './store.ts';

/** All shares among the parties that these are connected with, in whatever direction. */
export async function readFamilyShares(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[] },
): Promise<Share[]> {
  return await tx.query<Share>(
    `WITH RECURSIVE family (id) AS (
       SELECT unnest($2::uuid[])
       UNION
       SELECT CASE WHEN o.entity_id = f.id THEN o.owner_id ELSE o.entity_id END
         FROM family f
         JOIN customer_owner o
           ON o.merchant_id = $1 AND (o.entity_id = f.id OR o.owner_id = f.id))
     SELECT entity_id AS "entityId", owner_id AS "ownerId", share_bps AS "shareBps", controls
       FROM customer_owner
      WHERE merchant_id = $1 AND entity_id IN (SELECT id FROM family)
      ORDER BY entity_id, owner_id`,
    [which.merchantId, which.ids],
  );
}

export async function replaceOwners(
  tx: Tx,
  entity: OwnCustomer,
  owners: readonly Omit<Share, 'entityId'>[],
  made: { by: string; atMs: number },
): Promise<void> {
  await tx.query('DELETE FROM customer_owner WHERE merchant_id = $1 AND entity_id = $2', [
    entity.merchantId,
    entity.id,
  ]);
  await tx.query(
    `INSERT INTO customer_owner (merchant_id, entity_id, owner_id, share_bps, controls, created_by,
            created_at)
     SELECT $1, $2, owner_id, share_bps, controls, $6, $7
       FROM unnest($3::uuid[], $4::int[], $5::boolean[]) AS n (owner_id, share_bps, controls)`,
    [
      entity.merchantId,
      entity.id,
      owners.map(({ ownerId }) => ownerId),
      owners.map(({ shareBps }) => shareBps),
      owners.map(({ controls }) => controls),
      made.by,
      new Date(made.atMs),
    ],
  );
}

/** Takes a party out of all ownership, above and below. */
export async function deleteOwnership(tx: Tx, own: OwnCustomer): Promise<void> {
  await tx.query(
    'DELETE FROM customer_owner WHERE merchant_id = $1 AND (entity_id = $2 OR owner_id = $2)',
    [own.merchantId, own.id],
  );
}
