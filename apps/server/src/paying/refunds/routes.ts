import {
  type CreateRefund,
  type CreatedRefund,
  createdRefundSchema,
  createRefundSchema,
  type LockedRate,
  noBodySchema,
  type Refund,
  refundListQuerySchema,
  refundPageSchema,
  refundPreviewSchema,
  refundSchema,
  uuidText,
} from '@quittance/contract';
import { isCurrency, type Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Database } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { findPricedOrder } from '../../receiving/orders/index.ts';
import { lockOrderMoney } from '../../receiving/payments/index.ts';
import {
  formatPrice,
  isFiatCurrency,
  type Quote,
  type RateRule,
  type Rates,
} from '../../receiving/rates/index.ts';
import { cancelRefund, renewClaimLink } from './change-refund.ts';
import { type ClaimLink, claimUrl } from './claim-link.ts';
import { createRefund, planUnderLock, type RefundDeps, wishOf } from './create-refund.ts';
import { notFound } from './errors.ts';
import { needsCurrentRate } from './plan.ts';
import { previewJson, refundJson } from './present.ts';
import { readSources } from './sources.ts';
import * as store from './store.ts';

export type RefundRouteDeps = RefundDeps & {
  database: Database;
  rates: Pick<Rates, 'quote'>;
  readRateRule: (merchantId: Uuid) => Promise<RateRule>;
  /** Where payers reach the claim page, without a slash at the end. */
  publicUrl: string;
};

const tags = ['Refunds'];
const params = z.strictObject({ id: uuidText });

export function addRefundRoutes(app: HttpApp, deps: RefundRouteDeps): void {
  addRefundMaking(app, deps);
  addRefundReads(app, deps);
  addRefundDecisions(app, deps);
}

