import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PayoutHold } from './hold.ts';

/** Rung when something changes that waiting payouts may be held or freed by. */
export const CHECKS_CHANNEL = 'quittance_payout_checks';

const COLUMNS = `merchant_id AS "merchantId", payout_id AS "payoutId", state, found, released,
  identifiers, case_id AS "caseId", version`;

export async function readHolds(
  tx: Tx,
  which: { merchantId: Uuid; payoutIds: readonly string[] },
): Promise<PayoutHold[]> {
  return await tx.query<PayoutHold>(
    `SELECT ${COLUMNS} FROM compliance_payout_hold
      WHERE merchant_id = $1 AND payout_id = ANY ($2::uuid[])`,
    [which.merchantId, which.payoutIds],
  );
}

/** Holds that a case is about, by payout. */
export async function readHoldsOfCase(
  tx: Tx,
  which: { merchantId: Uuid; caseId: Uuid },
): Promise<PayoutHold[]> {
  return await tx.query<PayoutHold>(
    `SELECT ${COLUMNS} FROM compliance_payout_hold
      WHERE merchant_id = $1 AND case_id = $2 ORDER BY payout_id`,
    [which.merchantId, which.caseId],
  );
}

/** Writes a hold; its payout's lock is the caller's. The first version is inserted. */
export async function writeHold(tx: Tx, hold: PayoutHold, nowMs: number): Promise<void> {
  const rows = await tx.query(
    `INSERT INTO compliance_payout_hold AS h (merchant_id, payout_id, state, found, released,
            identifiers, case_id, version, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (merchant_id, payout_id) DO UPDATE SET state = $3, found = $4, released = $5,
            identifiers = $6, case_id = $7, version = $8, updated_at = $9
      WHERE h.version = $8 - 1 RETURNING 1 AS written`,
    [
      ...[hold.merchantId, hold.payoutId, hold.state, hold.found, hold.released],
      ...[hold.identifiers, hold.caseId, hold.version, new Date(nowMs)],
    ],
  );
  assert(rows.length === 1, 'a hold is written by who holds its payout');
}

/** Has waiting payouts looked at again once the transaction is committed. */
export async function ringChecks(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_notify('${CHECKS_CHANNEL}', '')`);
}

/** The switch of lists that is in force; 0n before the first. For quittance_system only. */
export async function readListEpoch(tx: Tx): Promise<bigint> {
  const { epoch } = await tx.one<{ epoch: bigint }>(
    'SELECT coalesce(max(epoch), 0)::bigint AS epoch FROM screening_switch',
  );
  return epoch;
}
