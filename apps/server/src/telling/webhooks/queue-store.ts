import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { JsonObject } from '../events/index.ts';

/** A delivery that this process holds until its lease ends. */
export type Claimed = {
  merchantId: Uuid;
  deliveryId: Uuid;
  endpointId: Uuid;
  /** 1 for the first; also fences: a later claim has a higher number. */
  attempt: number;
  url: string;
  style: 'standard' | 'classic';
  secrets: string[];
  event: {
    id: Uuid;
    type: string;
    orderId: Uuid | null;
    data: JsonObject;
    createdAtMs: number;
  };
};

export type ClaimRequest = {
  nowMs: number;
  leaseMs: number;
  fastSlots: number;
  slowSlots: number;
  perEndpoint: number;
  /** What this process has under way, by endpoint. */
  busy: ReadonlyMap<Uuid, number>;
  /** Endpoints that answered slowly of late. */
  slow: ReadonlySet<Uuid>;
};

/**
 * Walks from one endpoint with pending deliveries to the next by jumps in the index
 * webhook_delivery_due, so a queue of 10,000 for one endpoint costs as little as a queue of one.
 */
const WAITING_ENDPOINTS = `
waiting AS (
  (SELECT endpoint_id AS id FROM webhook_delivery WHERE state = 'pending'
   ORDER BY endpoint_id LIMIT 1)
  UNION ALL
  SELECT (SELECT next.endpoint_id FROM webhook_delivery AS next
          WHERE next.state = 'pending' AND next.endpoint_id > waiting.id
          ORDER BY next.endpoint_id LIMIT 1)
  FROM waiting WHERE waiting.id IS NOT NULL
)`;

/**
 * Each endpoint's oldest due deliveries, as many as it has room for: a queue stands only in its own
 * way. An endpoint that fails or is slow gets one at a time, the slow ones share slots of their own.
 * Two dispatchers skip each other's rows; one that comes late sees the moved next_attempt_at.
 */
const CLAIM = `
WITH RECURSIVE ${WAITING_ENDPOINTS}, ready AS (
  SELECT endpoint.*, endpoint.id = ANY ($5::uuid[]) AS slow,
    CASE WHEN endpoint.consecutive_failures > 0 OR endpoint.id = ANY ($5::uuid[]) THEN 1 ELSE $6 END
      - coalesce(busy.count, 0) AS room
  FROM waiting
  JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.id
  LEFT JOIN unnest($3::uuid[], $4::int[]) AS busy (id, count) ON busy.id = endpoint.id
  WHERE endpoint.enabled AND endpoint.deleted_at IS NULL
    AND (endpoint.resting_until IS NULL OR endpoint.resting_until <= $1)
), due AS (
  SELECT due.merchant_id, due.id, ready.slow,
    row_number() OVER (PARTITION BY ready.slow ORDER BY due.next_attempt_at) AS position
  FROM ready CROSS JOIN LATERAL (
    SELECT delivery.merchant_id, delivery.id, delivery.next_attempt_at
    FROM webhook_delivery AS delivery
    WHERE delivery.state = 'pending' AND delivery.endpoint_id = ready.id
      AND delivery.next_attempt_at <= $1
    ORDER BY delivery.next_attempt_at
    LIMIT greatest(ready.room, 0)
    FOR UPDATE SKIP LOCKED
  ) AS due
), claimed AS (
  UPDATE webhook_delivery AS delivery
  SET next_attempt_at = $2, attempts = delivery.attempts + 1
  FROM due
  WHERE delivery.merchant_id = due.merchant_id AND delivery.id = due.id
    AND due.position <= CASE WHEN due.slow THEN $8::int ELSE $7::int END
  RETURNING delivery.merchant_id, delivery.id, delivery.endpoint_id, delivery.event_id,
    delivery.attempts
)
SELECT claimed.merchant_id, claimed.id, claimed.endpoint_id, claimed.attempts,
  endpoint.url, endpoint.style, endpoint.secrets,
  event.id AS event_id, event.type, event.order_id, event.data, event.created_at
FROM claimed
JOIN webhook_endpoint AS endpoint ON endpoint.id = claimed.endpoint_id
JOIN event ON event.merchant_id = claimed.merchant_id AND event.id = claimed.event_id
ORDER BY event.transaction, event.seq`;

type ClaimRow = {
  merchant_id: Uuid;
  id: Uuid;
  endpoint_id: Uuid;
  attempts: number;
  url: string;
  style: 'standard' | 'classic';
  secrets: string[];
  event_id: Uuid;
  type: string;
  order_id: Uuid | null;
  data: JsonObject;
  created_at: Date;
};

