import { advanceSpend } from './advance-spend.ts';
import { LEASE_MS } from './back-off.ts';
import type { SpendDeps } from './deps.ts';
import { claimDueSpends, wakeSpends } from './due-store.ts';

/** Spends that one worker has under way: the signer and the node take them one after the other. */
const AT_ONCE = 4;

/**
 * Works on what is due, a few at a time. Any number of workers may; what a dead one had is due
 * again when its lease ends.
 * @returns 'again' when there may be more
 */
export async function runDueSpends(deps: SpendDeps, signal: AbortSignal): Promise<'again' | void> {
  const nowMs = deps.clock.nowMs();
  const claim = { nowMs, leaseMs: LEASE_MS, limit: AT_ONCE };
  const ids = await deps.database.asSystem((tx) => claimDueSpends(tx, claim));
  const failures: unknown[] = [];
  await Promise.all(
    ids.map(async (id) => {
      if (signal.aborted) return;
      await advanceSpend(deps, id).catch((error: unknown) => failures.push(error));
    }),
  );
  // The others of the round were done all the same; the loop reports and slows down.
  if (failures.length > 0) throw failures[0];
  if (ids.length === AT_ONCE) return 'again';
}

/**
 * Recovery, once when a worker starts: whatever was under way is looked at at once, and what waited
 * for a signer that there is now.
 */
export async function recoverSpends({
  database,
  clock,
}: Pick<SpendDeps, 'database' | 'clock'>): Promise<void> {
  await database.asSystem((tx) => wakeSpends(tx, clock.nowMs()));
}
