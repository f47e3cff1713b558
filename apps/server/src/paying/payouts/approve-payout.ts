import type { PayoutPolicy } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Approval } from '../spends/index.ts';
import type { PayoutDeps } from './create-payout.ts';
import { demand, noSuchPayout } from './errors.ts';
import { payoutFaultPoint } from './fault-points.ts';
import type { Payout, PayoutTelling } from './payout.ts';
import { readPayoutPolicy } from './policy-store.ts';
import { readSamePersons } from './same-persons.ts';
import { lockAwaitingOfBatch, lockPayout, type OwnPayout } from './store.ts';
import { sumApprovedSince } from './sums-store.ts';
import { applyPayoutEvent } from './transition.ts';
import { demandCover, type PayoutMove, writePayouts } from './write-payouts.ts';

/** Limits for a day hold for every span of so long, not from midnight. */
export const DAY_MS = 86_400_000;
/** Payouts of a batch that are locked and written at once: as many as the ledger takes. */
const APPROVED_AT_ONCE = 1_000;

export type Approving = {
  /** `key:<id>`: one key, with those that come from it, is one pair of eyes. */
  by: string;
  signature: Approval | null;
};

/**
 * Adds one approval. With the last one that is needed the payout is approved: its amount is
 * reserved in the ledger, pending, and can not be promised twice.
 * @throws {AppError} not_found, conflict, forbidden, insufficient_balance, payout_limit_exceeded
 */
export async function approvePayout(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  { own, approving }: { own: OwnPayout; approving: Approving },
): Promise<Payout> {
  const policy = await readPayoutPolicy(tx, own.merchantId);
  const before = await lockPayout(tx, own);
  if (before === undefined) throw noSuchPayout();
  return (
    (await approveAll(tx, deps, telling, { policy, approving, payouts: [before] }))[0] ?? before
  );
}

/**
 * Approves the payouts of a batch that wait for it: all of them or, when one can not be, none.
 * @returns how many got this key's approval
 * @throws {AppError} like approvePayout
 */
export async function approveBatch(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  { merchantId, batchId, approving }: { merchantId: Uuid; batchId: Uuid; approving: Approving },
): Promise<number> {
  const policy = await readPayoutPolicy(tx, merchantId);
  const which = { merchantId, batchId, by: approving.by, limit: APPROVED_AT_ONCE };
  for (let approved = 0; ; ) {
    const payouts = await lockAwaitingOfBatch(tx, which);
    await approveAll(tx, deps, telling, { policy, approving, payouts });
    approved += payouts.length;
    if (payouts.length < APPROVED_AT_ONCE) return approved;
  }
}

async function approveAll(
  tx: Tx,
  deps: PayoutDeps,
  telling: PayoutTelling,
  given: { policy: PayoutPolicy; approving: Approving; payouts: readonly Payout[] },
): Promise<Payout[]> {
  const { policy, approving, payouts } = given;
  const { nowMs } = telling;
  const { creatorMayApprove } = policy;
  const approval = { ...approving, atMs: nowMs };
  const samePersons = await readSamePersons(tx, { by: approving.by, payouts });
  const moves = payouts.map((before): PayoutMove => {
    const samePerson = samePersons(before);
    const terms = { creatorMayApprove, samePerson, atMs: nowMs };
    const event = { type: 'approved', approval, ...terms } as const;
    return { before, step: demand(applyPayoutEvent(before, event)) };
  });
  await writePayouts(tx, deps, { telling, moves });
  const reserved = moves.find(({ step }) => step.ledger.length > 0);
  if (reserved !== undefined) {
    const { merchantId } = reserved.before;
    await demandCover(tx, merchantId);
    await demandLimits(tx, policy, { merchantId, nowMs });
    payoutFaultPoint('payout-approve-uncommitted');
  }
  return moves.map(({ before, step }) =>
    step.payout === before ? before : { ...step.payout, version: before.version + 1 },
  );
}

/**
 * Call it after reservations were posted: the ledger's book is locked from then on, so that the
 * rows of every earlier approval are there to be summed.
 * @throws {AppError} payout_limit_exceeded
 */
export async function demandLimits(
  tx: Tx,
  { perDayMaxSats }: PayoutPolicy,
  { merchantId, nowMs }: { merchantId: Uuid; nowMs: number },
): Promise<void> {
  if (perDayMaxSats === null) return;
  const sum = await sumApprovedSince(tx, { merchantId, sinceMs: nowMs - DAY_MS });
  if (sum <= BigInt(perDayMaxSats)) return;
  const over = sum - BigInt(perDayMaxSats);
  throw new AppError(
    'payout_limit_exceeded',
    `With this, ${over} sat more than the store's ${perDayMaxSats} sat would be approved within 24 hours.`,
  );
}