export async function claimDeliveries(tx: Tx, request: ClaimRequest): Promise<Claimed[]> {
  const rows = await tx.query<ClaimRow>(CLAIM, [
    new Date(request.nowMs),
    new Date(request.nowMs + request.leaseMs),
    [...request.busy.keys()],
    [...request.busy.values()],
    [...request.slow],
    request.perEndpoint,
    request.fastSlots,
    request.slowSlots,
  ]);
  return rows.map((row) => ({
    merchantId: row.merchant_id,
    deliveryId: row.id,
    endpointId: row.endpoint_id,
    attempt: row.attempts,
    url: row.url,
    style: row.style,
    secrets: row.secrets,
    event: {
      id: row.event_id,
      type: row.type,
      orderId: row.order_id,
      data: row.data,
      createdAtMs: row.created_at.getTime(),
    },
  }));
}

/**
 * The longest waiting delivery that is due, and the time when the next becomes due, at endpoints
 * that don't rest then. Due ones that were not claimed wait for a slot.
 */
export async function findDueTimes(
  tx: Tx,
  nowMs: number,
): Promise<{ oldestDueMs: number | undefined; nextDueMs: number | undefined }> {
  const { oldest, next } = await tx.one<{ oldest: Date | null; next: Date | null }>(
    `WITH RECURSIVE ${WAITING_ENDPOINTS}, first AS (
       SELECT greatest(first.next_attempt_at, endpoint.resting_until) AS at
       FROM waiting JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.id
       CROSS JOIN LATERAL (
         SELECT next_attempt_at FROM webhook_delivery
         WHERE state = 'pending' AND endpoint_id = endpoint.id ORDER BY next_attempt_at LIMIT 1
       ) AS first
       WHERE endpoint.enabled AND endpoint.deleted_at IS NULL
     )
     SELECT min(at) FILTER (WHERE at <= $1) AS oldest, min(at) FILTER (WHERE at > $1) AS next
     FROM first`,
    [new Date(nowMs)],
  );
  return { oldestDueMs: oldest?.getTime(), nextDueMs: next?.getTime() };
}

export type Outcome = {
  claimed: Claimed;
  startedAtMs: number;
  durationMs: number;
  state: 'pending' | 'delivered' | 'failed';
  nextAttemptAtMs: number;
  status: number | null;
  error: string | null;
  response: string | null;
};

/**
 * Who took over after our lease ended has a higher attempt number, and then only "delivered" is
 * still news. The attempt is logged once, even if this statement is repeated.
 */
const RECORD = `
WITH outcome AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[],
    $6::timestamptz[], $7::int[], $8::int[], $9::text[], $10::text[])
    AS outcome (merchant_id, delivery_id, attempt, state, next_attempt_at,
      started_at, duration_ms, status, error, response)
), logged AS (
  INSERT INTO webhook_attempt
    (merchant_id, delivery_id, number, started_at, duration_ms, status, error, response)
  SELECT merchant_id, delivery_id, attempt, started_at, duration_ms, status, error, response
  FROM outcome
  ON CONFLICT DO NOTHING
)
UPDATE webhook_delivery AS delivery
SET state = outcome.state, next_attempt_at = outcome.next_attempt_at,
  finished_at = CASE WHEN outcome.state = 'pending' THEN NULL ELSE $11::timestamptz END
FROM outcome
WHERE delivery.merchant_id = outcome.merchant_id AND delivery.id = outcome.delivery_id
  AND delivery.state = 'pending'
  AND (delivery.attempts = outcome.attempt OR outcome.state = 'delivered')`;

export async function recordOutcomes(
  tx: Tx,
  outcomes: readonly Outcome[],
  nowMs: number,
): Promise<void> {
  await tx.query(RECORD, [
    outcomes.map(({ claimed }) => claimed.merchantId),
    outcomes.map(({ claimed }) => claimed.deliveryId),
    outcomes.map(({ claimed }) => claimed.attempt),
    outcomes.map(({ state }) => state),
    outcomes.map(({ nextAttemptAtMs }) => new Date(nextAttemptAtMs)),
    outcomes.map(({ startedAtMs }) => new Date(startedAtMs)),
    outcomes.map(({ durationMs }) => durationMs),
    outcomes.map(({ status }) => status),
    outcomes.map(({ error }) => error),
    outcomes.map(({ response }) => response),
    new Date(nowMs),
  ]);
}

export type EndpointHealth = {
  endpointId: Uuid;
  failures: number;
  succeeded: boolean;
  gone: boolean;
};
export type FailingEndpoint = { id: Uuid; consecutiveFailures: number; failingSinceMs: number };

/**
 * Counts failures in a row; one success ends the row. Endpoints that were and are well are not
 * written to. The rows are locked in the order of their ids, so that two dispatchers can't deadlock.
 * @returns those that failed now, with how often in a row
 */
