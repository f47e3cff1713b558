import { defaultPayoutPolicy } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PayoutState } from './payout.ts';

export type StuckPayout = { merchantId: Uuid; id: Uuid; state: PayoutState; sinceMs: number };

/** Said again as often, so that a reminder can be sent. */
const SAY_AGAIN_AFTER_MS = 3_600_000;

/** Payouts that have stood in a state for longer than the store's policy says. */
export async function takeStuckPayouts(
  tx: Tx,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<StuckPayout[]> {
  const states = Object.keys(defaultPayoutPolicy.stuckAfterMinutes);
  const minutes = Object.values(defaultPayoutPolicy.stuckAfterMinutes);
  const rows = await tx.query<{
    merchant_id: Uuid;
    id: Uuid;
    state: PayoutState;
    state_since: Date;
  }>(
    `UPDATE payout u SET stuck_at = $1 FROM (
       SELECT p.merchant_id, p.id FROM payout p
         JOIN unnest($2::text[], $3::int[]) AS usual (state, minutes) ON usual.state = p.state
         LEFT JOIN payout_policy y ON y.merchant_id = p.merchant_id
        WHERE p.state NOT IN ('final', 'failed', 'cancelled')
          AND p.state_since <= $1::timestamptz - interval '1 minute' * coalesce(
                (y.policy->'stuckAfterMinutes'->>p.state)::int, usual.minutes)
          AND (p.stuck_at IS NULL OR p.stuck_at <= $4)
        ORDER BY p.state_since LIMIT $5 FOR UPDATE OF p SKIP LOCKED) s
      WHERE u.merchant_id = s.merchant_id AND u.id = s.id
      RETURNING u.merchant_id, u.id, u.state, u.state_since`,
    [new Date(nowMs), states, minutes, new Date(nowMs - SAY_AGAIN_AFTER_MS), limit],
  );
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    id: row.id,
    state: row.state,
    sinceMs: row.state_since.getTime(),
  }));
}

/** Payouts that were alerted of and have moved since, or have ended. */
export async function takeMovedPayouts(
  tx: Tx,
  limit: number,
): Promise<{ merchantId: Uuid; id: Uuid }[]> {
  const rows = await tx.query<{ merchant_id: Uuid; id: Uuid }>(
    `UPDATE payout u SET stuck_at = NULL FROM (
       SELECT p.merchant_id, p.id FROM payout p
        WHERE p.stuck_at IS NOT NULL AND p.state_since >= p.stuck_at
        LIMIT $1 FOR UPDATE SKIP LOCKED) s
      WHERE u.merchant_id = s.merchant_id AND u.id = s.id
      RETURNING u.merchant_id, u.id`,
    [limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, id: row.id }));
}

/** Whether some payout waits because the signer does not answer. */
export async function isSignerMissed(tx: Tx): Promise<boolean> {
  const row = await tx.one<{ missed: boolean }>(
    `SELECT EXISTS (SELECT FROM payout WHERE state = 'in_progress'
        AND reason = 'signer_unavailable') AS missed`,
  );
  return row.missed;
}

/** Payouts under way, of all stores, by state. */
export async function countOpenPayouts(
  tx: Tx,
  nowMs: number,
): Promise<{ state: PayoutState; count: number; oldestAgeMs: number }[]> {
  const rows = await tx.query<{ state: PayoutState; count: bigint; since: Date }>(
    `SELECT state, count(*) AS count, min(state_since) AS since FROM payout
      WHERE state NOT IN ('final', 'failed', 'cancelled') GROUP BY state`,
  );
  return rows.map(({ state, count, since }) => ({
    state,
    count: Number(count),
    oldestAgeMs: Math.max(0, nowMs - since.getTime()),
  }));
}
