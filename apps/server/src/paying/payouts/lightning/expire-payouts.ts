import type { Tx } from '../../../platform/db/index.ts';
import { EXPIRY_MARGIN_MS, isExpired } from '../attempt-transition.ts';
import { lockPayout } from '../store.ts';
import { applyPayoutEvent } from '../transition.ts';
import { writePayouts } from '../write-payouts.ts';
import type { LightningPayoutDeps, OwnPayout } from './deps.ts';
import { readExpiringPayouts } from './due-store.ts';

/** Payouts that one round ends; each in a transaction of its own. */
const ENDED_AT_ONCE = 100;

/**
 * Ends payouts whose invoice has ended and that no attempt is paying: failed with the reason
 * `expired`, the money free and everybody told in the same transaction (payout-expired-bolt11).
 * @returns 'again' when there may be more
 */
export async function expireLightningPayouts(
  deps: Pick<LightningPayoutDeps, 'database' | 'clock' | 'ids' | 'listener' | 'log'>,
  signal: AbortSignal,
): Promise<'again' | void> {
  const which = { endBeforeMs: deps.clock.nowMs() + EXPIRY_MARGIN_MS, limit: ENDED_AT_ONCE };
  const found = await deps.database.asSystem((tx) => readExpiringPayouts(tx, which));
  for (const own of found) {
    if (signal.aborted) return;
    await deps.database.asSystem((tx) => expireOne(tx, deps, own));
  }
  if (found.length === ENDED_AT_ONCE) return 'again';
}

async function expireOne(
  tx: Tx,
  deps: Pick<LightningPayoutDeps, 'clock' | 'ids' | 'listener' | 'log'>,
  own: OwnPayout,
): Promise<void> {
  const before = await lockPayout(tx, own);
  const nowMs = deps.clock.nowMs();
  if (before === undefined || !isExpired(before, nowMs)) return;
  const step = applyPayoutEvent(before, { type: 'gave_up', reason: 'expired', atMs: nowMs });
  // An attempt was begun meanwhile, or it has ended: then its outcome decides.
  if (!step.ok) return;
  await writePayouts(tx, deps, { telling: { ids: deps.ids, nowMs }, moves: [{ before, step }] });
  const { merchantId, id: payoutId } = own;
  deps.log.warn({ merchantId, payoutId }, 'the invoice of a payout has expired');
}
