import type { Clock } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { LightningNodeError } from './errors.ts';
import type { LightningNodes } from './nodes.ts';
import { lookAtOfferAgain, type OrderOffer, readOffersToWithdraw } from './offer-store.ts';

/** Offers that one round withdraws; the others come with the next. */
const MAX_PER_ROUND = 100;
/** A node that does not answer is asked again after this. */
const RETRY_AFTER_MS = 30_000;

export type WithdrawDeps = {
  readonly database: Database;
  readonly nodes: LightningNodes;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
};

/**
 * An offer ends with the invoice that it stands beside: when the order is paid, closed or over, or
 * when another amount is due. What is paid by it nevertheless is credited like any late payment.
 */
export async function withdrawOffers(deps: WithdrawDeps, signal: AbortSignal): Promise<void> {
  const due = await deps.database.asSystem((tx) =>
    readOffersToWithdraw(tx, deps.clock.nowMs(), MAX_PER_ROUND),
  );
  for (const offer of due) {
    if (signal.aborted) return;
    await withdraw(deps, offer);
  }
}

async function withdraw(deps: WithdrawDeps, offer: OrderOffer): Promise<void> {
  const { merchantId, offerId } = offer;
  let atMs: number | null = null;
  try {
    const open = await deps.nodes.connectionOf(merchantId);
    // A node that was given up is not asked any more.
    if (open !== null && open.id === offer.lightningNodeId) {
      await open.node.withdrawOffer?.(offerId);
    }
  } catch (error) {
    if (!(error instanceof LightningNodeError)) throw error;
    deps.log.warn({ error, offerId }, 'a node did not withdraw an offer');
    atMs = deps.clock.nowMs() + RETRY_AFTER_MS;
  }
  await deps.database.asSystem((tx) => lookAtOfferAgain(tx, { merchantId, offerId, atMs }));
}
