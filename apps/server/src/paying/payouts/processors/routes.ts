import type { Network } from '@quittance/bitcoin';
import {
  type CreatePayoutProcessor,
  createPayoutProcessorSchema,
  lightningDryRunSchema,
  noBodySchema,
  type PayoutProcessor,
  payoutProcessorDryRunSchema,
  payoutProcessorPageSchema,
  payoutProcessorSchema,
  updateOnchainProcessorSchema,
  type UpdatePayoutProcessor,
  updatePayoutProcessorSchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../../platform/http/index.ts';
import { AppError } from '../../../platform/errors.ts';
import {
  createLightningPayer,
  lightningPayerJson,
  updateLightningPayer,
} from '../lightning/change-payer.ts';
import { dryRunLightning } from '../lightning/dry-run.ts';
import { findLightningPayer, readLightningPayer } from '../lightning/processor-store.ts';
import type { PayoutTelling } from '../payout.ts';
import type { PayoutRouteDeps } from '../routes.ts';
import { createProcessor, noSuchProcessor, updateProcessor } from './change-processor.ts';
import { dryRun } from './dry-run.ts';
import { processorJson } from './present.ts';
import { deleteProcessor, readProcessor, readProcessors } from './store.ts';

const tags = ['Payout processors'];
const params = z.strictObject({ id: uuidText });

/** Who sets up what pays by itself is neither who asks for payouts nor who approves them. */
export function addProcessorRoutes(app: HttpApp, deps: PayoutRouteDeps): void {
  const { clock, database, ids, network } = deps;
  app.post(
    '/v1/payout-processors',
    {
      config: { ...needs('settings:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createPayoutProcessor',
        summary: 'Have approved payouts of a wallet, or over Lightning, paid by rules',
        body: createPayoutProcessorSchema,
        response: answers(201, payoutProcessorSchema),
      },
    },
    async (request, reply) => {
      const nowMs = clock.nowMs();
      const given = { merchantId: merchantOf(request), network, input: request.body };
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const made = await create(tx, { ids, nowMs }, given);
        await audit(tx, deps, request, { action: 'create', id: made.id, detail: { made } });
        reply.header('location', `/v1/payout-processors/${made.id}`);
        return { status: 201, body: made };
      });
    },
  );
  addProcessorReads(app, deps);
  app.post(
    '/v1/payout-processors/:id/dry-run',
    {
      config: { ...needs('payouts:read', 'settings:read'), idempotency: 'none' },
      schema: {
        tags,
        operationId: 'dryRunPayoutProcessor',
        summary: 'Say what a run would do now, without doing it',
        params,
        body: noBodySchema,
        response: answers(200, z.union([payoutProcessorDryRunSchema, lightningDryRunSchema])),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const payer = await database.asTenant(own.merchantId, (tx) => readLightningPayer(tx, own));
      if (payer !== undefined) return await dryRunLightning(deps, payer);
      return await dryRun(deps, own);
    },
  );
  app.patch(
    '/v1/payout-processors/:id',
    {
      config: needs('settings:write'),
      schema: {
        tags,
        operationId: 'updatePayoutProcessor',
        summary: 'Change or pause a payout processor',
        params,
        body: updatePayoutProcessorSchema,
        response: answers(200, payoutProcessorSchema),
      },
    },
    async (request) => {
      const nowMs = clock.nowMs();
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const given = { ...own, network, change: request.body };
      return await database.asTenant(own.merchantId, async (tx) => {
        const detail = await update(tx, { ids, nowMs }, given);
        await audit(tx, deps, request, { action: 'update', id: own.id, detail });
        return detail.after;
      });
    },
  );
  app.delete(
    '/v1/payout-processors/:id',
    {
      config: needs('settings:write'),
      schema: {
        tags,
        operationId: 'deletePayoutProcessor',
        summary: 'Remove a payout processor; what it began goes on',
        params,
        response: answers(200, payoutProcessorSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, async (tx) => {
        const before = await readAny(tx, own);
        if (before === undefined || !(await deleteProcessor(tx, own))) throw noSuchProcessor();
        await audit(tx, deps, request, { action: 'delete', id: own.id, detail: { before } });
        return before;
      });
    },
  );
}

function addProcessorReads(app: HttpApp, deps: PayoutRouteDeps): void {
  app.get(
    '/v1/payout-processors',
    {
      config: needs('payouts:read', 'settings:read'),
      schema: {
        tags,
        operationId: 'listPayoutProcessors',
        summary: 'List payout processors: one for each wallet, and one for Lightning, at most',
        response: answers(200, payoutProcessorPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const all = await deps.database.asTenant(merchantId, (tx) => readAll(tx, merchantId));
      return { data: all, has_more: false };
    },
  );
  app.get(
    '/v1/payout-processors/:id',
    {
      config: needs('payouts:read', 'settings:read'),
      schema: {
        tags,
        operationId: 'readPayoutProcessor',
        summary: 'Read a payout processor and how its last run ended',
        params,
        response: answers(200, payoutProcessorSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const found = await deps.database.asTenant(own.merchantId, (tx) => readAny(tx, own));
      if (found === undefined) throw noSuchProcessor();
      return found;
    },
  );
}

async function create(
  tx: Tx,
  telling: PayoutTelling,
  given: { merchantId: Uuid; network: Network; input: CreatePayoutProcessor },
): Promise<PayoutProcessor> {
  const { input, ...rest } = given;
  if (input.kind === 'lightning') {
    return lightningPayerJson(await createLightningPayer(tx, telling, { ...rest, input }));
  }
  return processorJson(await createProcessor(tx, telling, { ...rest, input }));
}

/** Which settings there are depends on the processor's kind. */
async function update(
  tx: Tx,
  telling: PayoutTelling,
  given: { merchantId: Uuid; id: Uuid; network: Network; change: UpdatePayoutProcessor },
): Promise<{ before: PayoutProcessor; after: PayoutProcessor }> {
  const lightning = await updateLightningPayer(tx, telling, given);
  if (lightning !== undefined) {
    const { before, after } = lightning;
    return { before: lightningPayerJson(before), after: lightningPayerJson(after) };
  }
  const read = updateOnchainProcessorSchema.safeParse(given.change);
  if (!read.success) {
    throw new AppError('invalid_request', 'These settings do not fit a processor on chain.', {
      fields: read.error.issues.map(({ path, message }) => ({
        pointer: `/${path.join('/')}`,
        detail: message,
      })),
    });
  }
  const { before, after } = await updateProcessor(tx, telling, { ...given, change: read.data });
  return { before: processorJson(before), after: processorJson(after) };
}

async function readAny(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
): Promise<PayoutProcessor | undefined> {
  const lightning = await readLightningPayer(tx, own);
  if (lightning !== undefined) return lightningPayerJson(lightning);
  const onchain = await readProcessor(tx, own);
  return onchain === undefined ? undefined : processorJson(onchain);
}

async function readAll(tx: Tx, merchantId: Uuid): Promise<PayoutProcessor[]> {
  const lightning = await findLightningPayer(tx, merchantId);
  const onchain = (await readProcessors(tx, merchantId)).map(processorJson);
  return lightning === undefined ? onchain : [lightningPayerJson(lightning), ...onchain];
}

async function audit(
  tx: Tx,
  deps: PayoutRouteDeps,
  request: FastifyRequest,
  what: {
    action: 'create' | 'update' | 'delete';
    id: Uuid;
    detail: Record<string, PayoutProcessor>;
  },
): Promise<void> {
  await deps.recordAudit(tx, {
    merchantId: merchantOf(request),
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor: actorOf(request),
    action: `payout_processor.${what.action}`,
    subject: `payout_processor:${what.id}`,
    detail: what.detail,
  });
}
