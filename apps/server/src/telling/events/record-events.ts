import type { Tx } from '../../platform/db/index.ts';
import type { NewEvent } from './event.ts';
import { insertEvents } from './store.ts';

/**
 * Records what has become true, in the transaction that makes it true, together with one webhook
 * delivery for each enabled endpoint of the merchant that wants the type; wakes the dispatcher on
 * commit when there are deliveries. One round trip for any number of events and merchants.
 * Works in asTenant (that merchant's events only) and in asSystem.
 * @throws when an id was recorded before: an event happens once
 */
export async function recordEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await insertEvents(tx, events);
}
