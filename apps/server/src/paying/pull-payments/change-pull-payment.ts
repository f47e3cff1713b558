import type { PayoutPolicy } from '@quittance/contract';
import type { Random, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { samePersonAs } from '../../tenancy/keys/index.ts';
import { hashOf, newSecret } from './create-pull-payment.ts';
import { approve, type PullPayment } from './pull-payment.ts';
import { lockPullPayment, type OwnPullPayment, updatePullPayment } from './store.ts';

/**
 * Adds one person's approval; the same person again, with another key too, changes nothing.
 * @throws {AppError} not_found, conflict, forbidden
 */
export async function approvePullPayment(
  tx: Tx,
  deps: { readPolicy(tx: Tx, merchantId: Uuid): Promise<PayoutPolicy> },
  given: { own: OwnPullPayment; by: string; nowMs: number },
): Promise<PullPayment> {
  const { own, by, nowMs } = given;
  const { creatorMayApprove } = await deps.readPolicy(tx, own.merchantId);
  const before = await lockExisting(tx, own);
  const others = [before.createdBy, ...before.approvals.map((each) => each.by)];
  const samePerson = await samePersonAs(tx, by, others);
  const after = approve(before, by, { creatorMayApprove, samePerson, nowMs });
  if (after === null) return before;
  if (after === 'not_awaiting_approval') {
    throw new AppError('conflict', 'The pull payment does not wait for an approval.');
  }
  if (after === 'creator_may_not_approve') {
    throw new AppError('forbidden', 'The policy does not let the key that made it approve it.');
  }
  await updatePullPayment(tx, after);
  return after;
}

/** Ends it for good. What is under way is still paid, or given back to nobody. */
export async function archivePullPayment(
  tx: Tx,
  { own, nowMs }: { own: OwnPullPayment; nowMs: number },
): Promise<PullPayment> {
  const before = await lockExisting(tx, own);
  if (before.state === 'archived') return before;
  const after = { ...before, state: 'archived', archivedAtMs: nowMs, updatedAtMs: nowMs } as const;
  await updatePullPayment(tx, after);
  return after;
}

/**
 * Makes a new link; the old one is worth nothing from then on.
 * @throws {AppError} not_found, conflict
 */
export async function renewPullPaymentLink(
  tx: Tx,
  { random }: { random: Random },
  { own, nowMs }: { own: OwnPullPayment; nowMs: number },
): Promise<{ pull: PullPayment; secret: string }> {
  const before = await lockExisting(tx, own);
  if (before.state === 'archived') throw new AppError('conflict', 'The pull payment has ended.');
  const secret = newSecret(random);
  const after = { ...before, linkHash: hashOf(secret), updatedAtMs: nowMs };
  await updatePullPayment(tx, after);
  return { pull: after, secret };
}

async function lockExisting(tx: Tx, own: OwnPullPayment): Promise<PullPayment> {
  const pull = await lockPullPayment(tx, own);
  if (pull === undefined) throw noSuchPullPayment();
  return pull;
}

export function noSuchPullPayment(): AppError {
  return new AppError('not_found', 'There is no such pull payment.');
}
