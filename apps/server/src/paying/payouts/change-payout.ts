import type { Tx } from '../../platform/db/index.ts';
import type { PayoutDeps } from './create-payout.ts';
import { demand, noSuchPayout } from './errors.ts';
import type { Payout, PayoutTelling } from './payout.ts';
import { lockPayout, type OwnPayout } from './store.ts';
import { applyPayoutEvent, type PayoutEvent } from './transition.ts';
import { writePayouts } from './write-payouts.ts';

/**
 * Ends a payout that is not being paid yet; what was reserved for it is free again.
 * @throws {AppError} not_found, conflict
 */
export async function cancelPayout(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  own: OwnPayout,
): Promise<Payout> {
  return await changePayout(tx, deps, telling, own, { type: 'cancelled', atMs: telling.nowMs });
}

/**
 * Lets the processor try a waiting payout at its next run instead of later. One that has failed is
 * not revived: make a new payout, which can be told apart from it.
 * @throws {AppError} not_found, conflict
 */
export async function retryPayout(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  own: OwnPayout,
): Promise<Payout> {
  return await changePayout(tx, deps, telling, own, { type: 'hastened', atMs: telling.nowMs });
}

async function changePayout(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  own: OwnPayout,
  event: PayoutEvent,
): Promise<Payout> {
  const before = await lockPayout(tx, own);
  if (before === undefined) throw noSuchPayout();
  const step = demand(applyPayoutEvent(before, event));
  await writePayouts(tx, deps, { telling, moves: [{ before, step }] });
  return step.payout === before ? before : { ...step.payout, version: before.version + 1 };
}