function addRefundMaking(app: HttpApp, deps: RefundRouteDeps): void {
  app.post(
    '/v1/orders/:id/refunds',
    {
      config: { ...needs('refunds:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createRefund',
        summary: 'Promise to pay back what an order received, or a part of it',
        description:
          'The amount is kept for this refund at once. By default the customer names an address ' +
          'on the page of `claimUrl`; then a payout is made, for which the approval rules hold.',
        params,
        body: createRefundSchema,
        response: answers(201, createdRefundSchema),
      },
    },
    async (request, reply) => {
      const of = { merchantId: merchantOf(request), orderId: request.params.id };
      const { body } = request;
      const rate = await rateFor(deps, of, body);
      const own = { database: deps.database, nowMs: deps.clock.nowMs() };
      const exchange = { request, reply, holdsSecret: true };
      return await answerOnce(own, exchange, async (tx) => {
        const input = { of, wish: body, currentRate: rate(), by: actorOf(request) };
        const { refund, link } = await createRefund(tx, deps, input);
        return { status: 201, body: withLink(refund, link, deps) };
      });
    },
  );
  app.post(
    '/v1/orders/:id/refunds/preview',
    {
      config: { ...needs('refunds:read'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'previewRefund',
        summary: 'Reckon a refund without making it',
        description: 'Also tells where the payments came from, with what speaks against it.',
        params,
        body: createRefundSchema,
        response: answers(200, refundPreviewSchema),
      },
    },
    async (request, reply) => {
      const of = { merchantId: merchantOf(request), orderId: request.params.id };
      const wish = request.body;
      const rate = await rateFor(deps, of, wish);
      const own = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce(own, { request, reply }, async (tx) => {
        const order = await findPricedOrder(tx, { merchantId: of.merchantId, id: of.orderId });
        const money = order === undefined ? undefined : await lockOrderMoney(tx, of.orderId);
        if (order === undefined || money === undefined) throw notFound('order');
        const work = { of, wish, order, money, currentRate: rate() };
        const { plan, pools } = await planUnderLock(tx, work);
        const { refundFeeFrom } = await deps.readSettings(tx, of.merchantId);
        const feeFrom = wish.feeFrom ?? refundFeeFrom;
        const sources = await readSources(tx, { txids: money.txids, network: deps.network });
        const body = previewJson(plan, { mode: wish.mode, feeFrom, pools, sources });
        return { status: 200, body };
      });
    },
  );
}

function addRefundReads(app: HttpApp, deps: RefundRouteDeps): void {
  async function page(filter: Omit<store.RefundFilter, 'limit'>, limit: number) {
    const found = await deps.database.asTenant(filter.merchantId, (tx) =>
      store.listRefunds(tx, { ...filter, limit: limit + 1 }),
    );
    return pageOfRows(found, limit, refundJson);
  }
  app.get(
    '/v1/refunds',
    {
      config: needs('refunds:read'),
      schema: {
        tags,
        operationId: 'listRefunds',
        summary: 'List refunds, newest first',
        querystring: refundListQuerySchema,
        response: answers(200, refundPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state } = request.query;
      return await page({ merchantId: merchantOf(request), startingAfter, state }, limit);
    },
  );
  app.get(
    '/v1/orders/:id/refunds',
    {
      config: needs('refunds:read'),
      schema: {
        tags,
        operationId: 'listRefundsOfOrder',
        summary: 'List the refunds of an order, newest first',
        params,
        querystring: refundListQuerySchema,
        response: answers(200, refundPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const own = { merchantId, id: request.params.id };
      const order = await deps.database.asTenant(merchantId, (tx) => findPricedOrder(tx, own));
      if (order === undefined) throw notFound('order');
      const { starting_after: startingAfter, limit, state } = request.query;
      return await page({ merchantId, orderId: own.id, startingAfter, state }, limit);
    },
  );
  app.get(
    '/v1/refunds/:id',
    {
      config: needs('refunds:read'),
      schema: {
        tags,
        operationId: 'readRefund',
        summary: 'Read a refund',
        params,
        response: answers(200, refundSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const refund = await deps.database.asTenant(own.merchantId, (tx) =>
        store.readRefund(tx, own),
      );
      if (refund === undefined) throw notFound('refund');
      return refundJson(refund);
    },
  );
}

function addRefundDecisions(app: HttpApp, deps: RefundRouteDeps): void {
  app.post(
    '/v1/refunds/:id/cancel',
    {
      config: { ...needs('refunds:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'cancelRefund',
        summary: 'Take a refund back that is not being paid yet',
        params,
        body: noBodySchema,
        response: answers(200, refundSchema),
      },
    },
    async (request, reply): Promise<Refund> => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const at = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce(at, { request, reply }, async (tx) => {
        await cancelRefund(tx, deps, own);
        const refund = await store.readRefund(tx, own);
        if (refund === undefined) throw notFound('refund');
        return { status: 200, body: refundJson(refund) };
      });
    },
  );
  app.post(
    '/v1/refunds/:id/new-claim-link',
    {
      config: { ...needs('refunds:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'renewRefundClaimLink',
        summary: 'Make a new claim link; the old one is worth nothing from then on',
        params,
        body: noBodySchema,
        response: answers(200, createdRefundSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const at = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce(at, { request, reply, holdsSecret: true }, async (tx) => {
        const { refund, link } = await renewClaimLink(tx, deps, { ...own, by: actorOf(request) });
        return { status: 200, body: withLink(refund, link, deps) };
      });
    },
  );
}

function withLink(
  refund: store.StoredRefund,
  link: ClaimLink | null,
  { publicUrl }: RefundRouteDeps,
): CreatedRefund {
  const url = link === null ? null : claimUrl(publicUrl, link.secret);
  return { ...refundJson(refund), claimUrl: url };
}

/**
 * Asks for today's rate before the transaction, where it is needed. A failure is thrown only where
 * the rate is used: what was answered before is answered again, whatever the rates do today.
 */
async function rateFor(
  deps: RefundRouteDeps,
  of: store.OfOrder,
  wish: CreateRefund,
): Promise<() => LockedRate | null> {
  const own = { merchantId: of.merchantId, id: of.orderId };
  const order = await deps.database.asTenant(of.merchantId, (tx) => findPricedOrder(tx, own));
  if (order === undefined || !needsCurrentRate(order, wishOf(wish))) return () => null;
  const currency = order.priceCurrency;
  if (!isCurrency(currency) || !isFiatCurrency(currency)) return () => null;
  try {
    const rule = await deps.readRateRule(of.merchantId);
    const rate = lockedRate(await deps.rates.quote(currency, rule));
    return () => rate;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function lockedRate(quote: Quote): LockedRate {
  return {
    currency: quote.currency,
    pricePerBtc: formatPrice(quote.rate.pricePerBtcE8),
    source: quote.source,
    spreadBps: quote.spreadBps,
    observedAt: new Date(quote.observedAtMs).toISOString(),
    rounding: 'down',
  };
}
