import {
  apiKeyPageSchema,
  apiKeySchema,
  coversScope,
  createApiKeySchema,
  createdApiKeySchema,
  merchantScopes,
  instanceScope,
  pageQuerySchema,
  uuidText,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Database } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type Caller,
  callerOf,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { recordAudit } from '../audit/index.ts';
import { createKey, type KeyDeps } from './create-key.ts';
import { toApiKey } from './key.ts';
import { findKey, markRevoked, selectKeys } from './store.ts';

export type KeyRouteDeps = KeyDeps & {
  database: Database;
  /** Told after a revocation is committed. */
  forgetKey: (id: Uuid) => void;
};

export function addKeyRoutes(app: HttpApp, deps: KeyRouteDeps): void {
  addKeyReads(app, deps);
  app.post(
    '/v1/api-keys',
    {
      config: { ...needs('keys:write'), idempotency: 'stored' },
      schema: {
        tags: ['API keys'],
        operationId: 'createApiKey',
        summary: 'Make an API key',
        description:
          'The answer holds the key itself. It is shown only now. A key and those that it makes ' +
          'count as one person where several have to approve; see /v1/merchants/{id}/api-keys.',
        body: createApiKeySchema,
        response: answers(201, createdApiKeySchema),
      },
    },
    async (request, reply) => {
      const { name, scopes, expiresAt } = request.body;
      refuseMoreThanOwn(callerOf(request), scopes);
      const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ ...deps, nowMs: deps.clock.nowMs() }, exchange, async (tx) => ({
        status: 201,
        body: await createKey(tx, deps, {
          merchantId: merchantOf(request),
          name,
          scopes,
          expiresAtMs,
          actor: actorOf(request),
          madeBy: callerOf(request).keyId,
        }),
      }));
    },
  );
  app.delete(
    '/v1/api-keys/:id',
    {
      config: needs('keys:write'),
      schema: {
        tags: ['API keys'],
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        description: 'It stops working at once and for good.',
        params: z.strictObject({ id: uuidText }),
        response: answers(200, apiKeySchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const merchantId = merchantOf(request);
      const atMs = deps.clock.nowMs();
      const key = await deps.database.asTenant(merchantId, async (tx) => {
        const revoked = await markRevoked(tx, { merchantId, id, atMs });
        if (revoked === undefined) return await findKey(tx, id);
        await recordAudit(tx, {
          merchantId,
          id: deps.ids.next(),
          atMs,
          actor: actorOf(request),
          action: 'api_key.revoked',
          subject: id,
          detail: { name: revoked.name },
        });
        return revoked;
      });
      if (key === undefined) throw new AppError('not_found', 'There is no such API key.');
      deps.forgetKey(id);
      return toApiKey(key);
    },
  );
}

function addKeyReads(app: HttpApp, deps: KeyRouteDeps): void {
  app.get(
    '/v1/api-keys',
    {
      config: needs('keys:read'),
      schema: {
        tags: ['API keys'],
        operationId: 'listApiKeys',
        summary: 'List the API keys, newest first',
        querystring: pageQuerySchema,
        response: answers(200, apiKeyPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const merchantId = merchantOf(request);
      const rows = await deps.database.asTenant(merchantId, (tx) =>
        selectKeys(tx, { merchantId, startingAfter, limit: limit + 1 }),
      );
      return pageOfRows(rows, limit, toApiKey);
    },
  );
  app.get(
    '/v1/api-keys/current',
    {
      config: needs(instanceScope, ...merchantScopes),
      schema: {
        tags: ['API keys'],
        operationId: 'readCurrentApiKey',
        summary: 'Read the key that the request is made with',
        response: answers(200, apiKeySchema),
      },
    },
    async (request) => {
      const { keyId } = callerOf(request);
      const record = await deps.database.asSystem((tx) => findKey(tx, keyId));
      assert(record !== undefined, 'the key of an authenticated request exists');
      return toApiKey(record);
    },
  );
}

/** Otherwise a key that may only make keys could make itself one that may do all. */
function refuseMoreThanOwn(caller: Caller, scopes: readonly Caller['scopes'][number][]): void {
  const beyond = scopes.filter((scope) => !coversScope(caller.scopes, scope));
  if (beyond.length === 0) return;
  throw new AppError('forbidden', `This key can not give away ${beyond.join(', ')}.`);
}
