import {
  type CreateOrder,
  createOrderSchema,
  noBodySchema,
  type Order,
  type OrderPage,
  type OrderStatus,
  orderListQuerySchema,
  orderPageSchema,
  orderSchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Uuid } from '@quittance/kernel';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  answerOnce,
  answers,
  type GivenAnswer,
  giveAnswer,
  type HttpApp,
  type IdempotencyKey,
  idempotencyOf,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';

export type OrderRouteDeps = {
  database: Database;
  clock: Clock;
<<<<<<< HEAD
  ids: Ids;
  orders: OrderCreator;
  /** Where payers reach the checkout, without a slash at the end. */
  publicUrl: string;
  /** What payers know the store by. */
  readStoreName: (tx: Tx, merchantId: Uuid) => Promise<string>;
=======
  /** Creates in a batch with others; the answer is stored there with the order. */
  createOrder: (request: {
    merchantId: Uuid;
    input: CreateOrder;
    idempotency?: IdempotencyKey;
  }) => Promise<GivenAnswer<Order>>;
  readOrder: (tx: Tx, orderId: Uuid) => Promise<Order | undefined>;
  listOrders: (
    tx: Tx,
    page: {
      merchantId: Uuid;
      startingAfter?: Uuid | undefined;
      limit: number;
      status?: OrderStatus | undefined;
      externalId?: string | undefined;
    },
  ) => Promise<OrderPage>;
  /** @throws {AppError} not_found, conflict when something has been paid already */
  cancelOrder: (tx: Tx, orderId: Uuid) => Promise<Order>;
  /** @throws {AppError} not_found, conflict when there is no late payment to accept */
  acceptLatePayment: (tx: Tx, orderId: Uuid) => Promise<Order>;
>>>>>>> http
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
      const answer = await deps.createOrder({
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
<<<<<<< HEAD
      const filter = { merchantId, startingAfter, status, externalId: external_id };
      const found = await deps.database.asTenant(merchantId, async (tx) =>
        listOrders(tx, { ...filter, limit: limit + 1 }, await placeOf(tx, deps, merchantId)),
      );
      return { data: found.slice(0, limit), has_more: found.length > limit };
=======
      const page = { merchantId, startingAfter, limit, status, externalId: external_id };
      return await deps.database.asTenant(merchantId, (tx) => deps.listOrders(tx, page));
>>>>>>> http
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
      const { id } = request.params;
      const order = await deps.database.asTenant(merchantOf(request), (tx) =>
        deps.readOrder(tx, id),
      );
      if (order === undefined) throw new AppError('not_found', 'There is no such order.');
      return order;
    },
  );
}

function addOrderDecisions(app: HttpApp, deps: OrderRouteDeps): void {
  const now = () => ({ database: deps.database, nowMs: deps.clock.nowMs() });
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
    async (request, reply) =>
      await answerOnce(now(), { request, reply }, async (tx) => ({
        status: 200,
        body: await deps.cancelOrder(tx, request.params.id),
      })),
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
      await answerOnce(now(), { request, reply }, async (tx) => ({
        status: 200,
        body: await deps.acceptLatePayment(tx, request.params.id),
      })),
  );
}
