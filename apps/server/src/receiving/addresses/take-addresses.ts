import {
  type Descriptor,
  deriveScripts,
  isNetwork,
  type Network,
  parseDescriptor,
  scriptToAddress,
} from '@quittance/bitcoin';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { addressesNotReady, gapExceeded, noSuchWallet, noWallet } from './errors.ts';
import {
  type Branch,
  type FreeAddress,
  insertAddresses,
  lockActiveWallet,
  lockWallet,
  lockWallets,
  readFreeAddresses,
  readFreeChange,
  setNextChangeIndex,
  setNextIndex,
  type WalletRow,
} from './store.ts';

/** Derived at a time: about 20 ms of work. */
const DERIVED_AT_ONCE = 100;
/**
 * Rounds of deriving in an order's way, while addresses turn out to be taken by another wallet of
 * the same key. Longer stretches are left to the refill, or one store could stall all others.
 */
const MAX_ROUNDS = 3;
/**
 * Change addresses that are derived, and so watched, beyond the highest used: as far as wallet
 * software looks (BIP44, "address gap limit"), so that its change is found as well.
 */
export const CHANGE_AHEAD = 20;

/**
 * Waits until no other transaction hands out this store's addresses, and keeps it so: what is read
 * after it (such as an Idempotency-Key) can't be overtaken.
 * @throws {AppError} no_wallet
 */
export async function holdAddresses(tx: Tx, merchantId: Uuid): Promise<WalletRow> {
  const wallet = await lockActiveWallet(tx, merchantId);
  if (wallet !== undefined) return wallet;
  // One that was replaced while we waited for it is not found; now nobody can replace another.
  await lockWallets(tx, merchantId);
  const next = await lockActiveWallet(tx, merchantId);
  if (next !== undefined) return next;
  throw noWallet();
}

/**
 * Hands out the next addresses of the store's active wallet, each once and never again: in order, of a
 * wallet that holdAddresses has locked, in the transaction that makes the orders.
 * @throws {AppError} address_gap_exceeded, addresses_not_ready
 */
export async function takeAddresses(
  tx: Tx,
  held: WalletRow,
  want: { count: number; maxGap: number },
): Promise<FreeAddress[]> {
  let wallet = held;
  // Known before anything is derived, so that a store at its bound costs nothing.
  requireGap(wallet, { last: wallet.nextIndex + want.count - 1, maxGap: want.maxGap });
  let free = await readFreeAddresses(tx, wallet, want.count);
  for (let round = 0; free.length < want.count && round < MAX_ROUNDS; round++) {
    wallet = await deriveMore(tx, wallet, Math.max(DERIVED_AT_ONCE, want.count - free.length));
    free = await readFreeAddresses(tx, wallet, want.count);
  }
  if (free.length < want.count) throw addressesNotReady();
  const last = free.at(-1)?.index ?? wallet.nextIndex;
  requireGap(wallet, { last, maxGap: want.maxGap });
  await setNextIndex(tx, wallet, last + 1);
  return free;
}

/** Where the change of a transaction goes. */
export type ChangeAddress = FreeAddress & { branch: Branch };

/**
 * Hands out the wallet's next change address, once and never again. A descriptor with two branches
 * has one for it; of one with a single branch change takes the next address that an order would
 * have got, which then no order gets. Locks the wallet's row until the transaction ends, so take it
 * late; an index that is not used in the end is lost, which harms nobody.
 * @throws {AppError} not_found, addresses_not_ready
 */
export async function takeChangeIndex(tx: Tx, walletId: Uuid): Promise<ChangeAddress> {
  const wallet = await lockWallet(tx, walletId);
  if (wallet === undefined) throw noSuchWallet();
  if (wallet.branches === 1) {
    const [free] = await takeAddresses(tx, wallet, { count: 1, maxGap: Number.MAX_SAFE_INTEGER });
    if (free === undefined) throw addressesNotReady();
    return { ...free, branch: 0 };
  }
  let derived = await deriveChangeAhead(tx, wallet);
  let free = await readFreeChange(tx, derived);
  for (let round = 0; free === undefined && round < MAX_ROUNDS; round++) {
    derived = await deriveMore(tx, derived, DERIVED_AT_ONCE, 1);
    free = await readFreeChange(tx, derived);
  }
  if (free === undefined) throw addressesNotReady();
  await setNextChangeIndex(tx, wallet, free.index + 1);
  await deriveChangeAhead(tx, { ...derived, nextChangeIndex: free.index + 1 });
  return { ...free, branch: 1 };
}

/** Derives the change branch so far beyond the next index. The wallet must be locked. */
export async function deriveChangeAhead(
  tx: Tx,
  wallet: WalletRow,
  ahead = CHANGE_AHEAD,
): Promise<WalletRow> {
  if (wallet.branches === 1) return wallet;
  const missing = wallet.nextChangeIndex + ahead - (wallet.changeDerivedThrough + 1);
  return missing <= 0 ? wallet : deriveMore(tx, wallet, missing, 1);
}

/** @throws {AppError} address_gap_exceeded */
function requireGap(wallet: WalletRow, { last, maxGap }: { last: number; maxGap: number }): void {
  const gap = last - wallet.highestPaidIndex;
  if (gap > maxGap) throw gapExceeded(gap, maxGap);
}

/** Derives the next addresses of a branch into the wallet's pool. The wallet must be locked. */
export async function deriveMore(
  tx: Tx,
  wallet: WalletRow,
  count: number,
  branch: Branch = 0,
): Promise<WalletRow> {
  const descriptor = descriptorOf(wallet);
  const through = branch === 0 ? wallet.derivedThrough : wallet.changeDerivedThrough;
  const from = through + 1;
  const scripts = deriveScripts(descriptor, { branch, from, count });
  const addresses = scripts.map((script, i) => {
    const address = scriptToAddress(script, descriptor.network);
    assert(address !== null, 'every script of a receiving descriptor has an address');
    return { index: from + i, script, address };
  });
  await insertAddresses(tx, wallet, branch, addresses);
  const last = from + count - 1;
  return branch === 0
    ? { ...wallet, derivedThrough: last }
    : { ...wallet, changeDerivedThrough: last };
}

/** A wallet's scripts for orders: of its first branch. */
export function receivingScripts(
  descriptor: Descriptor,
  { from, count }: { from: number; count: number },
): Uint8Array[] {
  return deriveScripts(descriptor, { branch: 0, from, count });
}

const parsed = new Map<string, Descriptor>();
/** Parsed descriptors keep their derived parent keys; the oldest is forgotten beyond this many. */
const MAX_PARSED = 1_000;

export function descriptorOf(wallet: WalletRow): Descriptor {
  const known = parsed.get(wallet.descriptor);
  if (known !== undefined) return known;
  const result = parseDescriptor(wallet.descriptor, networkOf(wallet));
  assert(result.ok, 'a stored descriptor is valid');
  const [oldest] = parsed.keys();
  if (parsed.size >= MAX_PARSED && oldest !== undefined) parsed.delete(oldest);
  parsed.set(wallet.descriptor, result.descriptor);
  return result.descriptor;
}

function networkOf(wallet: WalletRow): Network {
  const { network } = wallet;
  assert(isNetwork(network), 'a stored wallet has a known network');
  return network;
}