export async function updateHealth(
  tx: Tx,
  health: readonly EndpointHealth[],
  nowMs: number,
): Promise<FailingEndpoint[]> {
  const rows = await tx.query<{ id: Uuid; failures: number; since: Date | null }>(
    `WITH news AS (
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::boolean[], $4::boolean[])
         AS news (id, failures, succeeded, gone)
     ), locked AS (
       SELECT endpoint.merchant_id, endpoint.id FROM webhook_endpoint AS endpoint
       JOIN news ON news.id = endpoint.id
       WHERE NOT news.succeeded OR news.gone OR endpoint.consecutive_failures > 0
       ORDER BY endpoint.id FOR NO KEY UPDATE OF endpoint
     )
     UPDATE webhook_endpoint AS endpoint
     SET consecutive_failures =
           CASE WHEN news.succeeded THEN 0 ELSE endpoint.consecutive_failures + news.failures END,
         failing_since =
           CASE WHEN news.succeeded THEN NULL ELSE coalesce(endpoint.failing_since, $5) END,
         resting_until = CASE WHEN news.succeeded THEN NULL ELSE endpoint.resting_until END,
         enabled = endpoint.enabled AND NOT news.gone
     FROM locked JOIN news ON news.id = locked.id
     WHERE endpoint.merchant_id = locked.merchant_id AND endpoint.id = locked.id
     RETURNING endpoint.id, endpoint.consecutive_failures AS failures,
       endpoint.failing_since AS since`,
    [
      health.map(({ endpointId }) => endpointId),
      health.map(({ failures }) => failures),
      health.map(({ succeeded }) => succeeded),
      health.map(({ gone }) => gone),
      new Date(nowMs),
    ],
  );
  return rows.flatMap(({ id, failures, since }) =>
    since === null ? [] : [{ id, consecutiveFailures: failures, failingSinceMs: since.getTime() }],
  );
}

export async function restEndpoints(
  tx: Tx,
  rests: readonly { id: Uuid; untilMs: number }[],
): Promise<void> {
  await tx.query(
    `UPDATE webhook_endpoint AS endpoint SET resting_until = rest.until
     FROM unnest($1::uuid[], $2::timestamptz[]) AS rest (id, until) WHERE endpoint.id = rest.id`,
    [rests.map(({ id }) => id), rests.map(({ untilMs }) => new Date(untilMs))],
  );
}

/** Gives up what is older than `beforeMs` at endpoints that have just failed once more. */
export async function giveUpOld(
  tx: Tx,
  old: { endpointIds: readonly Uuid[]; beforeMs: number; nowMs: number; limit: number },
): Promise<number> {
  const rows = await tx.query(
    `UPDATE webhook_delivery AS delivery SET state = 'failed', finished_at = $3
     FROM (
       SELECT merchant_id, id FROM webhook_delivery
       WHERE state = 'pending' AND endpoint_id = ANY ($1::uuid[]) AND created_at < $2
         AND next_attempt_at <= $3
       LIMIT $4 FOR UPDATE SKIP LOCKED
     ) AS old
     WHERE delivery.merchant_id = old.merchant_id AND delivery.id = old.id
     RETURNING 1`,
    [old.endpointIds, new Date(old.beforeMs), new Date(old.nowMs), old.limit],
  );
  return rows.length;
}

/** Ends what waits for endpoints that were switched off or deleted; it can be replayed. */
export async function endUnwanted(tx: Tx, nowMs: number, limit: number): Promise<number> {
  const rows = await tx.query(
    `WITH RECURSIVE ${WAITING_ENDPOINTS}
     UPDATE webhook_delivery AS delivery SET state = 'failed', finished_at = $1
     FROM (
       SELECT pending.merchant_id, pending.id
       FROM waiting JOIN webhook_endpoint AS endpoint ON endpoint.id = waiting.id
       JOIN webhook_delivery AS pending
         ON pending.endpoint_id = endpoint.id AND pending.state = 'pending'
       WHERE NOT endpoint.enabled OR endpoint.deleted_at IS NOT NULL
       LIMIT $2 FOR UPDATE OF pending SKIP LOCKED
     ) AS unwanted
     WHERE delivery.merchant_id = unwanted.merchant_id AND delivery.id = unwanted.id
     RETURNING 1`,
    [new Date(nowMs), limit],
  );
  return rows.length;
}

/** Counting stops here: a longer queue is reported as this long. */
const MAX_COUNTED = 100_000;

/** How many deliveries wait, and since when the one is due that waits longest at a healthy endpoint. */
export async function measureQueue(
  tx: Tx,
  nowMs: number,
): Promise<{ depth: number; oldestDueAgeMs: number }> {
  const { depth } = await tx.one<{ depth: number }>(
    `SELECT count(*)::int AS depth
     FROM (SELECT FROM webhook_delivery WHERE state = 'pending' LIMIT ${MAX_COUNTED}) AS counted`,
  );
  const { oldestDueMs } = await findDueTimes(tx, nowMs);
  return { depth, oldestDueAgeMs: oldestDueMs === undefined ? 0 : nowMs - oldestDueMs };
}
