import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PayoutState } from './payout.ts';

/** An open payout, as far as one needs it to see whether a transaction pays it. */
export type OpenPayout = {
  readonly id: Uuid;
  readonly merchantId: Uuid;
  readonly walletId: Uuid;
  readonly spendId: Uuid | null;
  readonly state: PayoutState;
  readonly script: Uint8Array;
  readonly amountSats: Sats;
  readonly maxFeeShareSats: Sats;
  readonly createdAtMs: number;
};

/** Open payouts to one of these scripts, the oldest first. */
export async function readOpenPayoutsTo(
  tx: Tx,
  scripts: readonly Uint8Array[],
): Promise<OpenPayout[]> {
  if (scripts.length === 0) return [];
  const rows = await tx.query<{
    id: Uuid;
    merchant_id: Uuid;
    wallet_id: Uuid;
    spend_id: Uuid | null;
    state: PayoutState;
    script: Buffer;
    amount_sats: bigint;
    max_fee_share_sats: bigint;
    created_at: Date;
  }>(
    `SELECT id, merchant_id, wallet_id, spend_id, state, script, amount_sats, max_fee_share_sats,
            created_at
       FROM payout WHERE script = ANY($1::bytea[]) AND method = 'onchain'
        AND state NOT IN ('final', 'failed', 'cancelled') ORDER BY id`,
    [scripts],
  );
  return rows.map((row) => ({
    id: row.id,
    merchantId: row.merchant_id,
    walletId: row.wallet_id,
    spendId: row.spend_id,
    state: row.state,
    script: row.script,
    amountSats: row.amount_sats,
    maxFeeShareSats: row.max_fee_share_sats,
    createdAtMs: row.created_at.getTime(),
  }));
}

/** Locks payouts of any merchant in the order of their ids. */
export async function lockOpenPayouts(tx: Tx, ids: readonly Uuid[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    'SELECT 1 AS locked FROM payout WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
    [ids],
  );
}
