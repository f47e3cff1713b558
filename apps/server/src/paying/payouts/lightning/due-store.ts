import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import type { DueAttempt } from '../../lightning/index.ts';

export type DuePayout = { readonly merchantId: Uuid; readonly id: Uuid };

/**
 * Payouts over Lightning that a person, a card or a pull payment wants paid now, the longest waiting
 * first.
 */
export async function readRequestedPayouts(
  tx: Tx,
  { nowMs, limit }: { nowMs: number; limit: number },
): Promise<DuePayout[]> {
  const rows = await tx.query<{ merchant_id: Uuid; id: Uuid }>(
    `SELECT merchant_id, id FROM payout
      WHERE method = 'lightning' AND state = 'approved' AND pay_request IS NOT NULL
        AND (not_before IS NULL OR not_before <= $1)
      ORDER BY approved_at, id LIMIT $2`,
    [new Date(nowMs), limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, id: row.id }));
}

/** With what their order is decided by. */
export type DuePayoutOfPayer = DuePayout & DueAttempt;

/**
 * What a store's processor may begin: payouts that were tried before when their pause is over, and
 * new ones when the processor is due.
 */
export async function readPayoutsOfPayer(
  tx: Tx,
  which: { merchantId: Uuid; nowMs: number; withNew: boolean; limit: number },
): Promise<DuePayoutOfPayer[]> {
  const rows = await tx.query<DueRow>(
    `SELECT id, destination, amount_msat, expires_at, coalesce(not_before, approved_at) AS due_at
       FROM payout
      WHERE merchant_id = $1 AND method = 'lightning' AND state = 'approved'
        AND pay_request IS NULL AND (not_before IS NULL OR not_before <= $2)
        AND ($3 OR attempts > 0)
      ORDER BY approved_at, id LIMIT $4`,
    [which.merchantId, new Date(which.nowMs), which.withNew, which.limit],
  );
  return rows.map((row) => ({
    ...{ merchantId: which.merchantId, id: row.id, destination: row.destination },
    ...{ amountMsat: row.amount_msat, dueAtMs: row.due_at.getTime() },
    expiresAtMs: row.expires_at?.getTime() ?? null,
  }));
}

type DueRow = {
  id: Uuid;
  destination: string;
  amount_msat: Msats;
  expires_at: Date | null;
  due_at: Date;
};

/** Payouts whose invoice has ended, or is about to, and that nobody is paying. */
export async function readExpiringPayouts(
  tx: Tx,
  { endBeforeMs, limit }: { endBeforeMs: number; limit: number },
): Promise<DuePayout[]> {
  const rows = await tx.query<{ merchant_id: Uuid; id: Uuid }>(
    `SELECT merchant_id, id FROM payout
      WHERE method = 'lightning' AND state IN ('awaiting_approval', 'approved')
        AND expires_at <= $1 ORDER BY expires_at LIMIT $2`,
    [new Date(endBeforeMs), limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, id: row.id }));
}

/**
 * Payouts that wait because our own node, its peers or its channels could not send, with what they
 * are over.
 */
export async function readWaitingForNode(
  tx: Tx,
  which: { afterMs: number; codes: readonly string[]; limit: number },
): Promise<(DuePayout & { amountMsat: Msats })[]> {
  const rows = await tx.query<{ merchant_id: Uuid; id: Uuid; amount_msat: Msats }>(
    `SELECT p.merchant_id, p.id, p.amount_msat FROM payout p
       JOIN lightning_attempt a ON a.merchant_id = p.merchant_id AND a.id = p.last_attempt_id
      WHERE p.method = 'lightning' AND p.state = 'approved' AND p.not_before > $1
        AND a.sends = 0 AND (a.failure_code = ANY($2) OR a.failure_class = 'node_unavailable')
      ORDER BY p.approved_at, p.id LIMIT $3`,
    [new Date(which.afterMs), which.codes, which.limit],
  );
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    id: row.id,
    amountMsat: row.amount_msat,
  }));
}

/** Payouts that a processor has under way now. */
export async function countUnderWay(
  tx: Tx,
  which: { merchantId: Uuid; processorId: Uuid },
): Promise<number> {
  const row = await tx.one<{ count: bigint }>(
    `SELECT count(*) AS count FROM payout WHERE merchant_id = $1 AND processor_id = $2
        AND state IN ('in_flight', 'unknown')`,
    [which.merchantId, which.processorId],
  );
  return Number(row.count);
}
