import type { SpendDeps } from './deps.ts';
import type { SpendState } from './spend.ts';
import { countOpenSpends } from './due-store.ts';

/** How many spends are under way in each state, and how long the oldest has been. */
export async function readSpendNumbers({
  database,
  clock,
}: Pick<SpendDeps, 'database' | 'clock'>): Promise<
  { state: SpendState; count: number; oldestAgeMs: number }[]
> {
  const rows = await database.asSystem(countOpenSpends);
  return rows.map(({ state, count, oldestAt }) => ({
    state,
    count: Number(count),
    oldestAgeMs: Math.max(0, clock.nowMs() - oldestAt.getTime()),
  }));
}
