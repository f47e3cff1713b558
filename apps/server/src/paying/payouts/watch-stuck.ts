import type { AlertSeverity } from '@quittance/contract';
import type { Database } from '../../platform/db/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';
import type { PayoutState } from './payout.ts';
import { isSignerMissed, takeMovedPayouts, takeStuckPayouts } from './stuck-store.ts';

/** Alerts that one transaction raises or resolves. */
const ALERTS_AT_ONCE = 50;
const MINUTE_MS = 60_000;

/**
 * Raises an alert for each payout that stands still for longer than the store's policy says, says
 * so again every hour, and resolves it once the payout has moved. Any number of workers may do it.
 * @returns 'again' when there are more
 */
export async function watchStuckPayouts(
  deps: AlertDeps & { database: Database },
): Promise<'again' | void> {
  const nowMs = deps.clock.nowMs();
  const moved = await deps.database.asSystem(async (tx) => {
    const payouts = await takeMovedPayouts(tx, ALERTS_AT_ONCE);
    for (const { merchantId, id: subject } of payouts) {
      await resolveAlert(tx, deps, { merchantId, kind: 'payout_stuck', subject });
    }
    return payouts.length;
  });
  const stuck = await deps.database.asSystem(async (tx) => {
    const payouts = await takeStuckPayouts(tx, { nowMs, limit: ALERTS_AT_ONCE });
    for (const { merchantId, id, state, sinceMs } of payouts) {
      const minutes = Math.floor((nowMs - sinceMs) / MINUTE_MS).toString();
      await raiseAlert(tx, deps, {
        merchantId,
        kind: 'payout_stuck',
        subject: id,
        severity: severityOf(state),
        facts: { payoutId: id, state, minutes },
      });
    }
    return payouts.length;
  });
  await deps.database.asSystem(async (tx) => {
    const about = { merchantId: null, kind: 'signer_unavailable', subject: 'signer' } as const;
    if (!(await isSignerMissed(tx))) await resolveAlert(tx, deps, about);
    else {
      const reason = 'payouts wait for its signature';
      await raiseAlert(tx, deps, { ...about, severity: 'critical', facts: { reason } });
    }
  });
  if (moved === ALERTS_AT_ONCE || stuck === ALERTS_AT_ONCE) return 'again';
}

/** People take their time; machines should not. */
function severityOf(state: PayoutState): AlertSeverity {
  const isOurs = state === 'in_progress' || state === 'in_flight' || state === 'unknown';
  return isOurs ? 'critical' : 'warning';
}
