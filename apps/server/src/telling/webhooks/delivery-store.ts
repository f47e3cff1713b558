import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { JsonObject } from '../events/index.ts';
import { WEBHOOKS_CHANNEL } from '../events/index.ts';
import type { Delivery, DeliveryAttempt, DeliveryState } from './endpoint.ts';

const SELECT_DELIVERY = `
SELECT delivery.id, delivery.endpoint_id, delivery.event_id, event.type, delivery.state,
  delivery.attempts, delivery.next_attempt_at, delivery.created_at, delivery.finished_at,
  delivery.replay_of, last.status, last.error
FROM webhook_delivery AS delivery
JOIN event ON event.merchant_id = delivery.merchant_id AND event.id = delivery.event_id
LEFT JOIN LATERAL (
  SELECT status, error FROM webhook_attempt
  WHERE merchant_id = delivery.merchant_id AND delivery_id = delivery.id
  ORDER BY number DESC LIMIT 1
) AS last ON true
WHERE delivery.merchant_id = current_merchant()`;

type DeliveryRow = {
  id: Uuid;
  endpoint_id: Uuid;
  event_id: Uuid;
  type: string;
  state: DeliveryState;
  attempts: number;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
  replay_of: Uuid | null;
  status: number | null;
  error: string | null;
};

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    endpointId: row.endpoint_id,
    eventId: row.event_id,
    eventType: row.type,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAtMs: row.state === 'pending' ? row.next_attempt_at.getTime() : null,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    replayOf: row.replay_of,
    lastStatus: row.status,
    lastError: row.error,
  };
}

/** Newest first. */
export async function selectDeliveries(
  tx: Tx,
  page: {
    endpointId: Uuid;
    startingAfter: Uuid | undefined;
    state: DeliveryState | undefined;
    limit: number;
  },
): Promise<Delivery[]> {
  const rows = await tx.query<DeliveryRow>(
    `${SELECT_DELIVERY} AND delivery.endpoint_id = $1
       AND ($2::uuid IS NULL OR (delivery.created_at, delivery.id) < (
         SELECT created_at, id FROM webhook_delivery
         WHERE merchant_id = current_merchant() AND id = $2))
       AND ($3::text IS NULL OR delivery.state = $3)
     ORDER BY delivery.created_at DESC, delivery.id DESC LIMIT $4`,
    [page.endpointId, page.startingAfter ?? null, page.state ?? null, page.limit],
  );
  return rows.map(toDelivery);
}

export async function selectDelivery(tx: Tx, id: Uuid): Promise<Delivery | undefined> {
  const row = await tx.maybe<DeliveryRow>(`${SELECT_DELIVERY} AND delivery.id = $1`, [id]);
  return row === undefined ? undefined : toDelivery(row);
}

export async function selectAttempts(tx: Tx, deliveryId: Uuid): Promise<DeliveryAttempt[]> {
  const rows = await tx.query<{
    number: number;
    started_at: Date;
    duration_ms: number;
    status: number | null;
    error: string | null;
    response: string | null;
  }>(
    `SELECT number, started_at, duration_ms, status, error, response FROM webhook_attempt
     WHERE merchant_id = current_merchant() AND delivery_id = $1 ORDER BY number`,
    [deliveryId],
  );
  return rows.map(({ started_at, duration_ms, ...row }) => ({
    ...row,
    startedAtMs: started_at.getTime(),
    durationMs: duration_ms,
  }));
}

/** Writes a delivery like an earlier one, to the same endpoint, due at once. */
export async function insertReplay(
  tx: Tx,
  replay: { id: Uuid; of: Uuid; nowMs: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO webhook_delivery (merchant_id, id, endpoint_id, event_id, state,
       next_attempt_at, replay_of, created_at)
     SELECT merchant_id, $1, endpoint_id, event_id, 'pending', $3, id, $3
     FROM webhook_delivery WHERE merchant_id = current_merchant() AND id = $2`,
    [replay.id, replay.of, new Date(replay.nowMs)],
  );
}

/**
 * Replays failed deliveries that have not been replayed, oldest first. An id follows from the
 * delivery that it repeats, so that two requests at once replay each only once.
 */
export async function insertReplaysOfFailed(
  tx: Tx,
  replay: { endpointId: Uuid; sinceMs: number; nowMs: number; limit: number },
): Promise<number> {
  const rows = await tx.query(
    `INSERT INTO webhook_delivery (merchant_id, id, endpoint_id, event_id, state,
       next_attempt_at, replay_of, created_at)
     SELECT merchant_id, (left(replace(id::text, '-', ''), 12) || '7' || left(digest, 3) || '8'
         || substr(digest, 4, 15))::uuid, endpoint_id, event_id, 'pending', $3, id, $3
     FROM webhook_delivery AS failed
     CROSS JOIN LATERAL (SELECT md5('replay' || failed.id::text) AS digest) AS hashed
     WHERE merchant_id = current_merchant() AND endpoint_id = $1 AND state = 'failed'
       AND created_at >= $2
       AND NOT EXISTS (SELECT FROM webhook_delivery AS again
         WHERE again.merchant_id = failed.merchant_id AND again.replay_of = failed.id)
     ORDER BY created_at, id LIMIT $4
     ON CONFLICT DO NOTHING
     RETURNING 1`,
    [replay.endpointId, new Date(replay.sinceMs), new Date(replay.nowMs), replay.limit],
  );
  return rows.length;
}

/** An event for one endpoint only, whatever types it wants. */
export async function insertPing(
  tx: Tx,
  ping: {
    merchantId: Uuid;
    eventId: Uuid;
    deliveryId: Uuid;
    endpointId: Uuid;
    type: string;
    data: JsonObject;
    nowMs: number;
  },
): Promise<void> {
  await tx.query(
    `WITH made AS (
       INSERT INTO event (merchant_id, id, type, order_id, data, created_at)
       VALUES ($1, $2, $3, NULL, $4::jsonb, $5)
     )
     INSERT INTO webhook_delivery
       (merchant_id, id, endpoint_id, event_id, state, next_attempt_at, created_at)
     VALUES ($1, $6, $7, $2, 'pending', $5, $5)`,
    [
      ping.merchantId,
      ping.eventId,
      ping.type,
      JSON.stringify(ping.data),
      new Date(ping.nowMs),
      ping.deliveryId,
      ping.endpointId,
    ],
  );
}

/** Wakes the dispatchers when the transaction commits. */
export async function ringDispatcher(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_notify('${WEBHOOKS_CHANNEL}', '')`);
}
