import type { PayoutDestinationKind, PayoutMethod } from '@quittance/contract';
import type { Msats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { PayoutReason } from './payout.ts';
import type { OwnPayout } from './store.ts';

/** An approved payout that nobody has begun to pay: what has to be known to look at it again. */
export type WaitingPayout = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly method: PayoutMethod;
  readonly destination: string;
  readonly destinationKind: PayoutDestinationKind;
  readonly amountMsat: Msats;
  readonly reason: PayoutReason | null;
  readonly notBeforeMs: number | null;
};

type Row = Omit<WaitingPayout, 'notBeforeMs'> & { notBefore: Date | null };

/** Waiting payouts of all stores by id, from the one after `afterId` on; in asSystem. */
export async function readWaitingPayouts(
  tx: Tx,
  { afterId, limit }: { afterId: Uuid | null; limit: number },
): Promise<WaitingPayout[]> {
  const rows = await tx.query<Row>(
    `SELECT merchant_id AS "merchantId", id, method, destination,
            destination_kind AS "destinationKind", amount_msat AS "amountMsat", reason,
            not_before AS "notBefore"
       FROM payout WHERE state = 'approved' AND ($1::uuid IS NULL OR id > $1)
      ORDER BY id LIMIT $2`,
    [afterId, limit],
  );
  return rows.map(({ notBefore, ...same }) => ({
    ...same,
    notBeforeMs: notBefore?.getTime() ?? null,
  }));
}

/** Locks a payout that still waits, unless somebody has it. */
export async function lockWaiting(tx: Tx, own: OwnPayout): Promise<boolean> {
  const rows = await tx.query(
    `SELECT 1 AS locked FROM payout WHERE merchant_id = $1 AND id = $2 AND state = 'approved'
        FOR UPDATE SKIP LOCKED`,
    [own.merchantId, own.id],
  );
  return rows.length === 1;
}

/** Payouts of a store that a check holds now and no run looks at before its pause is over. */
export async function readHeldPayouts(
  tx: Tx,
  which: {
    merchantId: Uuid;
    method: PayoutMethod;
    walletId: Uuid | null;
    nowMs: number;
    limit: number;
  },
): Promise<OwnPayout[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM payout
      WHERE merchant_id = $1 AND state = 'approved' AND method = $2
        AND ($3::uuid IS NULL OR wallet_id = $3) AND reason = 'destination_held'
        AND not_before > $4
      ORDER BY approved_at, id LIMIT $5`,
    [which.merchantId, which.method, which.walletId, new Date(which.nowMs), which.limit],
  );
  return rows.map(({ id }) => ({ merchantId: which.merchantId, id }));
}
