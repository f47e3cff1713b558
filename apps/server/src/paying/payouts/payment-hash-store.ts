import { fromHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Payout } from './payout.ts';

/**
 * Takes the payment hashes of new payouts for them, for ever: the same invoice is never paid by two
 * payouts of a store, whatever became of the first (ADR 0014).
 * @throws {AppError} invoice_taken
 */
export async function claimPaymentHashes(
  tx: Tx,
  payouts: readonly Payout[],
  nowMs: number,
): Promise<void> {
  const hashes = payouts.flatMap(({ id, lightning }) =>
    lightning?.paymentHash ? [{ id, hash: lightning.paymentHash }] : [],
  );
  const merchantId = payouts[0]?.merchantId;
  if (hashes.length === 0 || merchantId === undefined) return;
  const claimed = await tx.query(
    `INSERT INTO lightning_payment_hash (merchant_id, payment_hash, payout_id, claimed_at)
     SELECT $1, hash, payout_id, $4 FROM unnest($2::bytea[], $3::uuid[]) AS n (hash, payout_id)
     ON CONFLICT (merchant_id, payment_hash) DO NOTHING RETURNING 1 AS claimed`,
    [
      merchantId,
      hashes.map(({ hash }) => fromHex(hash)),
      hashes.map(({ id }) => id),
      new Date(nowMs),
    ],
  );
  if (claimed.length === hashes.length) return;
  throw new AppError(
    'invoice_taken',
    'Another payout is for this invoice. Ask the recipient for a new one.',
  );
}

/**
 * Takes the hash of an invoice that was fetched for an attempt, and says which node is asked to pay
 * it.
 * @returns false when the hash is another payout's, of this store or on this node
 */
export async function claimForAttempt(
  tx: Tx,
  claim: { merchantId: Uuid; payoutId: Uuid; paymentHash: string; nodeKey: string; nowMs: number },
): Promise<boolean> {
  const { merchantId, payoutId, paymentHash, nodeKey, nowMs } = claim;
  const hash = fromHex(paymentHash);
  const elsewhere = await tx.query(
    `SELECT 1 AS taken FROM lightning_payment_hash
      WHERE payment_hash = $2 AND ((merchant_id = $1 AND payout_id <> $3)
         OR (node_key = $4 AND merchant_id <> $1))`,
    [merchantId, hash, payoutId, nodeKey],
  );
  if (elsewhere.length > 0) return false;
  const claimed = await tx.query(
    `INSERT INTO lightning_payment_hash (merchant_id, payment_hash, payout_id, node_key, claimed_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (merchant_id, payment_hash) DO UPDATE SET node_key = excluded.node_key
       WHERE lightning_payment_hash.payout_id = $3 RETURNING 1 AS claimed`,
    [merchantId, hash, payoutId, nodeKey, new Date(nowMs)],
  );
  return claimed.length === 1;
}
