import { defaultCustomerSettings } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OwnCustomer } from './store.ts';

/** Takes customers that are due to be screened, so that nobody else does before the lease is over. */
export async function claimCustomersToScreen(
  tx: Tx,
  claim: { nowMs: number; untilMs: number; limit: number },
): Promise<OwnCustomer[]> {
  return await tx.query<OwnCustomer>(
    `UPDATE customer SET screen_due_at = $2
      WHERE id IN (SELECT id FROM customer WHERE screen_due_at <= $1
                    ORDER BY screen_due_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
     RETURNING merchant_id AS "merchantId", id`,
    [new Date(claim.nowMs), new Date(claim.untilMs), claim.limit],
  );
}

/** All customers that can be screened, in the order of their ids. */
export async function readCustomersAfter(
  tx: Tx,
  page: { after: Uuid; limit: number },
): Promise<OwnCustomer[]> {
  return await tx.query<OwnCustomer>(
    `SELECT merchant_id AS "merchantId", id FROM customer
      WHERE id > $1 AND screen_due_at IS NOT NULL ORDER BY id LIMIT $2`,
    [page.after, page.limit],
  );
}

/**
 * Customers whose documents have run out, whose review is due and nobody was told, or whose review
 * is so late that the verification ends.
 */
export async function findDueCustomers(
  tx: Tx,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<OwnCustomer[]> {
  return await tx.query<OwnCustomer>(
    `SELECT c.merchant_id AS "merchantId", c.id FROM customer c
       LEFT JOIN customer_settings s ON s.merchant_id = c.merchant_id
      WHERE c.erased_at IS NULL AND (c.valid_until <= $1
         OR (c.review_due_at <= $1 AND c.review_told_at IS NULL)
         OR (c.review_due_at <= $1 AND c.review_due_at
             + make_interval(hours => 24 * coalesce((s.settings->>'reviewGraceDays')::int, $3)) <= $1))
      ORDER BY c.id LIMIT $2`,
    [new Date(nowMs), limit, defaultCustomerSettings.reviewGraceDays],
  );
}
