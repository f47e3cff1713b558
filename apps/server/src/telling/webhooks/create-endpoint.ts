import {
  classicEventTypes,
  PING_EVENT_TYPE,
  type WebhookEventType,
  webhookEventTypes,
} from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { checkOutboundUrl, type UrlPolicy } from '../../platform/outbound/index.ts';
import type { Endpoint, EndpointStyle } from './endpoint.ts';
import { insertEndpoint } from './endpoint-store.ts';
import { urlRefused } from './errors.ts';
import { newSecret } from './signing.ts';

/** Every event costs one delivery for each of them. */
export const MAX_ENDPOINTS = 20;

export type EndpointDeps = { clock: Clock; ids: Ids; random: Random; urlPolicy: UrlPolicy };
export type CreateEndpoint = {
  merchantId: Uuid;
  url: string;
  style?: EndpointStyle | undefined;
  /** Empty or absent: every type. */
  eventTypes?: readonly string[] | undefined;
  description?: string | null | undefined;
};

/**
 * Makes an endpoint. Its secret is in the answer and is never shown again. Call it in asTenant.
 * @throws {AppError} webhook_url_refused, invalid_request (an unknown type), conflict (too many)
 */
export async function createEndpoint(
  tx: Tx,
  deps: EndpointDeps,
  input: CreateEndpoint,
): Promise<Endpoint & { secret: string }> {
  const style = input.style ?? 'standard';
  const eventTypes = checkEventTypes(input.eventTypes ?? [], style);
  const url = acceptUrl(input.url, deps.urlPolicy);
  const secret = newSecret(deps.random);
  const row = {
    merchantId: input.merchantId,
    id: deps.ids.next(),
    url,
    secret,
    style,
    eventTypes,
    description: input.description ?? null,
    createdAtMs: deps.clock.nowMs(),
  };
  const endpoint = await insertEndpoint(tx, row, MAX_ENDPOINTS);
  if (endpoint === undefined) {
    const detail = `A store can have ${MAX_ENDPOINTS} webhook endpoints; delete one first.`;
    throw new AppError('conflict', detail);
  }
  return { ...endpoint, secret };
}

/** @throws {AppError} webhook_url_refused */
export function acceptUrl(text: string, policy: UrlPolicy): string {
  const checked = checkOutboundUrl(text, policy);
  if (!checked.ok) throw urlRefused(checked.reason);
  return checked.url.href;
}

/** @throws {AppError} invalid_request */
export function checkEventTypes(
  types: readonly string[],
  style: EndpointStyle,
): WebhookEventType[] {
  const possible: readonly string[] =
    style === 'classic'
      ? classicEventTypes
      : webhookEventTypes.filter((type) => type !== PING_EVENT_TYPE);
  const isKnown = (type: string): type is WebhookEventType => possible.includes(type);
  const known = types.filter(isKnown);
  if (known.length === types.length) return [...new Set(known)];
  const unknown = types.find((type) => !isKnown(type)) ?? '';
  throw new AppError('invalid_request', 'An event type does not exist for this endpoint.', {
    fields: [
      { pointer: '/eventTypes', detail: `"${unknown}" is not one of ${possible.join(', ')}` },
    ],
  });
}
