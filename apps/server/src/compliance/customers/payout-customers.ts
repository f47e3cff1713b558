import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { countOpenHits } from './hit-store.ts';
import {
  type PayoutCustomerRow,
  readPayoutCustomerRows,
  sharePayoutCustomerRows,
} from './payout-customer-store.ts';

/** Why nothing is paid to a customer now. */
export type CustomerObjection = 'blocked' | 'open_hit' | 'rejected' | 'expired';

export type PayoutCustomer = {
  payoutId: Uuid;
  customerId: Uuid;
  /** All that speaks against it, the gravest first; empty: nothing. */
  objections: CustomerObjection[];
};

/**
 * What speaks against paying the customers of these payouts: of refunds, whose orders name them. Who was
 * never verified, or has left, is paid back as anybody is.
 * @param which.lock whether the customers stay as they are until the transaction ends
 */
export async function readPayoutCustomers(
  tx: Tx,
  which: { merchantId: Uuid; payoutIds: readonly string[]; nowMs: number; lock: boolean },
): Promise<PayoutCustomer[]> {
  const { merchantId, nowMs, lock } = which;
  const rows = await (lock ? sharePayoutCustomerRows : readPayoutCustomerRows)(tx, which);
  if (rows.length === 0) return [];
  const ids = [...new Set(rows.map(({ customerId }) => customerId))];
  const hits = await countOpenHits(tx, { merchantId, ids });
  return rows.map((row) => ({
    payoutId: row.payoutId,
    customerId: row.customerId,
    objections: objectionsTo(row, (hits.get(row.customerId)?.sanctions ?? 0) > 0, nowMs),
  }));
}

function objectionsTo(
  { state, blocked, validUntil }: PayoutCustomerRow,
  hasHit: boolean,
  nowMs: number,
): CustomerObjection[] {
  const objections: CustomerObjection[] = [];
  if (blocked) objections.push('blocked');
  if (hasHit) objections.push('open_hit');
  if (state === 'rejected') objections.push('rejected');
  // The loop that lets it expire may be late.
  const isOver = validUntil !== null && validUntil.getTime() <= nowMs;
  if (state === 'expired' || (state === 'verified' && isOver)) objections.push('expired');
  return objections;
}
