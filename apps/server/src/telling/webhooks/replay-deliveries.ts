import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readEndpoint } from './change-endpoint.ts';
import {
  insertReplay,
  insertReplaysOfFailed,
  ringDispatcher,
  selectAttempts,
  selectDeliveries,
  selectDelivery,
} from './delivery-store.ts';
import type { Delivery, DeliveryAttempt, DeliveryState } from './endpoint.ts';
import { endRest } from './endpoint-store.ts';
import { noSuchDelivery } from './errors.ts';

/** A page is held in memory and sent as one answer. */
export const MAX_DELIVERIES_PAGE = 100;
/** One request's share; call again until it answers 0. */
export const MAX_REPLAYS = 5_000;

/** An endpoint's deliveries, newest first. @throws {AppError} not_found */
export async function listDeliveries(
  tx: Tx,
  page: {
    endpointId: Uuid;
    startingAfter?: Uuid | undefined;
    state?: DeliveryState | undefined;
    limit: number;
  },
): Promise<{ deliveries: Delivery[]; hasMore: boolean }> {
  await readEndpoint(tx, page.endpointId);
  const { endpointId, startingAfter, state } = page;
  const limit = Math.min(Math.max(1, page.limit), MAX_DELIVERIES_PAGE);
  const query = { endpointId, startingAfter, state, limit: limit + 1 };
  const found = await selectDeliveries(tx, query);
  return { deliveries: found.slice(0, limit), hasMore: found.length > limit };
}

/** A delivery with all its attempts, oldest first. @throws {AppError} not_found */
export async function readDelivery(
  tx: Tx,
  id: Uuid,
): Promise<Delivery & { attemptLog: DeliveryAttempt[] }> {
  const delivery = await selectDelivery(tx, id);
  if (delivery === undefined) throw noSuchDelivery();
  return { ...delivery, attemptLog: await selectAttempts(tx, id) };
}

/**
 * Sends a delivery once more, whatever came of it: a new one of the same event, to the same
 * endpoint; the receiver sees the same webhook-id.
 * @throws {AppError} not_found, conflict (still pending, or the endpoint is switched off)
 */
export async function replayDelivery(
  tx: Tx,
  deps: { clock: Clock; ids: Ids },
  id: Uuid,
): Promise<Delivery> {
  const delivery = await selectDelivery(tx, id);
  if (delivery === undefined) throw noSuchDelivery();
  if (delivery.state === 'pending') {
    throw new AppError('conflict', 'This delivery is still being tried.');
  }
  await wakeEndpoint(tx, delivery.endpointId);
  const replay = { id: deps.ids.next(), of: id, nowMs: deps.clock.nowMs() };
  await insertReplay(tx, replay);
  await ringDispatcher(tx);
  return readDelivery(tx, replay.id);
}

/**
 * Replays the endpoint's failed deliveries made since a time that were not replayed before.
 * @returns how many; MAX_REPLAYS means that there may be more
 * @throws {AppError} not_found, conflict (the endpoint is switched off)
 */
export async function replayFailed(
  tx: Tx,
  deps: { clock: Clock },
  replay: { endpointId: Uuid; sinceMs: number },
): Promise<number> {
  await wakeEndpoint(tx, replay.endpointId);
  const limits = { nowMs: deps.clock.nowMs(), limit: MAX_REPLAYS };
  const count = await insertReplaysOfFailed(tx, { ...replay, ...limits });
  if (count > 0) await ringDispatcher(tx);
  return count;
}

async function wakeEndpoint(tx: Tx, endpointId: Uuid): Promise<void> {
  const { enabled } = await readEndpoint(tx, endpointId);
  if (!enabled) throw new AppError('conflict', 'The endpoint is switched off; switch it on first.');
  await endRest(tx, endpointId);
}
