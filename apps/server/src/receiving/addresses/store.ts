import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Rung when addresses were derived, for the watcher. */
export const ADDRESSES_CHANNEL = 'quittance_addresses';

/** What a wallet is for: only one that receives is handed out to orders. */
export type WalletUse = 'receiving' | 'payouts';

/** The branch that receives, and the one that takes change (BIP44). */
export type Branch = 0 | 1;

export type WalletRow = {
  id: Uuid;
  merchantId: Uuid;
  descriptor: string;
  network: string;
  active: boolean;
  use: WalletUse;
  /** Its name in the signer process; null when its transactions are signed elsewhere. */
  signerWallet: string | null;
  /** 2 when the descriptor has a branch of its own for change. */
  branches: 1 | 2;
  createdAtMs: number;
  derivedThrough: number;
  nextIndex: number;
  highestPaidIndex: number;
  /** Not every index from nextIndex to derivedThrough can be handed out. */
  hasGaps: boolean;
  nextChangeIndex: number;
  changeDerivedThrough: number;
};

type Row = {
  id: Uuid;
  merchant_id: Uuid;
  descriptor: string;
  network: string;
  active: boolean;
  use: WalletUse;
  signer_wallet: string | null;
  branches: 1 | 2;
  created_at: Date;
  derived_through: number;
  next_index: number;
  highest_paid_index: number;
  has_gaps: boolean;
  next_change_index: number;
  change_derived_through: number;
};

const COLUMNS = `id, merchant_id, descriptor, network, active, use, signer_wallet, branches,
  created_at, derived_through, next_index, highest_paid_index, has_gaps, next_change_index,
  change_derived_through`;

function walletOf(row: Row): WalletRow {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    descriptor: row.descriptor,
    network: row.network,
    active: row.active,
    use: row.use,
    signerWallet: row.signer_wallet,
    branches: row.branches,
    createdAtMs: row.created_at.getTime(),
    derivedThrough: row.derived_through,
    nextIndex: row.next_index,
    highestPaidIndex: row.highest_paid_index,
    hasGaps: row.has_gaps,
    nextChangeIndex: row.next_change_index,
    changeDerivedThrough: row.change_derived_through,
  };
}

/** A merchant's wallets, the newest first. */
export async function readWalletRows(tx: Tx, merchantId: Uuid): Promise<WalletRow[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM receiving_wallet WHERE merchant_id = $1 ORDER BY created_at DESC, id`,
    [merchantId],
  );
  return rows.map(walletOf);
}

/**
 * Locks the wallet that new orders receive on: handing out addresses goes one after the other. Not
 * against those who only refer to the wallet: coins that arrive need not wait for an order.
 */
export async function lockActiveWallet(tx: Tx, merchantId: Uuid): Promise<WalletRow | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM receiving_wallet WHERE merchant_id = $1 AND active FOR NO KEY UPDATE`,
    [merchantId],
  );
  return row === undefined ? undefined : walletOf(row);
}

