import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type OwnWallet = { readonly merchantId: Uuid; readonly walletId: Uuid };

/** A wallet that nothing is paid from until a person has looked. */
export type WalletHold = {
  readonly walletId: Uuid;
  readonly heldAtMs: number;
  /** A sentence for a person. */
  readonly reason: string;
};

/** Stops everything that pays out of one wallet, whoever asked for it. The first reason stays. */
export async function holdWallet(
  tx: Tx,
  hold: OwnWallet & { nowMs: number; reason: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO wallet_hold (merchant_id, wallet_id, held_at, reason) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [hold.merchantId, hold.walletId, new Date(hold.nowMs), hold.reason],
  );
}

/** @returns whether it was held */
export async function releaseWallet(tx: Tx, { merchantId, walletId }: OwnWallet): Promise<boolean> {
  const released = await tx.query(
    'DELETE FROM wallet_hold WHERE merchant_id = $1 AND wallet_id = $2 RETURNING 1 AS released',
    [merchantId, walletId],
  );
  return released.length > 0;
}

/** Those of a merchant; there are as many as it has wallets at the most. */
export async function readWalletHolds(tx: Tx, merchantId: Uuid): Promise<WalletHold[]> {
  const rows = await tx.query<{ wallet_id: Uuid; held_at: Date; reason: string }>(
    'SELECT wallet_id, held_at, reason FROM wallet_hold WHERE merchant_id = $1 ORDER BY wallet_id',
    [merchantId],
  );
  return rows.map((row) => ({
    walletId: row.wallet_id,
    heldAtMs: row.held_at.getTime(),
    reason: row.reason,
  }));
}

/**
 * Null when money may leave this wallet; else why not, in words that its store may read. Whoever is
 * asked in between that and the next step is held at the next one.
 */
export async function heldBecause(tx: Tx, walletId: Uuid): Promise<string | null> {
  const row = await tx.one<{ all_held: boolean; reason: string | null }>(
    `SELECT money_out_is_held() AS all_held,
            (SELECT reason FROM wallet_hold WHERE wallet_id = $1) AS reason`,
    [walletId],
  );
  if (row.all_held) return 'everything that pays out is held until the operator lets it go on';
  return row.reason;
}
