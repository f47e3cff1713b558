import { type Network, parseReceivingDescriptor } from '@quittance/bitcoin';
import { assert, type Ids, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { descriptorRefused, partlySameWallet, tooManyWallets, walletInUse } from './errors.ts';
import {
  activateWallet,
  type Branch,
  countFreeAddresses,
  deactivateWallets,
  insertWallet,
  lockActiveWallet,
  lockWallet,
  lockWallets,
  readScriptOwners,
  readWalletRow,
  readWalletRows,
  readWalletsShortOfChange,
  readWalletsToRefill,
  setWalletUse,
  type WalletRow,
  type WalletUse,
} from './store.ts';
import {
  CHANGE_AHEAD,
  deriveChangeAhead,
  deriveMore,
  descriptorOf,
  receivingScripts,
} from './take-addresses.ts';

/** Derived with the wallet, so that its first orders need not wait for the refill. */
const FIRST_ADDRESSES = 20;
/** More than a store ever needs; each is compared with one that is added. */
const MAX_WALLETS = 100;
/** Wallets that one refill looks at. */
const MAX_WALLETS_PER_REFILL = 50;
/** Derived in one transaction: some 10 ms, in which the process answers nobody. */
const DERIVED_PER_TRANSACTION = 50;

export type WalletView = WalletRow & {
  gap: { current: number; bound: number; walletGapLimit: number };
};

export type NewWallet = {
  merchantId: Uuid;
  descriptor: string;
  network: Network;
  /** For payouts only: never the one for new orders. Without it, receiving. */
  use?: WalletUse;
  /** Its name in the signer process; undefined leaves that of a known wallet as it is. */
  signerWallet?: string | null | undefined;
  ids: Ids;
  nowMs: number;
};

/**
 * Adds a wallet. One that receives becomes the one for new orders; orders made before keep theirs.
 * One that the store had before, in this form or another, goes on where it stopped.
 * @throws {AppError} descriptor_private_key, descriptor_wrong_network, invalid_descriptor, conflict
 */
export async function addWallet(tx: Tx, wallet: NewWallet): Promise<Uuid> {
  const { merchantId, use = 'receiving' } = wallet;
  const result = parseReceivingDescriptor(wallet.descriptor, wallet.network);
  if (!result.ok) throw descriptorRefused(result.code, result.reason);
  const { text: descriptor, branches } = result.descriptor;
  await lockWallets(tx, merchantId);
  const rows = await readWalletRows(tx, merchantId);
  const first = receivingScripts(result.descriptor, { from: 0, count: FIRST_ADDRESSES });
  const known =
    rows.find((row) => row.descriptor === descriptor) ?? (await findSame(tx, rows, first));
  if (known === undefined && rows.length >= MAX_WALLETS) throw tooManyWallets(MAX_WALLETS);
  if (use === 'payouts' && known?.active === true) throw walletInUse();
  if (use === 'receiving') await deactivateWallets(tx, merchantId);
  if (known !== undefined) {
    const signerWallet =
      wallet.signerWallet === undefined ? known.signerWallet : wallet.signerWallet;
    await setWalletUse(tx, { ...known, use, signerWallet });
    if (use === 'receiving') await activateWallet(tx, known);
    return known.id;
  }
  const id = wallet.ids.next();
  const signerWallet = wallet.signerWallet ?? null;
  await insertWallet(tx, { ...wallet, id, descriptor, branches, use, signerWallet });
  const row = await lockWallet(tx, id);
  assert(row?.active === (use === 'receiving'), 'addWallet: only a receiving wallet is active');
  await deriveChangeAhead(tx, await deriveMore(tx, row, FIRST_ADDRESSES));
  return id;
}

/**
 * The same key written in another form (without its change branch, with another origin) has the
 * same scripts; as a second wallet it would hand out nothing that the first has.
 * @throws {AppError} conflict when only some of the scripts are the same, as of a multisig wallet
 *   with sorted and with unsorted keys
 */
async function findSame(
  tx: Tx,
  rows: readonly WalletRow[],
  first: readonly Uint8Array[],
): Promise<WalletRow | undefined> {
  const owners = await readScriptOwners(tx, first);
  // A wallet with gaps may have none of them itself: another store's wallet has them all.
  const candidates = rows.filter(({ id, hasGaps }) => hasGaps || owners.includes(id));
  const same = candidates.find((row) => {
    const scripts = receivingScripts(descriptorOf(row), { from: 0, count: first.length });
    return first.every((script, i) => Buffer.compare(script, scripts[i] ?? script) === 0);
  });
  if (same === undefined && rows.some(({ id }) => owners.includes(id))) throw partlySameWallet();
  return same;
}

/** A store's wallets with their gap: how many addresses in a row have not been paid. */
export async function readWallets(
  tx: Tx,
  merchant: { merchantId: Uuid; maxGap: number },
): Promise<WalletView[]> {
  const rows = await readWalletRows(tx, merchant.merchantId);
  return rows.map((row) => {
    const current = row.nextIndex - 1 - row.highestPaidIndex;
    return { ...row, gap: { current, bound: merchant.maxGap, walletGapLimit: gapLimit(row) } };
  });
}

/** Wallet software looks this far by default (BIP44, "address gap limit"). */
const DEFAULT_GAP_LIMIT = 20;

/** What the wallet software's gap limit must be to find everything handed out so far. */
function gapLimit(row: WalletRow): number {
  return Math.max(DEFAULT_GAP_LIMIT, row.nextIndex - 1 - row.highestPaidIndex + 1);
}

/**
 * Derives addresses ahead for the wallets that run low, until each has what its store's settings ask
 * for, in steps between which orders get their turn. Ends between two steps when the signal fires.
 * Safe to repeat and to run in parallel.
 */
export async function refillPools(database: Database, signal: AbortSignal): Promise<void> {
  const low = await database.asSystem((tx) => readWalletsToRefill(tx, MAX_WALLETS_PER_REFILL));
  for (const { merchantId, poolSize } of low) {
    // Orders take addresses meanwhile, and some belong to another store's wallet: what one pool
    // lacks may be derived twice over, then others have their turn. The next run goes on.
    const steps = Math.ceil((2 * poolSize) / DERIVED_PER_TRANSACTION);
    for (let step = 0; step < steps && !signal.aborted; step++) {
      const isFull = await database.asSystem((tx) => refillStep(tx, merchantId, poolSize));
      if (isFull) break;
    }
  }
  const short = await database.asSystem((tx) =>
    readWalletsShortOfChange(tx, CHANGE_AHEAD, MAX_WALLETS_PER_REFILL),
  );
  for (const walletId of short) {
    if (signal.aborted) return;
    await database.asSystem(async (tx) => {
      const wallet = await lockWallet(tx, walletId);
      if (wallet !== undefined) await deriveChangeAhead(tx, wallet);
    });
  }
}

/**
 * Derives every wallet's change branch this far beyond its next index, for a record that does not know
 * how many were used since. @returns how many wallets have one
 */
export async function deriveChangeFarAhead(database: Database, ahead: number): Promise<number> {
  let wallets = 0;
  for (;;) {
    const short = await database.asSystem((tx) =>
      readWalletsShortOfChange(tx, ahead, MAX_WALLETS_PER_REFILL),
    );
    if (short.length === 0) return wallets;
    for (const walletId of short) {
      await database.asSystem(async (tx) => {
        const wallet = await lockWallet(tx, walletId);
        if (wallet !== undefined) await deriveChangeAhead(tx, wallet, ahead);
      });
    }
    wallets += short.length;
  }
}

async function refillStep(tx: Tx, merchantId: Uuid, poolSize: number): Promise<boolean> {
  const wallet = await lockActiveWallet(tx, merchantId);
  if (wallet === undefined) return true;
  const missing = poolSize - (await countFreeAddresses(tx, wallet, poolSize));
  if (missing > 0) await deriveMore(tx, wallet, Math.min(missing, DERIVED_PER_TRANSACTION));
  return missing <= 0;
}

export type WalletForSpending = {
  merchantId: Uuid;
  walletId: Uuid;
  descriptor: string;
  network: string;
  /** The wallet's name in the signer process; null: transactions are signed elsewhere (PSBT). */
  signerWallet: string | null;
  /** The branch that takeChangeIndex hands out. */
  changeBranch: Branch;
};

/** What whoever makes a transaction has to know of a wallet; undefined when it is not seen. */
export async function readWalletForSpending(
  tx: Tx,
  walletId: Uuid,
): Promise<WalletForSpending | undefined> {
  const row = await readWalletRow(tx, walletId);
  if (row === undefined) return undefined;
  const { merchantId, descriptor, network, signerWallet } = row;
  const changeBranch: Branch = row.branches === 2 ? 1 : 0;
  return { merchantId, walletId, descriptor, network, signerWallet, changeBranch };
}