/** Locks any wallet, as far as the transaction sees it. */
export async function lockWallet(tx: Tx, walletId: Uuid): Promise<WalletRow | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM receiving_wallet WHERE id = $1 FOR NO KEY UPDATE`,
    [walletId],
  );
  return row === undefined ? undefined : walletOf(row);
}

export async function readWalletRow(tx: Tx, walletId: Uuid): Promise<WalletRow | undefined> {
  const row = await tx.maybe<Row>(`SELECT ${COLUMNS} FROM receiving_wallet WHERE id = $1`, [
    walletId,
  ]);
  return row === undefined ? undefined : walletOf(row);
}

/** Wallets of one store are changed one after the other: only one of them is active. */
export async function lockWallets(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query('SELECT 1 FROM merchant WHERE id = $1 FOR NO KEY UPDATE', [merchantId]);
}

export async function activateWallet(tx: Tx, wallet: { merchantId: Uuid; id: Uuid }) {
  await tx.query('UPDATE receiving_wallet SET active = true WHERE merchant_id = $1 AND id = $2', [
    wallet.merchantId,
    wallet.id,
  ]);
}

export async function setWalletUse(
  tx: Tx,
  wallet: { merchantId: Uuid; id: Uuid; use: WalletUse; signerWallet: string | null },
): Promise<void> {
  await tx.query(
    'UPDATE receiving_wallet SET use = $3, signer_wallet = $4 WHERE merchant_id = $1 AND id = $2',
    [wallet.merchantId, wallet.id, wallet.use, wallet.signerWallet],
  );
}

export async function deactivateWallets(tx: Tx, merchantId: Uuid): Promise<void> {
  await tx.query('UPDATE receiving_wallet SET active = false WHERE merchant_id = $1 AND active', [
    merchantId,
  ]);
}

export async function insertWallet(
  tx: Tx,
  wallet: {
    id: Uuid;
    merchantId: Uuid;
    descriptor: string;
    network: string;
    branches: number;
    use: WalletUse;
    signerWallet: string | null;
    nowMs: number;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO receiving_wallet (id, merchant_id, descriptor, network, branches, use,
            signer_wallet, active, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      wallet.id,
      wallet.merchantId,
      wallet.descriptor,
      wallet.network,
      wallet.branches,
      wallet.use,
      wallet.signerWallet,
      wallet.use === 'receiving',
      new Date(wallet.nowMs),
    ],
  );
}

/**
 * Adds derived addresses. A script that another of the instance's wallets has already (the same
 * key given to two stores) is left out, so that each order's address is its own.
 */
export async function insertAddresses(
  tx: Tx,
  wallet: { id: Uuid; merchantId: Uuid },
  branch: Branch,
  addresses: readonly { index: number; script: Uint8Array; address: string }[],
): Promise<void> {
  const through = addresses.at(-1)?.index;
  if (through === undefined) return;
  const inserted = await tx.query(
    `INSERT INTO address (merchant_id, wallet_id, branch, index, script, address)
     SELECT $1, $2, $3, index, script, address
       FROM unnest($4::int[], $5::bytea[], $6::text[]) AS n (index, script, address)
     ON CONFLICT (script) DO NOTHING RETURNING 1 AS inserted`,
    [
      wallet.merchantId,
      wallet.id,
      branch,
      addresses.map(({ index }) => index),
      addresses.map(({ script }) => script),
      addresses.map(({ address }) => address),
    ],
  );
  if (branch === 1) {
    await tx.query(
      `UPDATE receiving_wallet SET change_derived_through = $3
        WHERE merchant_id = $1 AND id = $2`,
      [wallet.merchantId, wallet.id, through],
    );
  } else {
    await tx.query(
      `UPDATE receiving_wallet SET derived_through = $3, has_gaps = has_gaps OR $4
        WHERE merchant_id = $1 AND id = $2`,
      [wallet.merchantId, wallet.id, through, inserted.length < addresses.length],
    );
  }
  await tx.query('SELECT pg_notify($1, $2)', [ADDRESSES_CHANNEL, wallet.id]);
}

export type FreeAddress = { index: number; address: string };

/** The next addresses that nobody has used. The wallet must be locked. */
export async function readFreeAddresses(
  tx: Tx,
  wallet: WalletRow,
  count: number,
): Promise<FreeAddress[]> {
  return tx.query<FreeAddress>(
    `SELECT index, address FROM address
      WHERE merchant_id = $1 AND wallet_id = $2 AND branch = 0 AND index >= $3
        AND NOT foreign_use
      ORDER BY index LIMIT $4`,
    [wallet.merchantId, wallet.id, wallet.nextIndex, count],
  );
}

/**
 * The next change addresses that are the wallet's own: an index whose script another store's wallet
 * has is passed over. The wallet must be locked.
 */
export async function readFreeChange(tx: Tx, wallet: WalletRow): Promise<FreeAddress | undefined> {
  return tx.maybe<FreeAddress>(
    `SELECT index, address FROM address
      WHERE merchant_id = $1 AND wallet_id = $2 AND branch = 1 AND index >= $3
      ORDER BY index LIMIT 1`,
    [wallet.merchantId, wallet.id, wallet.nextChangeIndex],
  );
}

export async function setNextChangeIndex(
  tx: Tx,
  wallet: { merchantId: Uuid; id: Uuid },
  nextChangeIndex: number,
): Promise<void> {
  await tx.query(
    `UPDATE receiving_wallet SET next_change_index = $3 WHERE merchant_id = $1 AND id = $2`,
    [wallet.merchantId, wallet.id, nextChangeIndex],
  );
}

export async function setNextIndex(tx: Tx, wallet: WalletRow, nextIndex: number): Promise<void> {
  await tx.query('UPDATE receiving_wallet SET next_index = $3 WHERE merchant_id = $1 AND id = $2', [
    wallet.merchantId,
    wallet.id,
    nextIndex,
  ]);
}

/**
 * Wallets whose pool of free addresses has less than half of what the store's settings ask for.
 * Where every derived address is free, their number follows from the counters alone.
 */
export async function readWalletsToRefill(
  tx: Tx,
  limit: number,
): Promise<{ merchantId: Uuid; poolSize: number }[]> {
  const rows = await tx.query<{ merchant_id: Uuid; pool_size: number }>(
    `SELECT w.merchant_id, pool_size
       FROM receiving_wallet w JOIN merchant m ON m.id = w.merchant_id,
            LATERAL (SELECT (m.settings->>'addressPoolSize')::int AS pool_size) s
      WHERE w.active AND pool_size / 2 > CASE WHEN w.has_gaps
            THEN (SELECT count(*) FROM (
                   SELECT 1 FROM address a WHERE a.merchant_id = w.merchant_id
                      AND a.wallet_id = w.id AND a.branch = 0 AND a.index >= w.next_index
                      AND NOT a.foreign_use
                    ORDER BY a.index LIMIT pool_size / 2) f)
            ELSE w.derived_through + 1 - w.next_index END
      ORDER BY w.id LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ merchantId: row.merchant_id, poolSize: row.pool_size }));
}

