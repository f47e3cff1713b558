import type { Database } from '../../platform/db/index.ts';
import { type AlertDeps, raiseAlert, resolveAlert } from '../../telling/notifications/index.ts';
import { sumEndedAttempts } from './attempt-store.ts';

/** What is looked at for the rate of failures. */
const WINDOW_MS = 3_600_000;
/** Fewer attempts than this say nothing about a rate. */
const AT_LEAST = 10;
/** Retries fail often; when so many of a hundred do, something is wrong. */
const FAILING_PERCENT = 80;

/** Raises an alert for each store most of whose attempts fail, and resolves it when they do not. */
export async function watchFailureRates(deps: AlertDeps & { database: Database }): Promise<void> {
  const sinceMs = deps.clock.nowMs() - WINDOW_MS;
  await deps.database.asSystem(async (tx) => {
    const kind = 'lightning_payments_failing' as const;
    for (const sums of await sumEndedAttempts(tx, { sinceMs, atLeast: AT_LEAST })) {
      const { merchantId, ended, failed, lastFailure: reason } = sums;
      const about = { merchantId, kind, subject: merchantId };
      if (failed * 100 < ended * FAILING_PERCENT) {
        await resolveAlert(tx, deps, about);
        continue;
      }
      const facts = { failed: String(failed), attempts: String(ended), reason };
      await raiseAlert(tx, deps, { ...about, severity: 'warning', facts });
    }
  });
}
