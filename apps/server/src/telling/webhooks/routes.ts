import {
  createWebhookEndpointSchema,
  noBodySchema,
  replayedSchema,
  replayFailedSchema,
  updateWebhookEndpointSchema,
  uuidText,
  webhookDeliveryListQuerySchema,
  webhookDeliveryPageSchema,
  webhookDeliverySchema,
  webhookDeliveryWithAttemptsSchema,
  type WebhookDelivery,
  type WebhookEndpoint,
  webhookEndpointPageSchema,
  webhookEndpointSchema,
  webhookEndpointWithSecretSchema,
  webhookPingSchema,
} from '@quittance/contract';
import { isoTime, type Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import type { NewAuditEntry } from '../../tenancy/audit/index.ts';
import { deleteEndpoint, listEndpoints, readEndpoint, updateEndpoint } from './change-endpoint.ts';
import { createEndpoint, type EndpointDeps } from './create-endpoint.ts';
import type { Delivery, Endpoint } from './endpoint.ts';
import { pingEndpoint } from './ping-endpoint.ts';
import { listDeliveries, readDelivery, replayDelivery, replayFailed } from './replay-deliveries.ts';
import { removeOldSecrets, rotateSecret } from './rotate-secret.ts';

export type WebhookRouteDeps = EndpointDeps & {
  database: Database;
  recordAudit: (tx: Tx, entry: NewAuditEntry) => Promise<void>;
};

const tags = ['Webhooks'];
const params = z.strictObject({ id: uuidText });
const writing = { ...needs('webhooks:write'), idempotency: 'stored' } as const;

export function addWebhookRoutes(app: HttpApp, deps: WebhookRouteDeps): void {
  addEndpointReads(app, deps);
  addEndpointChanges(app, deps);
  addSecretRoutes(app, deps);
  addDeliveryReads(app, deps);
  addReplayRoutes(app, deps);
}

function addEndpointReads(app: HttpApp, deps: WebhookRouteDeps): void {
  app.get(
    '/v1/webhook-endpoints',
    {
      config: needs('webhooks:read'),
      schema: {
        tags,
        operationId: 'listWebhookEndpoints',
        summary: 'List your webhook endpoints',
        response: answers(200, webhookEndpointPageSchema),
      },
    },
    async (request) => {
      const endpoints = await deps.database.asTenant(merchantOf(request), listEndpoints);
      return { data: endpoints.map(toEndpointJson), has_more: false };
    },
  );
  app.get(
    '/v1/webhook-endpoints/:id',
    {
      config: needs('webhooks:read'),
      schema: {
        tags,
        operationId: 'readWebhookEndpoint',
        summary: 'Read a webhook endpoint',
        params,
        response: answers(200, webhookEndpointSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      return toEndpointJson(
        await deps.database.asTenant(merchantOf(request), (tx) => readEndpoint(tx, id)),
      );
    },
  );
}

function addEndpointChanges(app: HttpApp, deps: WebhookRouteDeps): void {
  app.post(
    '/v1/webhook-endpoints',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'createWebhookEndpoint',
        summary: 'Add a webhook endpoint',
        description: 'The answer holds the secret that verifies signatures. It is shown only now.',
        body: createWebhookEndpointSchema,
        response: answers(201, webhookEndpointWithSecretSchema),
      },
    },
    async (request, reply) => {
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce(now(deps), exchange, async (tx) => {
        const input = { merchantId: merchantOf(request), ...request.body };
        const { secret, ...endpoint } = await createEndpoint(tx, deps, input);
        await note(tx, deps, request, { action: 'webhook_endpoint.created', subject: endpoint.id });
        return { status: 201, body: { ...toEndpointJson(endpoint), secret } };
      });
    },
  );
  app.patch(
    '/v1/webhook-endpoints/:id',
    {
      config: needs('webhooks:write'),
      schema: {
        tags,
        operationId: 'updateWebhookEndpoint',
        summary: 'Change a webhook endpoint',
        params,
        body: updateWebhookEndpointSchema,
        response: answers(200, webhookEndpointSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const endpoint = await deps.database.asTenant(merchantOf(request), async (tx) => {
        const changed = await updateEndpoint(tx, deps, id, request.body);
        await note(tx, deps, request, { action: 'webhook_endpoint.updated', subject: id });
        return changed;
      });
      return toEndpointJson(endpoint);
    },
  );
  app.delete(
    '/v1/webhook-endpoints/:id',
    {
      config: needs('webhooks:write'),
      schema: {
        tags,
        operationId: 'deleteWebhookEndpoint',
        summary: 'Delete a webhook endpoint',
        params,
        response: answers(200, webhookEndpointSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const endpoint = await deps.database.asTenant(merchantOf(request), async (tx) => {
        const last = await readEndpoint(tx, id);
        await deleteEndpoint(tx, deps, id);
        await note(tx, deps, request, { action: 'webhook_endpoint.deleted', subject: id });
        return last;
      });
      return { ...toEndpointJson(endpoint), enabled: false };
    },
  );
}

function addSecretRoutes(app: HttpApp, deps: WebhookRouteDeps): void {
  app.post(
    '/v1/webhook-endpoints/:id/rotate',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'rotateWebhookSecret',
        summary: 'Make a new secret',
        description: 'The old ones sign along until you remove them.',
        params,
        body: noBodySchema,
        response: answers(200, webhookEndpointWithSecretSchema),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce(now(deps), exchange, async (tx) => {
        const { secret, ...endpoint } = await rotateSecret(tx, deps, id);
        await note(tx, deps, request, { action: 'webhook_endpoint.rotated', subject: id });
        return { status: 200, body: { ...toEndpointJson(endpoint), secret } };
      });
    },
  );
  app.post(
    '/v1/webhook-endpoints/:id/remove-old-secrets',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'removeOldWebhookSecrets',
        summary: 'Let only the newest secret sign',
        params,
        body: noBodySchema,
        response: answers(200, webhookEndpointSchema),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return await answerOnce(now(deps), { request, reply }, async (tx) => {
        const endpoint = await removeOldSecrets(tx, id);
        await note(tx, deps, request, {
          action: 'webhook_endpoint.old_secrets_removed',
          subject: id,
        });
        return { status: 200, body: toEndpointJson(endpoint) };
      });
    },
  );
  app.post(
    '/v1/webhook-endpoints/:id/test',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'testWebhookEndpoint',
        summary: 'Send a test event',
        description: 'The delivery, which you can read, tells how it went.',
        params,
        body: noBodySchema,
        response: answers(202, webhookPingSchema),
      },
    },
    async (request, reply) => {
      const ping = { merchantId: merchantOf(request), endpointId: request.params.id };
      return await answerOnce(now(deps), { request, reply }, async (tx) => ({
        status: 202,
        body: await pingEndpoint(tx, deps, ping),
      }));
    },
  );
}

function addDeliveryReads(app: HttpApp, deps: WebhookRouteDeps): void {
  app.get(
    '/v1/webhook-endpoints/:id/deliveries',
    {
      config: needs('webhooks:read'),
      schema: {
        tags,
        operationId: 'listWebhookDeliveries',
        summary: "List an endpoint's deliveries, newest first",
        params,
        querystring: webhookDeliveryListQuerySchema,
        response: answers(200, webhookDeliveryPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state } = request.query;
      const page = { endpointId: request.params.id, startingAfter, limit, state };
      const found = await deps.database.asTenant(merchantOf(request), (tx) =>
        listDeliveries(tx, page),
      );
      return { data: found.deliveries.map(toDeliveryJson), has_more: found.hasMore };
    },
  );
  app.get(
    '/v1/webhook-deliveries/:id',
    {
      config: needs('webhooks:read'),
      schema: {
        tags,
        operationId: 'readWebhookDelivery',
        summary: 'Read a delivery with all its attempts',
        params,
        response: answers(200, webhookDeliveryWithAttemptsSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { attemptLog, ...delivery } = await deps.database.asTenant(merchantOf(request), (tx) =>
        readDelivery(tx, id),
      );
      return {
        ...toDeliveryJson(delivery),
        attemptLog: attemptLog.map(({ startedAtMs, ...attempt }) => ({
          ...attempt,
          startedAt: isoTime(startedAtMs),
        })),
      };
    },
  );
}

function addReplayRoutes(app: HttpApp, deps: WebhookRouteDeps): void {
  app.post(
    '/v1/webhook-deliveries/:id/replay',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'replayWebhookDelivery',
        summary: 'Send a delivery once more',
        params,
        body: noBodySchema,
        response: answers(201, webhookDeliverySchema),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return await answerOnce(now(deps), { request, reply }, async (tx) => ({
        status: 201,
        body: toDeliveryJson(await replayDelivery(tx, deps, id)),
      }));
    },
  );
  app.post(
    '/v1/webhook-endpoints/:id/replay',
    {
      config: writing,
      schema: {
        tags,
        operationId: 'replayFailedWebhooks',
        summary: 'Send all that failed since a time once more',
        params,
        body: replayFailedSchema,
        response: answers(200, replayedSchema),
      },
    },
    async (request, reply) => {
      const replay = { endpointId: request.params.id, sinceMs: Date.parse(request.body.since) };
      return await answerOnce(now(deps), { request, reply }, async (tx) => ({
        status: 200,
        body: { replayed: await replayFailed(tx, deps, replay) },
      }));
    },
  );
}

function now(deps: WebhookRouteDeps): { database: Database; nowMs: number } {
  return { database: deps.database, nowMs: deps.clock.nowMs() };
}

async function note(
  tx: Tx,
  deps: WebhookRouteDeps,
  request: FastifyRequest,
  what: { action: string; subject: Uuid },
): Promise<void> {
  await deps.recordAudit(tx, {
    merchantId: merchantOf(request),
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor: actorOf(request),
    ...what,
    detail: {},
  });
}

function toEndpointJson(endpoint: Endpoint): WebhookEndpoint {
  const { createdAtMs, restingUntilMs, ...same } = endpoint;
  return {
    ...same,
    createdAt: isoTime(createdAtMs),
    restingUntil: restingUntilMs === null ? null : isoTime(restingUntilMs),
  };
}

function toDeliveryJson(delivery: Delivery): WebhookDelivery {
  const { nextAttemptAtMs, createdAtMs, finishedAtMs, ...same } = delivery;
  return {
    ...same,
    nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
    createdAt: isoTime(createdAtMs),
    finishedAt: finishedAtMs === null ? null : isoTime(finishedAtMs),
  };
}
