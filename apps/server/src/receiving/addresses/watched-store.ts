import type { Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import type { Branch } from './store.ts';

/** How far each branch of each wallet is derived: what the watcher compares its watch set with. */
export async function readDerivedThrough(
  tx: Tx,
): Promise<{ walletId: Uuid; branch: Branch; derivedThrough: number }[]> {
  const rows = await tx.query<{ id: Uuid; branch: Branch; derived_through: number }>(
    `SELECT id, 0 AS branch, derived_through FROM receiving_wallet
      UNION ALL SELECT id, 1, change_derived_through FROM receiving_wallet WHERE branches = 2`,
  );
  return rows.map((row) => ({
    walletId: row.id,
    branch: row.branch,
    derivedThrough: row.derived_through,
  }));
}

/** When the first wallet of all was added; null when there is none. */
export async function readFirstWalletMs(tx: Tx): Promise<number | null> {
  const row = await tx.one<{ first: Date | null }>(
    'SELECT min(created_at) AS first FROM receiving_wallet',
  );
  return row.first?.getTime() ?? null;
}

export async function readAddressesAfter(
  tx: Tx,
  from: { walletId: Uuid; branch: Branch; index: number; limit: number },
): Promise<{ id: number; index: number; script: Uint8Array }[]> {
  return tx.query(
    `SELECT a.id, a.index, a.script FROM address a
       JOIN receiving_wallet w ON w.merchant_id = a.merchant_id AND w.id = a.wallet_id
      WHERE w.id = $1 AND a.branch = $2 AND a.index > $3 ORDER BY a.index LIMIT $4`,
    [from.walletId, from.branch, from.index, from.limit],
  );
}

export type PaidAddress = {
  id: number;
  merchantId: Uuid;
  walletId: Uuid;
  branch: Branch;
  index: number;
  orderId: Uuid | null;
};

/** Addresses by their row ids, with the orders that have them. */
export async function readPaidAddresses(
  tx: Tx,
  ids: readonly number[],
): Promise<Map<number, PaidAddress>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.query<{
    id: number;
    merchant_id: Uuid;
    wallet_id: Uuid;
    branch: Branch;
    index: number;
    order_id: Uuid | null;
  }>(
    `SELECT a.id, a.merchant_id, a.wallet_id, a.branch, a.index, o.id AS order_id FROM address a
       LEFT JOIN orders o ON o.wallet_id = a.wallet_id AND o.address_index = a.index
        AND a.branch = 0
      WHERE a.id = ANY($1::int[])`,
    [ids],
  );
  return new Map(
    rows.map((row) => [
      row.id,
      {
        id: row.id,
        merchantId: row.merchant_id,
        walletId: row.wallet_id,
        branch: row.branch,
        index: row.index,
        orderId: row.order_id,
      },
    ]),
  );
}

/**
 * Remembers which addresses were paid: for the gap, and never to hand out one that was. Change goes
 * on after the highest that was paid, since the owner's own software may use the branch as well.
 */
export async function markAddressesPaid(tx: Tx, paid: readonly PaidAddress[]): Promise<void> {
  const receiving = paid.filter(({ branch }) => branch === 0);
  const foreign = receiving.filter(({ orderId }) => orderId === null);
  const change = paid.filter(({ branch }) => branch === 1);
  // All begun at once, so that they may go out together with COMMIT.
  await together([
    ...(foreign.length === 0 ? [] : [markForeign(tx, foreign), markGaps(tx, foreign)]),
    ...(receiving.length === 0 ? [] : [raiseReceiving(tx, receiving)]),
    ...(change.length === 0 ? [] : [raiseChange(tx, change)]),
  ]);
}

async function markForeign(tx: Tx, foreign: readonly PaidAddress[]): Promise<void> {
  await tx.query('UPDATE address SET foreign_use = true WHERE id = ANY($1::int[])', [
    foreign.map(({ id }) => id),
  ]);
}

async function markGaps(tx: Tx, foreign: readonly PaidAddress[]): Promise<void> {
  await tx.query(
    'UPDATE receiving_wallet SET has_gaps = true WHERE id = ANY($1::uuid[]) AND NOT has_gaps',
    [foreign.map(({ walletId }) => walletId)],
  );
}

async function raiseReceiving(tx: Tx, paid: readonly PaidAddress[]): Promise<void> {
  await tx.query(
    `UPDATE receiving_wallet w SET highest_paid_index = n.index
       FROM (SELECT wallet_id, max(index) AS index
               FROM unnest($1::uuid[], $2::int[]) AS p (wallet_id, index) GROUP BY wallet_id) n
      WHERE w.id = n.wallet_id AND w.highest_paid_index < n.index`,
    [paid.map(({ walletId }) => walletId), paid.map(({ index }) => index)],
  );
}

async function raiseChange(tx: Tx, paid: readonly PaidAddress[]): Promise<void> {
  await tx.query(
    `UPDATE receiving_wallet w SET next_change_index = n.index + 1
       FROM (SELECT wallet_id, max(index) AS index
               FROM unnest($1::uuid[], $2::int[]) AS p (wallet_id, index) GROUP BY wallet_id) n
      WHERE w.id = n.wallet_id AND w.next_change_index <= n.index`,
    [paid.map(({ walletId }) => walletId), paid.map(({ index }) => index)],
  );
}

/** Whether a script is of one of the merchant's wallets: money sent there would not leave. */
export async function isOwnScript(
  tx: Tx,
  own: { merchantId: Uuid; script: Uint8Array },
): Promise<boolean> {
  const row = await tx.maybe<{ found: boolean }>(
    'SELECT true AS found FROM address WHERE script = $2 AND merchant_id = $1',
    [own.merchantId, own.script],
  );
  return row !== undefined;
}
