import type { Uuid } from '@quittance/kernel';
import { applyEvent, holdSpend, tellingNow } from './apply-event.ts';
import type { SpendDeps } from './deps.ts';
import type { StoredSpend } from './store.ts';
import type { SpendEvent } from './transition.ts';

/** Applies an event to the spend as it is now, in a transaction of its own. */
export async function record(
  deps: Pick<SpendDeps, 'database' | 'ids' | 'clock' | 'listener'>,
  spendId: Uuid,
  eventOf: (held: StoredSpend) => SpendEvent,
): Promise<StoredSpend | undefined> {
  return await deps.database.asSystem(async (tx) => {
    const held = await holdSpend(tx, deps.listener, spendId);
    if (held === undefined) return undefined;
    const telling = await tellingNow(tx, deps);
    return await applyEvent(tx, { listener: deps.listener, telling }, held, eventOf(held));
  });
}
