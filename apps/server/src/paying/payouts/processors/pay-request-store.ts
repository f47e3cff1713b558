import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';

/** Nobody who waits for a payment looks less often than this. */
const MAX_PAUSE_MS = 600_000;
const FIRST_PAUSE_MS = 2_000;

/**
 * A payment by hand that went wrong, in a way that no reason stands for, is left alone for a while
 * that doubles, so that those behind it have their turn. A new request of the person begins anew.
 */
export async function postponePayRequest(
  tx: Tx,
  { id, nowMs }: { id: Uuid; nowMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE payout SET pay_request = pay_request || jsonb_build_object(
            'failures', coalesce((pay_request->>'failures')::int, 0) + 1,
            'notBeforeMs', $2::bigint + least($3::bigint,
               $4::bigint << least(20, coalesce((pay_request->>'failures')::int, 0))))
      WHERE id = $1 AND state = 'approved' AND pay_request IS NOT NULL`,
    [id, nowMs, MAX_PAUSE_MS, FIRST_PAUSE_MS],
  );
}
