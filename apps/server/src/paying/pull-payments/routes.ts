import {
  createdPullPaymentSchema,
  createPullPaymentSchema,
  drawListQuerySchema,
  drawPageSchema,
  noBodySchema,
  type PullPayment as PullPaymentJson,
  pullPaymentListQuerySchema,
  pullPaymentPageSchema,
  pullPaymentSchema,
  uuidText,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
import type { FiatCurrency, Quote } from '../../receiving/rates/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import {
  approvePullPayment,
  archivePullPayment,
  noSuchPullPayment,
  renewPullPaymentLink,
} from './change-pull-payment.ts';
import { type CreateDeps, createPullPayment, fiatOfLimit } from './create-pull-payment.ts';
import { readDrawRows } from './draw-store.ts';
import { drawJson, linksOf, pullPaymentsJson } from './present.ts';
import type { PullPayment } from './pull-payment.ts';
import { type OwnPullPayment, readPullPaymentRow, readPullPaymentRows } from './store.ts';

export type PullPaymentRouteDeps = CreateDeps & {
  database: Database;
  /** Where holders reach their links, without a slash at the end. */
  publicUrl: string;
  /** The price of a currency for what is paid out: without the store's spread. */
  quoteCurrency(merchantId: Uuid, currency: FiatCurrency): Promise<Quote>;
  recordAudit: typeof recordAudit;
};

const tags = ['Pull payments'];
const params = z.strictObject({ id: uuidText });

export function addPullPaymentRoutes(app: HttpApp, deps: PullPaymentRouteDeps): void {
  app.post(
    '/v1/pull-payments',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createPullPayment',
        summary: 'Let somebody draw up to a limit',
        description:
          'Draws are paid at once without asking again: the key needs `payouts:approve` as well, ' +
          "and the payout policy's approvals are asked for the whole limit. The links are shown " +
          'once; who has one can draw. Nothing is set aside: draws need the balance when they come.',
        body: createPullPaymentSchema,
        response: answers(201, createdPullPaymentSchema),
      },
    },
    async (request, reply) => {
      demandApprover(request);
      const { body } = request;
      const merchantId = merchantOf(request);
      const quote = await quoteForLimit(deps, merchantId, body.currency);
      const nowMs = deps.clock.nowMs();
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const createdBy = actorOf(request);
        const made = await createPullPayment(tx, deps, { ...body, merchantId, createdBy, quote });
        await note(tx, deps, { pull: made.pull, actor: createdBy, action: 'pull_payment.created' });
        reply.header('location', `/v1/pull-payments/${made.pull.id}`);
        return { status: 201, body: await withLinks(tx, deps, made) };
      });
    },
  );
  addPullPaymentReads(app, deps);
  addPullPaymentDecisions(app, deps);
}

function addPullPaymentReads(app: HttpApp, deps: PullPaymentRouteDeps): void {
  app.get(
    '/v1/pull-payments',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listPullPayments',
        summary: 'List pull payments, newest first',
        querystring: pullPaymentListQuerySchema,
        response: answers(200, pullPaymentPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, startingAfter, state, limit: limit + 1 };
      return await deps.database.asTenant(merchantId, async (tx) => {
        const found = await readPullPaymentRows(tx, filter);
        const data = await pullPaymentsJson(tx, found.slice(0, limit), deps.clock.nowMs());
        return { data, has_more: found.length > limit };
      });
    },
  );
  app.get(
    '/v1/pull-payments/:id',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readPullPayment',
        summary: 'Read a pull payment, with what is left of it',
        params,
        response: answers(200, pullPaymentSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await deps.database.asTenant(own.merchantId, async (tx) =>
        json(tx, deps, await existing(tx, own)),
      );
    },
  );
  app.get(
    '/v1/pull-payments/:id/draws',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listDraws',
        summary: 'List what was drawn, newest first',
        params,
        querystring: drawListQuerySchema,
        response: answers(200, drawPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, card_id: cardId } = request.query;
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const { currency } = await existing(tx, own);
        const { merchantId, id: pullPaymentId } = own;
        const filter = { merchantId, pullPaymentId, startingAfter, state, cardId };
        const found = await readDrawRows(tx, { ...filter, limit: limit + 1 });
        return pageOfRows(found, limit, (draw) => drawJson(draw, currency));
      });
    },
  );
}

type Decide = (tx: Tx, own: OwnPullPayment, nowMs: number) => Promise<PullPayment>;

