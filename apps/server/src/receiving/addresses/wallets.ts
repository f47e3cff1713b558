import { type Network, parseReceivingDescriptor } from '@quittance/bitcoin';
import { assert, type Ids, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { descriptorRefused } from './errors.ts';
import {
  activateWallet,
  deactivateWallets,
  insertWallet,
  lockActiveWallet,
  lockWallets,
  readWalletRows,
  readWalletsToRefill,
  type WalletRow,
} from './store.ts';
import { deriveMore } from './take-addresses.ts';

/** Derived with the wallet, so that its first orders need not wait for the refill. */
const FIRST_ADDRESSES = 20;
/** Wallets that one refill looks at. */
const MAX_WALLETS_PER_REFILL = 50;
/** Derived in one transaction: some 10 ms, in which the process answers nobody. */
const DERIVED_PER_TRANSACTION = 50;

export type WalletView = WalletRow & {
  gap: { current: number; bound: number; walletGapLimit: number };
};

/**
 * Adds a receiving wallet and makes it the one for new orders; orders made before keep theirs. One
 * that the store had before goes on where it stopped.
 * @throws {AppError} descriptor_private_key, descriptor_wrong_network, invalid_descriptor
 */
export async function addWallet(
  tx: Tx,
  wallet: { merchantId: Uuid; descriptor: string; network: Network; ids: Ids; nowMs: number },
): Promise<Uuid> {
  const result = parseReceivingDescriptor(wallet.descriptor, wallet.network);
  if (!result.ok) throw descriptorRefused(result.code, result.reason);
  const { merchantId } = wallet;
  const descriptor = result.descriptor.text;
  await lockWallets(tx, merchantId);
  const known = (await readWalletRows(tx, merchantId)).find((row) => row.descriptor === descriptor);
  await deactivateWallets(tx, merchantId);
  if (known !== undefined) {
    await activateWallet(tx, known);
    return known.id;
  }
  const id = wallet.ids.next();
  await insertWallet(tx, { ...wallet, id, descriptor });
  const row = await lockActiveWallet(tx, wallet.merchantId);
  assert(row?.id === id, 'addWallet: the new wallet is the active one');
  await deriveMore(tx, row, FIRST_ADDRESSES);
  return id;
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
    // Orders take addresses meanwhile: what one pool lacks may be derived twice over, no more.
    const steps = Math.ceil((2 * poolSize) / DERIVED_PER_TRANSACTION);
    for (let step = 0; step < steps && !signal.aborted; step++) {
      const isFull = await database.asSystem((tx) => refillStep(tx, merchantId, poolSize));
      if (isFull) break;
    }
  }
}

async function refillStep(tx: Tx, merchantId: Uuid, poolSize: number): Promise<boolean> {
  const wallet = await lockActiveWallet(tx, merchantId);
  if (wallet === undefined) return true;
  const missing = poolSize - (wallet.derivedThrough + 1 - wallet.nextIndex);
  if (missing > 0) await deriveMore(tx, wallet, Math.min(missing, DERIVED_PER_TRANSACTION));
  return missing <= DERIVED_PER_TRANSACTION;
}
