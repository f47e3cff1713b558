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
