import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { RecordedEvent } from './event.ts';
import { findEventCursor, selectEvents } from './store.ts';

/** A page is held in memory and sent as one answer. */
export const MAX_EVENTS_PAGE = 100;

/**
 * The merchant's events in the order in which they can be read, oldest first. A reader that asks
 * again with the last id it got sees every event exactly once: events of transactions that are
 * still open are held back, so none appears behind the cursor. Call it in asTenant.
 * @throws {AppError} invalid_request when `startingAfter` is not an event of this merchant
 */
export async function listEvents(
  tx: Tx,
  page: { startingAfter?: Uuid | undefined; limit: number; type?: string | undefined },
): Promise<{ events: RecordedEvent[]; hasMore: boolean }> {
  const limit = Math.min(Math.max(1, page.limit), MAX_EVENTS_PAGE);
  const after =
    page.startingAfter === undefined ? undefined : await findEventCursor(tx, page.startingAfter);
  if (page.startingAfter !== undefined && after === undefined) {
    throw new AppError('invalid_request', 'There is no event with the id in starting_after.', {
      fields: [{ pointer: '/starting_after', detail: 'not the id of an event' }],
    });
  }
  const found = await selectEvents(tx, { after, type: page.type, limit: limit + 1 });
  return { events: found.slice(0, limit), hasMore: found.length > limit };
}
