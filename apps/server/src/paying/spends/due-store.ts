import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { SpendState } from './spend.ts';

/**
 * Takes spends that are due, each for one worker at a time; the lease ends by itself. Those of a
 * wallet that is held wait (it reads wallet_hold, which paying/guard owns).
 */
export async function claimDueSpends(
  tx: Tx,
  claim: { nowMs: number; leaseMs: number; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `UPDATE spend SET due_at = $2 WHERE id IN (
       SELECT id FROM spend s WHERE due_at <= $1
          AND NOT EXISTS (SELECT FROM wallet_hold h WHERE h.wallet_id = s.wallet_id)
        ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [new Date(claim.nowMs), new Date(claim.nowMs + claim.leaseMs), claim.limit],
  );
  return rows.map(({ id }) => id);
}

/** Makes everything due that is not in a block: after a start nobody knows what was under way. */
export async function wakeSpends(tx: Tx, nowMs: number): Promise<void> {
  await tx.query(
    `UPDATE spend SET due_at = $1 WHERE state IN ('planned', 'signed', 'broadcast')
        AND height IS NULL AND (due_at IS NULL OR due_at > $1)`,
    [new Date(nowMs)],
  );
}

/** Rung when a spend has become due, for the workers. */
export const SPENDS_CHANNEL = 'quittance_spends';

export async function ringSpends(tx: Tx): Promise<void> {
  await tx.query('SELECT pg_notify($1, $2)', [SPENDS_CHANNEL, '']);
}

/** Open spends by state, with the age of the oldest that is not confirmed. */
export async function countOpenSpends(
  tx: Tx,
): Promise<{ state: SpendState; count: bigint; oldestAt: Date }[]> {
  return await tx.query(
    `SELECT state, count(*) AS count, min(created_at) AS "oldestAt" FROM spend
      WHERE state NOT IN ('final', 'failed') GROUP BY state`,
  );
}