function addPullPaymentDecisions(app: HttpApp, deps: PullPaymentRouteDeps): void {
  async function decide(
    exchange: { request: FastifyRequest; reply: FastifyReply },
    { id, action, change }: { id: Uuid; action: string; change: Decide },
  ): Promise<PullPaymentJson> {
    const nowMs = deps.clock.nowMs();
    const own = { merchantId: merchantOf(exchange.request), id };
    return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
      const pull = await change(tx, own, nowMs);
      await note(tx, deps, { pull, actor: actorOf(exchange.request), action });
      return { status: 200, body: await json(tx, deps, pull) };
    });
  }
  app.post(
    '/v1/pull-payments/:id/approve',
    {
      config: { ...needs('payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'approvePullPayment',
        summary: 'Approve a pull payment, and with it what is drawn from it',
        params,
        body: noBodySchema,
        response: answers(200, pullPaymentSchema),
      },
    },
    async (request, reply) =>
      await decide(
        { request, reply },
        {
          id: request.params.id,
          action: 'pull_payment.approved',
          change: (tx, own, nowMs) =>
            approvePullPayment(tx, deps, { own, by: actorOf(request), nowMs }),
        },
      ),
  );
  app.post(
    '/v1/pull-payments/:id/archive',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'archivePullPayment',
        summary: 'End a pull payment for good',
        description: 'What is being paid goes on. Cards that draw from it pay nothing any more.',
        params,
        body: noBodySchema,
        response: answers(200, pullPaymentSchema),
      },
    },
    async (request, reply) =>
      await decide(
        { request, reply },
        {
          id: request.params.id,
          action: 'pull_payment.archived',
          change: (tx, own, nowMs) => archivePullPayment(tx, { own, nowMs }),
        },
      ),
  );
  addLinkRenewal(app, deps);
}

function addLinkRenewal(app: HttpApp, deps: PullPaymentRouteDeps): void {
  app.post(
    '/v1/pull-payments/:id/new-link',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'renewPullPaymentLink',
        summary: 'Make a new link; the old one is worth nothing from then on',
        description: 'Who has the link can draw, so the key needs `payouts:approve` as well.',
        params,
        body: noBodySchema,
        response: answers(200, createdPullPaymentSchema),
      },
    },
    async (request, reply) => {
      demandApprover(request);
      const nowMs = deps.clock.nowMs();
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const made = await renewPullPaymentLink(tx, deps, { own, nowMs });
        const about = { pull: made.pull, actor: actorOf(request) };
        await note(tx, deps, { ...about, action: 'pull_payment.link_renewed' });
        return { status: 200, body: await withLinks(tx, deps, made) };
      });
    },
  );
}

/**
 * Whoever makes what pays by itself approves it.
 * @throws {AppError} forbidden
 */
export function demandApprover(request: FastifyRequest): void {
  if (callerOf(request).scopes.includes('payouts:approve')) return;
  throw new AppError('forbidden', 'This API key lacks the scope payouts:approve.');
}

/** The price that says how much a limit is in bitcoin, for the rules about approvals. */
export async function quoteForLimit(
  deps: Pick<PullPaymentRouteDeps, 'quoteCurrency'>,
  merchantId: Uuid,
  currency: string,
): Promise<Quote | null> {
  const fiat = fiatOfLimit(currency);
  return fiat === null ? null : await deps.quoteCurrency(merchantId, fiat);
}

async function existing(tx: Tx, own: OwnPullPayment): Promise<PullPayment> {
  const pull = await readPullPaymentRow(tx, own);
  if (pull === undefined) throw noSuchPullPayment();
  return pull;
}

async function json(
  tx: Tx,
  { clock }: Pick<PullPaymentRouteDeps, 'clock'>,
  pull: PullPayment,
): Promise<PullPaymentJson> {
  const [body] = await pullPaymentsJson(tx, [pull], clock.nowMs());
  assert(body !== undefined, 'one for each pull payment');
  return body;
}

async function withLinks(
  tx: Tx,
  deps: PullPaymentRouteDeps,
  { pull, secret }: { pull: PullPayment; secret: string | null },
) {
  const links = secret === null ? null : await linksOf(deps.publicUrl, secret);
  return { pullPayment: await json(tx, deps, pull), links };
}

async function note(
  tx: Tx,
  deps: PullPaymentRouteDeps,
  { pull, actor, action }: { pull: PullPayment; actor: string; action: string },
): Promise<void> {
  await deps.recordAudit(tx, {
    merchantId: pull.merchantId,
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor,
    action,
    subject: `pull_payment:${pull.id}`,
    detail: { name: pull.name, state: pull.state },
  });
}
