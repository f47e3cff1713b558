import type { PayoutState } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What was approved since then and has not ended without being paid. */
export async function sumApprovedSince(
  tx: Tx,
  which: { merchantId: Uuid; sinceMs: number },
): Promise<bigint> {
  const row = await tx.one<{ sum: bigint }>(
    `SELECT coalesce(sum(amount_sats), 0)::bigint AS sum FROM payout
      WHERE merchant_id = $1 AND approved_at > $2 AND state NOT IN ('failed', 'cancelled')`,
    [which.merchantId, new Date(which.sinceMs)],
  );
  return row.sum;
}

/** What a processor has begun to pay since then and has not taken back. */
export async function sumStartedSince(
  tx: Tx,
  which: { merchantId: Uuid; processorId: Uuid; sinceMs: number },
): Promise<bigint> {
  const row = await tx.one<{ sum: bigint }>(
    `SELECT coalesce(sum(amount_sats), 0)::bigint AS sum FROM payout
      WHERE merchant_id = $1 AND processor_id = $2 AND started_at > $3
        AND (spend_id IS NOT NULL OR attempt_id IS NOT NULL)`,
    [which.merchantId, which.processorId, new Date(which.sinceMs)],
  );
  return row.sum;
}

export type StateSum = { state: PayoutState; count: bigint; sats: bigint; since: Date | null };

export async function sumByState(tx: Tx, merchantId: Uuid): Promise<StateSum[]> {
  return await tx.query<StateSum>(
    `SELECT state, count(*) AS count, coalesce(sum(amount_sats), 0)::bigint AS sats,
            min(state_since) AS since
       FROM payout WHERE merchant_id = $1 GROUP BY state`,
    [merchantId],
  );
}

export type ReasonSum = { state: PayoutState; reason: string; count: bigint; sats: bigint };

export async function sumByReason(tx: Tx, merchantId: Uuid): Promise<ReasonSum[]> {
  return await tx.query<ReasonSum>(
    `SELECT state, reason, count(*) AS count, sum(amount_sats)::bigint AS sats
       FROM payout WHERE merchant_id = $1 AND reason IS NOT NULL GROUP BY state, reason
      ORDER BY state, reason`,
    [merchantId],
  );
}

/** What waits to be paid from a wallet now. */
export async function sumWaiting(
  tx: Tx,
  which: { merchantId: Uuid; walletId: Uuid; nowMs: number },
): Promise<{ sats: bigint; count: number; oldestApprovedAtMs: number | null }> {
  const row = await tx.one<{ sats: bigint; count: bigint; oldest: Date | null }>(
    `SELECT coalesce(sum(amount_sats), 0)::bigint AS sats, count(*) AS count,
            min(approved_at) AS oldest
       FROM payout WHERE merchant_id = $1 AND wallet_id = $2 AND state = 'approved'
        AND (not_before IS NULL OR not_before <= $3)`,
    [which.merchantId, which.walletId, new Date(which.nowMs)],
  );
  const { sats, count, oldest } = row;
  return { sats, count: Number(count), oldestApprovedAtMs: oldest?.getTime() ?? null };
}

/** The height that confirmations count from: the last block whose effects are committed. */
export async function readTipHeight(tx: Tx): Promise<number> {
  const row = await tx.one<{ height: number }>(
    'SELECT coalesce(max(height), 0) AS height FROM chain_cursor',
  );
  return row.height;
}
