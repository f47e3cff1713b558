import { defaultPayoutPolicy, type PayoutPolicy, payoutPolicySchema } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What a store allows in payouts; the defaults until it says something else. */
export async function readPayoutPolicy(tx: Tx, merchantId: Uuid): Promise<PayoutPolicy> {
  const row = await tx.maybe<{ policy: Record<string, unknown> }>(
    'SELECT policy FROM payout_policy WHERE merchant_id = $1',
    [merchantId],
  );
  // A rule that is newer than the row gets its default.
  return payoutPolicySchema.parse({ ...defaultPayoutPolicy, ...row?.policy });
}

export async function writePayoutPolicy(
  tx: Tx,
  merchantId: Uuid,
  { policy, nowMs }: { policy: PayoutPolicy; nowMs: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO payout_policy (merchant_id, policy, updated_at) VALUES ($1, $2, $3)
     ON CONFLICT (merchant_id) DO UPDATE SET policy = excluded.policy,
       updated_at = excluded.updated_at`,
    [merchantId, JSON.stringify(policy), new Date(nowMs)],
  );
}
