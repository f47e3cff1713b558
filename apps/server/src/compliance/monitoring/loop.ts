import type { Database } from '../../platform/db/index.ts';
import { type Loop, startLoop } from '../../platform/loops/index.ts';
import { runWaitingBacktest } from './backtest.ts';
import { type MonitorDeps, monitorStores } from './monitor-store.ts';

/** A person looks hours or days later; each look at quiet stores is one query a store. */
const MONITOR_EVERY_MS = 2_000;

/** Follows the payments of all stores that are monitored, and runs backtests that are asked for. */
export function startMonitoring(
  options: MonitorDeps & { database: Database; onError(error: unknown): void },
): Loop {
  const { database, clock, onError } = options;
  return startLoop({
    name: 'monitoring',
    everyMs: MONITOR_EVERY_MS,
    run: async (signal) => {
      const isMore = await monitorStores(database, options, signal);
      const hasTested = await runWaitingBacktest(database, options, signal);
      if (isMore || hasTested) return 'again';
    },
    onError,
    clock,
  });
}
