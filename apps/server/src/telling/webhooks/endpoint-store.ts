import type { WebhookEventType } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Endpoint, EndpointStyle } from './endpoint.ts';

const COLUMNS = `id, url, style, event_types, enabled, description, created_at, resting_until,
  consecutive_failures, cardinality(secrets) AS secret_count`;
const OWN = 'merchant_id = current_merchant() AND deleted_at IS NULL';

type EndpointRow = {
  id: Uuid;
  url: string;
  style: EndpointStyle;
  event_types: WebhookEventType[];
  enabled: boolean;
  description: string | null;
  created_at: Date;
  resting_until: Date | null;
  consecutive_failures: number;
  secret_count: number;
};

function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    url: row.url,
    style: row.style,
    eventTypes: row.event_types,
    enabled: row.enabled,
    description: row.description,
    createdAtMs: row.created_at.getTime(),
    restingUntilMs: row.resting_until?.getTime() ?? null,
    consecutiveFailures: row.consecutive_failures,
    secretCount: row.secret_count,
  };
}

export type NewEndpointRow = {
  merchantId: Uuid;
  id: Uuid;
  url: string;
  secret: string;
  style: EndpointStyle;
  eventTypes: readonly WebhookEventType[];
  description: string | null;
  createdAtMs: number;
};

/** Makes no row when the merchant has `limit` endpoints already. */
export async function insertEndpoint(
  tx: Tx,
  row: NewEndpointRow,
  limit: number,
): Promise<Endpoint | undefined> {
  const made = await tx.maybe<EndpointRow>(
    `INSERT INTO webhook_endpoint
       (merchant_id, id, url, secrets, style, event_types, enabled, description, created_at)
     SELECT $1, $2, $3, ARRAY[$4], $5, $6, true, $7, $8
     WHERE (SELECT count(*) FROM webhook_endpoint WHERE ${OWN}) < $9
     RETURNING ${COLUMNS}`,
    [
      row.merchantId,
      row.id,
      row.url,
      row.secret,
      row.style,
      row.eventTypes,
      row.description,
      new Date(row.createdAtMs),
      limit,
    ],
  );
  return made === undefined ? undefined : toEndpoint(made);
}

export async function selectEndpoints(tx: Tx): Promise<Endpoint[]> {
  const rows = await tx.query<EndpointRow>(
    `SELECT ${COLUMNS} FROM webhook_endpoint WHERE ${OWN} ORDER BY created_at, id`,
  );
  return rows.map(toEndpoint);
}

export async function selectEndpoint(tx: Tx, id: Uuid): Promise<Endpoint | undefined> {
  const row = await tx.maybe<EndpointRow>(
    `SELECT ${COLUMNS} FROM webhook_endpoint WHERE ${OWN} AND id = $1`,
    [id],
  );
  return row === undefined ? undefined : toEndpoint(row);
}

export type EndpointChange = {
  url?: string | undefined;
  eventTypes?: readonly WebhookEventType[] | undefined;
  enabled?: boolean | undefined;
  description?: string | null | undefined;
};

/** Somebody has looked after the endpoint: it need not rest any longer. */
export async function changeEndpoint(
  tx: Tx,
  id: Uuid,
  change: EndpointChange,
): Promise<Endpoint | undefined> {
  const row = await tx.maybe<EndpointRow>(
    `UPDATE webhook_endpoint
     SET url = coalesce($2, url), event_types = coalesce($3::text[], event_types),
       enabled = coalesce($4, enabled),
       description = CASE WHEN $5 THEN $6 ELSE description END,
       resting_until = NULL, consecutive_failures = 0, failing_since = NULL
     WHERE ${OWN} AND id = $1
     RETURNING ${COLUMNS}`,
    [
      id,
      change.url ?? null,
      change.eventTypes ?? null,
      change.enabled ?? null,
      change.description !== undefined,
      change.description ?? null,
    ],
  );
  return row === undefined ? undefined : toEndpoint(row);
}

export async function markDeleted(tx: Tx, id: Uuid, nowMs: number): Promise<boolean> {
  const row = await tx.maybe(
    `UPDATE webhook_endpoint SET deleted_at = $2, enabled = false
     WHERE ${OWN} AND id = $1 RETURNING 1`,
    [id, new Date(nowMs)],
  );
  return row !== undefined;
}

/** Puts a secret in front of those that sign. */
export async function prependSecret(
  tx: Tx,
  id: Uuid,
  secret: string,
): Promise<Endpoint | undefined> {
  const row = await tx.maybe<EndpointRow>(
    `UPDATE webhook_endpoint SET secrets = array_prepend($2, secrets)
     WHERE ${OWN} AND id = $1 RETURNING ${COLUMNS}`,
    [id, secret],
  );
  return row === undefined ? undefined : toEndpoint(row);
}

export async function keepNewestSecret(tx: Tx, id: Uuid): Promise<Endpoint | undefined> {
  const row = await tx.maybe<EndpointRow>(
    `UPDATE webhook_endpoint SET secrets = secrets[1:1]
     WHERE ${OWN} AND id = $1 RETURNING ${COLUMNS}`,
    [id],
  );
  return row === undefined ? undefined : toEndpoint(row);
}

export async function endRest(tx: Tx, id: Uuid): Promise<void> {
  await tx.query(`UPDATE webhook_endpoint SET resting_until = NULL WHERE ${OWN} AND id = $1`, [id]);
}
