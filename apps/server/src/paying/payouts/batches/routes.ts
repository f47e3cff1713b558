import {
  acceptPayoutBatchSchema,
  createPayoutBatchSchema,
  MAX_BATCH_CHARACTERS,
  noBodySchema,
  pageQuerySchema,
  payoutBatchPageSchema,
  payoutBatchSchema,
  payoutBatchVerdictSchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../../platform/http/index.ts';
import type { Quote } from '../../../receiving/rates/index.ts';
import { approveBatch } from '../approve-payout.ts';
import { quoteCurrency } from '../quote.ts';
import type { PayoutRouteDeps } from '../routes.ts';
import {
  acceptBatch,
  batchJson,
  checkBatch,
  noSuchBatch,
  readLines,
  verdictJson,
} from './batches.ts';
import { currenciesOf } from './judge-lines.ts';
import { readBatch, readBatches } from './store.ts';

const tags = ['Payouts'];
const params = z.strictObject({ id: uuidText });
/** The largest file with every character escaped. */
const MAX_BODY_BYTES = 2 * MAX_BATCH_CHARACTERS + 65_536;
/** Rates that one batch may ask for: each is a wait. */
const MAX_CURRENCIES = 5;

export function addBatchRoutes(app: HttpApp, deps: PayoutRouteDeps): void {
  app.post(
    '/v1/payout-batches',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createPayoutBatch',
        summary: 'Have a file of payouts checked line by line',
        description: 'Nothing is paid or reserved before the batch is accepted and approved.',
        body: createPayoutBatchSchema,
        response: answers(201, payoutBatchVerdictSchema),
      },
    },
    async (request, reply) => {
      const { clock, database, ids } = deps;
      const merchantId = merchantOf(request);
      const { name, walletId, dryRun = false, ...body } = request.body;
      const lines = readLines(body);
      const quotes = await quotesFor(deps, merchantId, currenciesOf(lines));
      const nowMs = clock.nowMs();
      const createdBy = actorOf(request);
      const given = { merchantId, createdBy, lines, quotes, name, walletId, dryRun };
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => ({
        status: 201,
        body: await checkBatch(tx, deps, { ids, nowMs }, given),
      }));
    },
  );
  addBatchReads(app, deps);
  addBatchDecisions(app, deps);
}

/** A currency without a rate makes its lines invalid, not the others. */
async function quotesFor(
  deps: PayoutRouteDeps,
  merchantId: string,
  currencies: Parameters<typeof quoteCurrency>[2][],
): Promise<Map<string, Quote>> {
  const quotes = new Map<string, Quote>();
  for (const currency of currencies.slice(0, MAX_CURRENCIES)) {
    try {
      quotes.set(currency, await quoteCurrency(deps, merchantId, currency));
    } catch {
      // The verdict of each of its lines says that there is no rate.
    }
  }
  return quotes;
}

function addBatchReads(app: HttpApp, deps: PayoutRouteDeps): void {
  app.get(
    '/v1/payout-batches',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listPayoutBatches',
        summary: 'List batches of payouts, newest first',
        querystring: pageQuerySchema,
        response: answers(200, payoutBatchPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const { starting_after: startingAfter, limit } = request.query;
      const page = { merchantId, startingAfter, limit: limit + 1 };
      const found = await deps.database.asTenant(merchantId, (tx) => readBatches(tx, page));
      return pageOfRows(found, limit, batchJson);
    },
  );
  app.get(
    '/v1/payout-batches/:id',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readPayoutBatch',
        summary: 'Read a batch with the verdict on each line',
        params,
        response: answers(200, payoutBatchVerdictSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const batch = await deps.database.asTenant(own.merchantId, (tx) => readBatch(tx, own));
      if (batch === undefined) throw noSuchBatch();
      return verdictJson(batch);
    },
  );
}

function addBatchDecisions(app: HttpApp, deps: PayoutRouteDeps): void {
  const { clock, database, ids } = deps;
  app.post(
    '/v1/payout-batches/:id/accept',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'acceptPayoutBatch',
        summary: 'Make payouts of a checked batch, of all its lines or of none',
        params,
        body: acceptPayoutBatchSchema,
        response: answers(200, payoutBatchSchema),
      },
    },
    async (request, reply) => {
      const nowMs = clock.nowMs();
      const given = {
        merchantId: merchantOf(request),
        id: request.params.id,
        createdBy: actorOf(request),
        acceptValid: request.body?.acceptValid ?? false,
        acceptDuplicates: request.body?.acceptDuplicates ?? false,
      };
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const { batch } = await acceptBatch(tx, deps, { ids, nowMs }, given);
        return { status: 200, body: batchJson(batch) };
      });
    },
  );
  app.post(
    '/v1/payout-batches/:id/approve',
    {
      config: { ...needs('payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'approvePayoutBatch',
        summary: 'Approve the payouts of a batch, of all that wait or of none',
        params,
        body: noBodySchema,
        response: answers(
          200,
          z.strictObject({ approved: z.int().min(0) }).meta({ id: 'PayoutBatchApproved' }),
        ),
      },
    },
    async (request, reply) => {
      const nowMs = clock.nowMs();
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const approving = { by: actorOf(request), signature: null };
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        if ((await readBatch(tx, own)) === undefined) throw noSuchBatch();
        const which = { merchantId: own.merchantId, batchId: own.id, approving };
        const approved = await approveBatch(tx, deps, { ids, nowMs }, which);
        await deps.recordAudit(tx, {
          merchantId: own.merchantId,
          id: ids.next(),
          atMs: nowMs,
          actor: approving.by,
          action: 'payout_batch.approve',
          subject: `payout_batch:${own.id}`,
          detail: { payouts: approved },
        });
        return { status: 200, body: { approved } };
      });
    },
  );
}
