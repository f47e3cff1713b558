import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { RecordedEvent } from './event.ts';
import { findEventCursorOf, selectEventsOf } from './store.ts';

/**
 * For another module that follows a store's events in asSystem: those after the one it has read last,
 * oldest first, each exactly once. The cursor is an event's id and not its number, since a restore into
 * another server numbers transactions anew.
 * @throws {AssertionError} when `after` is not an event of the store: events are never deleted
 */
export async function followEvents(
  tx: Tx,
  page: { merchantId: Uuid; after: Uuid | null; limit: number },
): Promise<RecordedEvent[]> {
  const { merchantId, after, limit } = page;
  const cursor = after === null ? null : await findEventCursorOf(tx, { merchantId, id: after });
  return await selectEventsOf(tx, { merchantId, cursor, limit });
}
