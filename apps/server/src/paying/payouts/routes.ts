import {
  approvePayoutSchema,
  createPayoutSchema,
  noBodySchema,
  type Payout as PayoutJson,
  payoutListQuerySchema,
  payoutPageSchema,
  payoutSchema,
  payoutSummarySchema,
  payPayoutSchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import type { NodesOfStores } from '../lightning/index.ts';
import type { FeeEstimator } from '../spends/index.ts';
import { approvePayout } from './approve-payout.ts';
import { addBatchRoutes } from './batches/routes.ts';
import { cancelPayout, requestPayment, retryPayout } from './change-payout.ts';
import { createPayout, type PayoutDeps } from './create-payout.ts';
import { noSuchPayout } from './errors.ts';
import type { Payout, PayoutTelling } from './payout.ts';
import { addLightningPayoutRoutes } from './lightning/routes.ts';
import { addPolicyRoutes } from './policy-routes.ts';
import { payoutJson } from './present.ts';
import { addProcessorRoutes } from './processors/routes.ts';
import { type QuoteDeps, quoteFor } from './quote.ts';
import { summarizePayouts } from './read-payouts.ts';
import type { ScreenPayouts } from './screening.ts';
import { type OwnPayout, readPayoutRow, readPayoutRows } from './store.ts';

export type PayoutRouteDeps = PayoutDeps &
  QuoteDeps & {
    database: Database;
    clock: Clock;
    ids: Ids;
    random: Random;
    recordAudit: typeof recordAudit;
    /** Says what a transaction costs, for dry runs. */
    fees: FeeEstimator;
    /** Stores' Lightning nodes, for dry runs. */
    nodes: NodesOfStores;
    /** What dry runs say of payouts that a check holds; it changes nothing. Left out: nobody checks. */
    screen?: ScreenPayouts;
  };

const tags = ['Payouts'];
const params = z.strictObject({ id: uuidText });

export function addPayoutRoutes(app: HttpApp, deps: PayoutRouteDeps): void {
  app.post(
    '/v1/payouts',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createPayout',
        summary: 'Make a payout',
        description:
          'Checks address and amount, and converts a price at a rate that is locked. Nothing is ' +
          'reserved before it is approved.',
        body: createPayoutSchema,
        response: answers(201, payoutSchema),
      },
    },
    async (request, reply) => {
      const { clock, database, ids } = deps;
      const merchantId = merchantOf(request);
      const { body } = request;
      const quote = await quoteFor(deps, merchantId, body);
      const nowMs = clock.nowMs();
      const createdBy = actorOf(request);
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const input = { ...body, merchantId, createdBy, source: 'api', quote } as const;
        const payout = await createPayout(tx, deps, { ids, nowMs }, input);
        reply.header('location', `/v1/payouts/${payout.id}`);
        return { status: 201, body: payoutJson(payout) };
      });
    },
  );
  addPayoutReads(app, deps);
  addPayoutDecisions(app, deps);
  addBatchRoutes(app, deps);
  addLightningPayoutRoutes(app, deps);
  addPolicyRoutes(app, deps);
  addProcessorRoutes(app, deps);
}

