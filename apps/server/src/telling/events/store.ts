import { classicEventTypes, type WebhookEventType } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { JsonObject, NewEvent, RecordedEvent } from './event.ts';

/** The doorbell of the webhook dispatcher; its payload says nothing. */
export const WEBHOOKS_CHANNEL = 'quittance_webhooks';

/**
 * Foreign keys are checked when the statement ends, so events and their deliveries can be written
 * by one. A delivery's id follows from the ids of event and endpoint (in the form of a UUID 7 with
 * the event's time), so the statement needs no randomness and can't make the same delivery twice.
 */
const INSERT_EVENTS = `
WITH fresh AS (
  INSERT INTO event (merchant_id, id, type, order_id, data, created_at)
  SELECT merchant_id, id, type, order_id, data::jsonb, created_at
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[])
    WITH ORDINALITY AS new (merchant_id, id, type, order_id, data, created_at, position)
  ORDER BY position
  RETURNING merchant_id, id, type, created_at
), made AS (
  INSERT INTO webhook_delivery
    (merchant_id, id, endpoint_id, event_id, state, next_attempt_at, created_at)
  SELECT fresh.merchant_id,
    (left(replace(fresh.id::text, '-', ''), 12) || '7' || left(digest, 3) || '8'
      || substr(digest, 4, 15))::uuid,
    endpoint.id, fresh.id, 'pending', fresh.created_at, fresh.created_at
  FROM fresh
  JOIN webhook_endpoint AS endpoint ON endpoint.merchant_id = fresh.merchant_id
  CROSS JOIN LATERAL (SELECT md5(fresh.id::text || endpoint.id::text) AS digest) AS hashed
  WHERE endpoint.enabled AND endpoint.deleted_at IS NULL
    AND (endpoint.style = 'standard' OR fresh.type = ANY ($7::text[]))
    AND (cardinality(endpoint.event_types) = 0 OR fresh.type = ANY (endpoint.event_types))
  RETURNING 1
)
SELECT pg_notify('${WEBHOOKS_CHANNEL}', '') WHERE EXISTS (SELECT FROM made)`;

export async function insertEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  await tx.query(INSERT_EVENTS, [
    events.map(({ merchantId }) => merchantId),
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ orderId }) => orderId),
    events.map(({ data }) => JSON.stringify(data)),
    events.map(({ createdAtMs }) => new Date(createdAtMs)),
    classicEventTypes,
  ]);
}

/**
 * Rows of transactions that may still be open are hidden: everything below the oldest running
 * transaction is decided, so nothing can appear behind a cursor that has moved on.
 */
const SELECT_EVENTS = `
SELECT id, type, order_id, data, created_at
FROM event
WHERE merchant_id = current_merchant()
  AND transaction < pg_snapshot_xmin(pg_current_snapshot())`;

type EventPage = { after: EventCursor | undefined; type: string | undefined; limit: number };

/**
 * The statement for a combination of filters: four constant texts, each read in the order of an
 * index from the cursor on.
 */
export function eventListStatement(page: EventPage): { text: string; values: unknown[] } {
  const values: unknown[] = [page.limit];
  let text = SELECT_EVENTS;
  if (page.after !== undefined) {
    const { transaction, seq } = page.after;
    const from = `($${values.push(transaction)}::xid8, $${values.push(seq)}::bigint)`;
    text += ` AND (transaction, seq) > ${from}`;
  }
  if (page.type !== undefined) text += ` AND type = $${values.push(page.type)}`;
  return { text: `${text} ORDER BY transaction, seq LIMIT $1`, values };
}

type EventRow = {
  id: Uuid;
  type: WebhookEventType;
  order_id: Uuid | null;
  data: JsonObject;
  created_at: Date;
};
/** `transaction` is the text of an xid8, `seq` orders the events within it. */
export type EventCursor = { transaction: string; seq: bigint };

export async function selectEvents(tx: Tx, page: EventPage): Promise<RecordedEvent[]> {
  const { text, values } = eventListStatement(page);
  const rows = await tx.query<EventRow>(text, values);
  return rows.map(recordedOf);
}

function recordedOf(row: EventRow): RecordedEvent {
  return {
    id: row.id,
    type: row.type,
    orderId: row.order_id,
    data: row.data,
    createdAtMs: row.created_at.getTime(),
  };
}

export async function findEventCursor(tx: Tx, id: Uuid): Promise<EventCursor | undefined> {
  return tx.maybe<EventCursor>(
    `SELECT transaction::text AS transaction, seq FROM event
     WHERE merchant_id = current_merchant() AND id = $1`,
    [id],
  );
}

const SELECT_EVENTS_OF = `
SELECT id, type, order_id, data, created_at
FROM event
WHERE merchant_id = $1 AND transaction < pg_snapshot_xmin(pg_current_snapshot())
  AND (transaction, seq) > ($2::xid8, $3::bigint)
ORDER BY transaction, seq LIMIT $4`;

/** Like selectEvents, of a store that is named. */
export async function selectEventsOf(
  tx: Tx,
  page: { merchantId: Uuid; cursor: EventCursor | null; limit: number },
): Promise<RecordedEvent[]> {
  const { transaction, seq } = page.cursor ?? { transaction: '0', seq: 0n };
  const values = [page.merchantId, transaction, seq, page.limit];
  const rows = await tx.query<EventRow>(SELECT_EVENTS_OF, values);
  return rows.map(recordedOf);
}

export async function findEventCursorOf(
  tx: Tx,
  { merchantId, id }: { merchantId: Uuid; id: Uuid },
): Promise<EventCursor> {
  return await tx.one<EventCursor>(
    `SELECT transaction::text AS transaction, seq FROM event WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
}
