import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { type ClaimLink, newClaimLink } from './claim-link.ts';
import { type RefundDeps, tellingOf } from './create-refund.ts';
import { notFound } from './errors.ts';
import { advanceRefund } from './refund.ts';
import * as store from './store.ts';
import { lockRefunds, writeChanges } from './write-changes.ts';

export type OwnRefund = { merchantId: Uuid; id: Uuid };

/**
 * Takes a refund back that is not being paid yet; its payout is cancelled with it, and its part of
 * what was received may be refunded anew. Cancelling a cancelled refund changes nothing.
 * @throws {AppError} not_found, conflict
 */
export async function cancelRefund(tx: Tx, deps: RefundDeps, own: OwnRefund): Promise<void> {
  const { payoutId } = await existing(tx, own);
  if (payoutId !== null) {
    await deps.payouts.lock(tx, { merchantId: own.merchantId, payoutIds: [payoutId] });
  }
  const { refund, locked } = await lockExisting(tx, own);
  if (refund.state === 'CANCELLED') return;
  const telling = await tellingOf(tx, deps);
  const event = { type: 'cancelled', reason: 'by_merchant' } as const;
  const change = advanceRefund(refund, event, telling.nowMs);
  if (change === null) throw tooLate(refund.state);
  await writeChanges(tx, telling, { ...locked, changes: [change] });
  if (refund.payoutId === null) return;
  const payout = { merchantId: own.merchantId, payoutId: refund.payoutId };
  await deps.payouts.cancel(tx, telling, payout);
}

/**
 * Makes a new link for a refund that nobody has claimed; the old one is worth nothing from now on.
 * Whoever has the link can name the address, so its maker counts as one of the payout's.
 * @throws {AppError} not_found, conflict
 */
export async function renewClaimLink(
  tx: Tx,
  deps: RefundDeps,
  { by, ...own }: OwnRefund & { by: string },
): Promise<{ refund: store.StoredRefund; link: ClaimLink }> {
  const { refund, locked } = await lockExisting(tx, own);
  const telling = await tellingOf(tx, deps);
  const settings = await deps.readSettings(tx, own.merchantId);
  const link = newClaimLink(deps.random);
  const expiresAtMs = telling.nowMs + settings.refundClaimExpirySeconds * 1_000;
  const event = { type: 'link_renewed', claimHash: link.hash, expiresAtMs } as const;
  const change = advanceRefund(refund, event, telling.nowMs);
  if (change === null) {
    throw new AppError('conflict', 'Only a refund that waits to be claimed has a claim link.');
  }
  await writeChanges(tx, telling, { ...locked, changes: [change] });
  await store.noteLinkMaker(tx, { ...own, by });
  return { refund: await existing(tx, own), link };
}

async function existing(tx: Tx, own: OwnRefund): Promise<store.StoredRefund> {
  const refund = await store.readRefund(tx, own);
  if (refund === undefined) throw notFound('refund');
  return refund;
}

async function lockExisting(tx: Tx, own: OwnRefund) {
  const found = await existing(tx, own);
  const locked = await lockRefunds(tx, found);
  if (locked === undefined) throw notFound('refund');
  return { refund: await existing(tx, own), locked };
}

function tooLate(state: string): AppError {
  const detail = `The refund is ${state}; only one that is not being paid can be cancelled.`;
  return new AppError('conflict', detail);
}
