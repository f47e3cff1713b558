import {
  createOrderSchema,
  noBodySchema,
  type Order,
  orderListQuerySchema,
  orderPageSchema,
  orderSchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  answerOnce,
  answers,
  giveAnswer,
  type HttpApp,
  idempotencyOf,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import { acceptLatePayment, cancelOrder } from './change-order.ts';
import type { OrderCreator } from './create-orders.ts';
import { type InvoiceReader, listOrders, type Place, readOrder } from './read-orders.ts';
import type { OwnOrder } from './store.ts';

export type OrderRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  orders: OrderCreator;
  /** Where payers reach the checkout, without a slash at the end. */
  publicUrl: string;
  /** What payers know the store by. */
  readStoreName: (tx: Tx, merchantId: Uuid) => Promise<string>;
  readInvoices?: InvoiceReader;
};

const tags = ['Orders'];
const params = z.strictObject({ id: uuidText });

export function addOrderRoutes(app: HttpApp, deps: OrderRouteDeps): void {
  app.post(
    '/v1/orders',
    {
      config: { ...needs('orders:write'), idempotency: 'own', limit: 'create' },
      schema: {
        tags,
        operationId: 'createOrder',
        summary: 'Make an order',
        description: 'Locks the price and hands out a fresh address.',
        body: createOrderSchema,
        response: answers(201, orderSchema),
      },
    },
    async (request, reply) => {
      const idempotency = idempotencyOf(request);
      const answer = await deps.orders.create({
        merchantId: merchantOf(request),
        input: request.body,
        ...(idempotency === undefined ? {} : { idempotency }),
      });
      reply.header('location', `/v1/orders/${answer.body.id}`);
      return giveAnswer(reply, answer);
    },
  );
  addOrderReads(app, deps);
  addOrderDecisions(app, deps);
}

function addOrderReads(app: HttpApp, deps: OrderRouteDeps): void {
  app.get(
    '/v1/orders',
    {
      config: needs('orders:read'),
      schema: {
        tags,
        operationId: 'listOrders',
        summary: 'List orders, newest first',
        querystring: orderListQuerySchema,
        response: answers(200, orderPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, status, external_id } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, startingAfter, status, externalId: external_id };
      const found = await deps.database.asTenant(merchantId, async (tx) =>
        listOrders(tx, { ...filter, limit: limit + 1 }, await placeOf(tx, deps, merchantId)),
      );
      return { data: found.slice(0, limit), has_more: found.length > limit };
    },
  );
  app.get(
    '/v1/orders/:id',
    {
      config: needs('orders:read'),
      schema: {
        tags,
        operationId: 'readOrder',
        summary: 'Read an order with its payments',
        params,
        response: answers(200, orderSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await deps.database.asTenant(merchantId, (tx) =>
        readExisting(tx, deps, { merchantId, id: request.params.id }),
      );
    },
  );
}

function addOrderDecisions(app: HttpApp, deps: OrderRouteDeps): void {
  async function decide(
    exchange: { request: FastifyRequest; reply: FastifyReply },
    id: Uuid,
    change: typeof cancelOrder,
  ): Promise<Order> {
    const nowMs = deps.clock.nowMs();
    const merchantId = merchantOf(exchange.request);
    return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
      const own = { merchantId, id };
      await change(tx, own, { ids: deps.ids, nowMs });
      return { status: 200, body: await readExisting(tx, deps, own) };
    });
  }
  app.post(
    '/v1/orders/:id/cancel',
    {
      config: { ...needs('orders:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'cancelOrder',
        summary: 'Cancel an order that nobody has paid',
        params,
        body: noBodySchema,
        response: answers(200, orderSchema),
      },
    },
    async (request, reply) => await decide({ request, reply }, request.params.id, cancelOrder),
  );
  app.post(
    '/v1/orders/:id/accept-late',
    {
      config: { ...needs('orders:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'acceptLatePayment',
        summary: 'Let a payment that came after expiry count',
        params,
        body: noBodySchema,
        response: answers(200, orderSchema),
      },
    },
    async (request, reply) =>
      await decide({ request, reply }, request.params.id, acceptLatePayment),
  );
}

/** @throws {AppError} not_found */
async function readExisting(tx: Tx, deps: OrderRouteDeps, own: OwnOrder): Promise<Order> {
  const order = await readOrder(tx, own, await placeOf(tx, deps, own.merchantId));
  if (order === undefined) throw new AppError('not_found', 'There is no such order.');
  return order;
}

async function placeOf(tx: Tx, deps: OrderRouteDeps, merchantId: Uuid): Promise<Place> {
  const storeName = await deps.readStoreName(tx, merchantId);
  const { publicUrl, readInvoices } = deps;
  return { publicUrl, storeName, ...(readInvoices === undefined ? {} : { readInvoices }) };
}