/** How many addresses are ready to be handed out, counted no further than `atMost`. */
export async function countFreeAddresses(
  tx: Tx,
  wallet: WalletRow,
  atMost: number,
): Promise<number> {
  const row = await tx.one<{ free: bigint }>(
    `SELECT count(*) AS free FROM (
       SELECT 1 FROM address WHERE merchant_id = $1 AND wallet_id = $2 AND branch = 0
          AND index >= $3 AND NOT foreign_use ORDER BY index LIMIT $4) f`,
    [wallet.merchantId, wallet.id, wallet.nextIndex, atMost],
  );
  return Number(row.free);
}

/** The wallets that have one of these scripts, as far as the transaction sees them. */
export async function readScriptOwners(tx: Tx, scripts: readonly Uint8Array[]): Promise<Uuid[]> {
  const rows = await tx.query<{ wallet_id: Uuid }>(
    'SELECT DISTINCT wallet_id FROM address WHERE script = ANY($1::bytea[])',
    [scripts],
  );
  return rows.map((row) => row.wallet_id);
}

/** Wallets whose change branch is not derived as far ahead as it should be. */
export async function readWalletsShortOfChange(
  tx: Tx,
  ahead: number,
  limit: number,
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM receiving_wallet
      WHERE branches = 2 AND change_derived_through + 1 < next_change_index + $1
      ORDER BY id LIMIT $2`,
    [ahead, limit],
  );
  return rows.map(({ id }) => id);
}

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
  await markReceivingPaid(
    tx,
    paid.filter(({ branch }) => branch === 0),
  );
  const change = paid.filter(({ branch }) => branch === 1);
  if (change.length === 0) return;
  await tx.query(
    `UPDATE receiving_wallet w SET next_change_index = n.index + 1
       FROM (SELECT wallet_id, max(index) AS index
               FROM unnest($1::uuid[], $2::int[]) AS p (wallet_id, index) GROUP BY wallet_id) n
      WHERE w.id = n.wallet_id AND w.next_change_index <= n.index`,
    [change.map(({ walletId }) => walletId), change.map(({ index }) => index)],
  );
}

async function markReceivingPaid(tx: Tx, addresses: readonly PaidAddress[]): Promise<void> {
  if (addresses.length === 0) return;
  const foreign = addresses.filter(({ orderId }) => orderId === null);
  if (foreign.length > 0) {
    await tx.query('UPDATE address SET foreign_use = true WHERE id = ANY($1::int[])', [
      foreign.map(({ id }) => id),
    ]);
    await tx.query(
      'UPDATE receiving_wallet SET has_gaps = true WHERE id = ANY($1::uuid[]) AND NOT has_gaps',
      [foreign.map(({ walletId }) => walletId)],
    );
  }
  await tx.query(
    `UPDATE receiving_wallet w SET highest_paid_index = n.index
       FROM (SELECT wallet_id, max(index) AS index
               FROM unnest($1::uuid[], $2::int[]) AS p (wallet_id, index) GROUP BY wallet_id) n
      WHERE w.id = n.wallet_id AND w.highest_paid_index < n.index`,
    [addresses.map(({ walletId }) => walletId), addresses.map(({ index }) => index)],
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
