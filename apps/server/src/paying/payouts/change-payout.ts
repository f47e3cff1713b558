import type { PayPayout } from '@quittance/contract';
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

/** Fees that suit most: a block within the hour, and a ceiling against a slip of the pen. */
const USUAL_TARGET_BLOCKS = 6;
const USUAL_MAX_FEE_RATE_SAT_PER_VB = 200;

/**
 * Has an approved payout paid now, by itself, whatever processors would do with it. The payment is
 * planned by a worker in a transaction that locks the payout, as a processor's is; it is marked
 * `manual`. When it can not be paid, the payout says why and waits again.
 * @throws {AppError} not_found, conflict
 */
export async function requestPayment(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  { own, by, terms }: { own: OwnPayout; by: string; terms: PayPayout },
): Promise<Payout> {
  const request = {
    by,
    atMs: telling.nowMs,
    targetBlocks: terms?.targetBlocks ?? USUAL_TARGET_BLOCKS,
    maxFeeRateSatPerVb: terms?.maxFeeRateSatPerVb ?? USUAL_MAX_FEE_RATE_SAT_PER_VB,
  };
  const event = { type: 'pay_requested', request, atMs: telling.nowMs } as const;
  return await changePayout(tx, deps, telling, own, event);
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
