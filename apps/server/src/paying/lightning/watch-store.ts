import type { Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Attempt } from './attempt.ts';
import { ATTEMPT_COLUMNS, type AttemptRow, attemptOf, type OwnAttempt } from './attempt-store.ts';

/** Takes attempts that have ended and could still arrive, each for one worker at a time. */
export async function claimWatchedAttempts(
  tx: Tx,
  claim: { nowMs: number; leaseMs: number; limit: number },
): Promise<Attempt[]> {
  const rows = await tx.query<AttemptRow>(
    `UPDATE lightning_attempt SET watch_due_at = $2 WHERE id IN (
       SELECT id FROM lightning_attempt WHERE watch_due_at <= $1
        ORDER BY watch_due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
     RETURNING ${ATTEMPT_COLUMNS}`,
    [new Date(claim.nowMs), new Date(claim.nowMs + claim.leaseMs), claim.limit],
  );
  return rows.map(attemptOf);
}

/** When it is asked about next; null: never again. */
export async function writeWatch(tx: Tx, own: OwnAttempt, dueAtMs: number | null): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt SET watch_due_at = $3
      WHERE merchant_id = $1 AND id = $2 AND watch_due_at IS NOT NULL`,
    [own.merchantId, own.id, dateOf(dueAtMs)],
  );
}

/** Makes watched attempts due now, unless somebody has them in hand. */
export async function wakeWatched(
  tx: Tx,
  which: { merchantId: Uuid; ids: readonly Uuid[]; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt SET watch_due_at = $3 WHERE id IN (
       SELECT id FROM lightning_attempt WHERE merchant_id = $1 AND id = ANY($2)
          AND watch_due_at > $3 FOR UPDATE SKIP LOCKED)`,
    [which.merchantId, which.ids, new Date(which.nowMs)],
  );
}

/** What counted as failed was paid after all. The caller has locked it, and knows that it is watched. */
export async function writeLateSuccess(
  tx: Tx,
  own: OwnAttempt,
  paid: { preimage: Uint8Array; sentMsat: bigint; feeMsat: bigint },
): Promise<void> {
  await tx.query(
    `UPDATE lightning_attempt SET state = 'succeeded', failure_class = NULL, arrived_late = true,
            preimage = $3, sent_msat = $4, fee_msat = $5, watch_due_at = NULL
      WHERE merchant_id = $1 AND id = $2 AND state = 'failed'`,
    [own.merchantId, own.id, paid.preimage, paid.sentMsat, paid.feeMsat],
  );
}
