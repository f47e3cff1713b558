import {
  createApiKeySchema,
  createdApiKeySchema,
  instanceScope,
  pageQuerySchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  callerOf,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { createKey } from '../keys/index.ts';
import { type CreateMerchantDeps, createMerchant } from './create-merchant.ts';
import {
  createdMerchantSchema,
  createMerchantSchema,
  type Merchant,
  merchantPageSchema,
  merchantSchema,
  toMerchantJson,
  updateMerchantSchema,
} from './merchant.ts';
import { findMerchant, selectMerchants } from './store.ts';
import { updateMerchant } from './update-merchant.ts';

export type MerchantRouteDeps = CreateMerchantDeps & { database: Database };

const tags = ['Merchants'];
const params = z.strictObject({ id: uuidText });

export function addMerchantRoutes(app: HttpApp, deps: MerchantRouteDeps): void {
  addInstanceRoutes(app, deps);
  app.get(
    '/v1/merchant',
    {
      config: needs('settings:read'),
      schema: {
        tags,
        operationId: 'readOwnMerchant',
        summary: "Read the key's own merchant",
        response: answers(200, merchantSchema),
      },
    },
    async (request) => {
      const id = merchantOf(request);
      return json(await deps.database.asTenant(id, (tx) => findMerchant(tx, id)));
    },
  );
  app.get(
    '/v1/merchants/:id',
    {
      config: needs(instanceScope, 'settings:read'),
      schema: {
        tags,
        operationId: 'readMerchant',
        summary: 'Read a merchant and its settings',
        params,
        response: answers(200, merchantSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      return json(await actFor(deps.database, request, id, (tx) => findMerchant(tx, id)));
    },
  );
  app.patch(
    '/v1/merchants/:id',
    {
      config: needs(instanceScope, 'settings:write'),
      schema: {
        tags,
        operationId: 'updateMerchant',
        summary: "Change a merchant's name or settings",
        description: 'Only the fields that are named change. It is noted in the audit log.',
        params,
        body: updateMerchantSchema,
        response: answers(200, merchantSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const changing = { id, change: request.body, actor: actorOf(request) };
      return json(
        await actFor(deps.database, request, id, (tx) => updateMerchant(tx, deps, changing)),
      );
    },
  );
}

function addInstanceRoutes(app: HttpApp, deps: MerchantRouteDeps): void {
  app.post(
    '/v1/merchants',
    {
      config: { ...needs(instanceScope), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createMerchant',
        summary: 'Make a merchant, its first API key and, with a descriptor, its wallet',
        body: createMerchantSchema,
        response: answers(201, createdMerchantSchema),
      },
    },
    async (request, reply) => {
      const input = { ...request.body, actor: actorOf(request) };
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ ...deps, nowMs: deps.clock.nowMs() }, exchange, async (tx) => ({
        status: 201,
        body: await createMerchant(tx, deps, input),
      }));
    },
  );
  app.post(
    '/v1/merchants/:id/api-keys',
    {
      config: { ...needs(instanceScope), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createMerchantApiKey',
        summary: 'Make an API key of a merchant for another person',
        description:
          'The answer holds the key itself; it is shown only now. It counts as another person than ' +
          'any other key of the merchant, so that two can be needed to approve.',
        params,
        body: createApiKeySchema,
        response: answers(201, createdApiKeySchema),
      },
    },
    async (request, reply) => {
      const merchantId = request.params.id;
      const { name, scopes, expiresAt } = request.body;
      const expiresAtMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ ...deps, nowMs: deps.clock.nowMs() }, exchange, async (tx) => {
        json(await findMerchant(tx, merchantId));
        const actor = actorOf(request);
        const key = { merchantId, name, scopes, expiresAtMs, actor, madeBy: null };
        return { status: 201, body: await createKey(tx, deps, key) };
      });
    },
  );
  app.get(
    '/v1/merchants',
    {
      config: needs(instanceScope),
      schema: {
        tags,
        operationId: 'listMerchants',
        summary: 'List the merchants, newest first',
        querystring: pageQuerySchema,
        response: answers(200, merchantPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const rows = await deps.database.asSystem((tx) =>
        selectMerchants(tx, { startingAfter, limit: limit + 1 }),
      );
      return pageOfRows(rows, limit, toMerchantJson);
    },
  );
}

/** The administrator reaches every merchant; a merchant's key only its own: others do not exist. */
async function actFor<T>(
  database: Database,
  request: FastifyRequest,
  id: Uuid,
  work: (tx: Tx) => Promise<T>,
): Promise<T | undefined> {
  const { merchantId } = callerOf(request);
  if (merchantId === null) return await database.asSystem(work);
  return merchantId === id ? await database.asTenant(id, work) : undefined;
}

function json(merchant: Merchant | undefined) {
  if (merchant === undefined) throw new AppError('not_found', 'There is no such merchant.');
  return toMerchantJson(merchant);
}
