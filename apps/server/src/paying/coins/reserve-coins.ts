import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { CoinRef } from './coin.ts';
import { deleteReservations, insertReservations } from './store.ts';

/**
 * Gives coins to a spend, all or none: each belongs to one open spend at a time, which the
 * database's key makes sure of. Waits for another transaction that reserves one of them. The spend's
 * row must exist.
 * @returns false when one of them is reserved already, spent or gone: plan again
 */
export async function reserveCoins(
  tx: Tx,
  of: { merchantId: Uuid; spendId: Uuid; coins: readonly CoinRef[] },
): Promise<boolean> {
  assert(of.coins.length > 0, 'reserveCoins: no coins');
  const reserved = await insertReservations(tx, of);
  assert(reserved <= of.coins.length, 'reserveCoins: more rows than coins');
  if (reserved === of.coins.length) return true;
  await deleteReservations(tx, of);
  return false;
}

/** Gives coins free again: all of the spend, or those that are named. */
export async function releaseCoins(
  tx: Tx,
  of: { merchantId: Uuid; spendId: Uuid; coins?: readonly CoinRef[] },
): Promise<void> {
  await deleteReservations(tx, { ...of, coins: of.coins ?? null });
}
