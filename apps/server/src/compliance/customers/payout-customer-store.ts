import type { CustomerState } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type PayoutCustomerRow = {
  payoutId: Uuid;
  customerId: Uuid;
  state: CustomerState;
  blocked: boolean;
  validUntil: Date | null;
};

const TEXT = `SELECT p.id AS "payoutId", c.id AS "customerId", c.state,
         c.blocked_at IS NOT NULL OR c.owner_blocked AS blocked, c.valid_until AS "validUntil"
    FROM payout p
    JOIN refund r ON r.merchant_id = p.merchant_id AND r.id = p.refund_id
    JOIN customer_order o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
    JOIN customer c ON c.merchant_id = o.merchant_id AND c.id = o.customer_id
   WHERE p.merchant_id = $1 AND p.id = ANY ($2::uuid[])
   ORDER BY c.id, p.id`;

type Which = { merchantId: Uuid; payoutIds: readonly string[] };

/** Whose orders payouts give money back of. Payouts that are no refunds have no customer. */
export async function readPayoutCustomerRows(tx: Tx, which: Which): Promise<PayoutCustomerRow[]> {
  return await tx.query<PayoutCustomerRow>(TEXT, [which.merchantId, which.payoutIds]);
}

/**
 * The same, and whoever changes these customers waits: what is decided on them now is decided before
 * that change.
 */
export async function sharePayoutCustomerRows(tx: Tx, which: Which): Promise<PayoutCustomerRow[]> {
  return await tx.query<PayoutCustomerRow>(`${TEXT} FOR SHARE OF c`, [
    which.merchantId,
    which.payoutIds,
  ]);
}
