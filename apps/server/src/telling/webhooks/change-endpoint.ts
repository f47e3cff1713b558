import type { Clock, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { UrlPolicy } from '../../platform/outbound/index.ts';
import { acceptUrl, checkEventTypes } from './create-endpoint.ts';
import { ringDispatcher } from './delivery-store.ts';
import type { Endpoint } from './endpoint.ts';
import { changeEndpoint, markDeleted, selectEndpoint, selectEndpoints } from './endpoint-store.ts';
import { noSuchEndpoint } from './errors.ts';

export type UpdateEndpoint = {
  url?: string | undefined;
  eventTypes?: readonly string[] | undefined;
  enabled?: boolean | undefined;
  description?: string | null | undefined;
};

/** The merchant's endpoints, oldest first; at most MAX_ENDPOINTS, so there are no pages. */
export async function listEndpoints(tx: Tx): Promise<Endpoint[]> {
  return selectEndpoints(tx);
}

/** @throws {AppError} not_found */
export async function readEndpoint(tx: Tx, id: Uuid): Promise<Endpoint> {
  const endpoint = await selectEndpoint(tx, id);
  if (endpoint === undefined) throw noSuchEndpoint();
  return endpoint;
}

/**
 * Changes what is named. Any change ends a rest, since somebody has looked after the endpoint.
 * Switched off, it gets nothing more: what waits becomes failed and can be replayed.
 * @throws {AppError} not_found, webhook_url_refused, invalid_request
 */
export async function updateEndpoint(
  tx: Tx,
  deps: { urlPolicy: UrlPolicy },
  id: Uuid,
  change: UpdateEndpoint,
): Promise<Endpoint> {
  const { style } = await readEndpoint(tx, id);
  const { url, eventTypes, enabled, description } = change;
  const changed = await changeEndpoint(tx, id, {
    url: url === undefined ? undefined : acceptUrl(url, deps.urlPolicy),
    eventTypes: eventTypes === undefined ? undefined : checkEventTypes(eventTypes, style),
    enabled,
    description,
  });
  if (changed === undefined) throw noSuchEndpoint();
  await ringDispatcher(tx);
  return changed;
}

/** Nothing more is sent; the log of its deliveries stays. @throws {AppError} not_found */
export async function deleteEndpoint(tx: Tx, deps: { clock: Clock }, id: Uuid): Promise<void> {
  if (!(await markDeleted(tx, id, deps.clock.nowMs()))) throw noSuchEndpoint();
}
