import type { Clock } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import { type ReconciliationDeps, reconcileDue } from './run-reconciliation.ts';
import { countStates } from './store.ts';

/** A break is known within this time and the loop's work; each look at a quiet book is one query. */
const RECONCILE_EVERY_MS = 5_000;

/** Compares coins and book for ever, store by store, as their books move on. */
export function startReconciliation(options: {
  database: Database;
  deps: ReconciliationDeps;
  metrics: Metrics;
  clock: Clock;
  log: { warn(fields: object, message: string): void };
}): Loop {
  const { database, deps, metrics, clock, log } = options;
  metrics.registerSource('reconciliation', async () => {
    const { states, oldestCheckedAtMs } = await database.asSystem(countStates);
    const stores = Object.entries(states).map(([state, value]) => ({
      name: 'quittance_reconciliation_stores' as const,
      labels: { state },
      value,
    }));
    if (oldestCheckedAtMs === null) return stores;
    const value = (clock.nowMs() - oldestCheckedAtMs) / 1_000;
    return [...stores, { name: 'quittance_reconciliation_oldest_seconds' as const, value }];
  });
  const onResult = (state: string) => metrics.count('quittance_reconciliations_total', { state });
  return startLoop({
    name: 'reconciliation',
    everyMs: RECONCILE_EVERY_MS,
    run: (signal) => reconcileDue(database, { ...deps, onResult }, signal),
    onError: (error) => log.warn({ error }, 'coins and books can not be compared'),
    clock,
  });
}