function addPayoutReads(app: HttpApp, deps: PayoutRouteDeps): void {
  app.get(
    '/v1/payouts',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listPayouts',
        summary: 'List payouts, newest first',
        querystring: payoutListQuerySchema,
        response: answers(200, payoutPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, batch_id, external_id } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, startingAfter, state };
      const more = { batchId: batch_id, externalId: external_id, limit: limit + 1 };
      const found = await deps.database.asTenant(merchantId, (tx) =>
        readPayoutRows(tx, { ...filter, ...more }),
      );
      return pageOfRows(found, limit, payoutJson);
    },
  );
  app.get(
    '/v1/payouts/summary',
    {
      // It counts the store's rows, of which there is one for every payout ever made.
      config: { ...needs('payouts:read'), limit: 'history' },
      schema: {
        tags,
        operationId: 'summarizePayouts',
        summary: 'Count and add up payouts by state and reason',
        response: answers(200, payoutSummarySchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      return await deps.database.asTenant(merchantId, (tx) =>
        summarizePayouts(tx, { merchantId, nowMs }),
      );
    },
  );
  app.get(
    '/v1/payouts/:id',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readPayout',
        summary: 'Read a payout',
        params,
        response: answers(200, payoutSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const payout = await deps.database.asTenant(own.merchantId, (tx) => readPayoutRow(tx, own));
      if (payout === undefined) throw noSuchPayout();
      return payoutJson(payout);
    },
  );
}

type Decide = (tx: Tx, telling: PayoutTelling, own: OwnPayout) => Promise<Payout>;

/** Decides something about one payout, once for each Idempotency-Key, and notes who did it. */
export async function decidePayout(
  deps: PayoutRouteDeps,
  exchange: { request: FastifyRequest; reply: FastifyReply },
  { id, action, decide }: { id: Uuid; action: string; decide: Decide },
): Promise<PayoutJson> {
  const { clock, database, ids } = deps;
  const nowMs = clock.nowMs();
  const merchantId = merchantOf(exchange.request);
  return await answerOnce({ database, nowMs }, exchange, async (tx) => {
    const payout = await decide(tx, { ids, nowMs }, { merchantId, id });
    await deps.recordAudit(tx, {
      merchantId,
      id: ids.next(),
      atMs: nowMs,
      actor: actorOf(exchange.request),
      action,
      subject: `payout:${id}`,
      detail: { state: payout.state, amountMsat: payout.amountMsat.toString() },
    });
    return { status: 200, body: payoutJson(payout) };
  });
}

function addPayoutDecisions(app: HttpApp, deps: PayoutRouteDeps): void {
  app.post(
    '/v1/payouts/:id/approve',
    {
      config: { ...needs('payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'approvePayout',
        summary: 'Approve a payout',
        description:
          'Adds this key’s approval; one key counts once. With the last that is needed the amount ' +
          'is reserved.',
        params,
        body: approvePayoutSchema,
        response: answers(200, payoutSchema),
      },
    },
    async (request, reply) => {
      const given = request.body?.signature;
      const signature =
        given === undefined
          ? null
          : {
              approver: given.approver,
              expiresAtMs: Date.parse(given.expiresAt),
              signature: given.signature,
            };
      const approving = { by: actorOf(request), signature };
      return await decidePayout(
        deps,
        { request, reply },
        {
          id: request.params.id,
          action: 'payout.approve',
          decide: (tx, telling, own) => approvePayout(tx, deps, telling, { own, approving }),
        },
      );
    },
  );
  app.post(
    '/v1/payouts/:id/cancel',
    {
      config: { ...needs('payouts:write', 'payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'cancelPayout',
        summary: 'Cancel a payout that is not being paid yet',
        params,
        body: noBodySchema,
        response: answers(200, payoutSchema),
      },
    },
    async (request, reply) =>
      await decidePayout(
        deps,
        { request, reply },
        {
          id: request.params.id,
          action: 'payout.cancel',
          decide: (tx, telling, own) => cancelPayout(tx, deps, telling, own),
        },
      ),
  );
  app.post(
    '/v1/payouts/:id/retry',
    {
      config: { ...needs('payouts:write', 'payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'retryPayout',
        summary: 'Let a waiting payout be tried at the next run',
        params,
        body: noBodySchema,
        response: answers(200, payoutSchema),
      },
    },
    async (request, reply) =>
      await decidePayout(
        deps,
        { request, reply },
        {
          id: request.params.id,
          action: 'payout.retry',
          decide: (tx, telling, own) => retryPayout(tx, deps, telling, own),
        },
      ),
  );
  app.post(
    '/v1/payouts/:id/pay',
    {
      config: { ...needs('payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'payPayout',
        summary: 'Have an approved payout paid now, by itself',
        description:
          'A worker plans it at once. It is paid exactly once, whatever processors do meanwhile.',
        params,
        body: payPayoutSchema,
        response: answers(200, payoutSchema),
      },
    },
    async (request, reply) => {
      const by = actorOf(request);
      const terms = request.body;
      return await decidePayout(
        deps,
        { request, reply },
        {
          id: request.params.id,
          action: 'payout.pay',
          decide: (tx, telling, own) => requestPayment(tx, deps, telling, { own, by, terms }),
        },
      );
    },
  );
}
