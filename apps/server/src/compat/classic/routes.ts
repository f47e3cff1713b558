import {
  classicCreatedSchema,
  classicCreateSchema,
  classicStatusSchema,
  type Order,
  type OrderStatus,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import QRCode from 'qrcode';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import {
  answers,
  giveAnswer,
  type HttpApp,
  idempotencyOf,
  merchantOf,
  needs,
  open,
} from '../../platform/http/index.ts';
import type { OrderCreator } from '../../receiving/orders/index.ts';

export type ClassicRouteDeps = {
  orders: OrderCreator;
  /** By the unguessable id alone, whosever order it is. */
  readStatus: (orderId: Uuid) => Promise<OrderStatus | undefined>;
};

/** A module of 6 pixels can be scanned from a screen at arm's length. */
const QR_PIXELS_PER_MODULE = 6;

/** The interface that older integration guides describe; its shape never changes (design §7). */
export function addClassicRoutes(app: HttpApp, deps: ClassicRouteDeps): void {
  app.post(
    '/api/payment/create',
    {
      config: {
        ...needs('orders:write'),
        idempotency: 'own',
        limit: 'create',
        exactNumbers: true,
      },
      schema: {
        tags: ['Classic'],
        operationId: 'classicCreatePayment',
        summary: 'Make an order, in the classic shape',
        description: '`amount` may be a JSON number too: its digits are taken as they are written.',
        body: classicCreateSchema,
        response: answers(200, classicCreatedSchema),
      },
    },
    async (request, reply) => {
      const { merchantId, amount, currency } = request.body;
      if (merchantId !== merchantOf(request)) {
        throw new AppError('forbidden', 'This API key belongs to another merchant.');
      }
      const idempotency = idempotencyOf(request);
      const answer = await deps.orders.create({
        merchantId,
        input: { amount, currency },
        ...(idempotency === undefined ? {} : { idempotency }),
      });
      const body = await toClassic(answer.body);
      return giveAnswer(reply, { status: 200, body, replayed: answer.replayed });
    },
  );
  app.get(
    '/api/payment/status/:orderId',
    {
      config: open,
      schema: {
        tags: ['Classic'],
        operationId: 'classicReadStatus',
        summary: "Read an order's status by its id",
        params: z.strictObject({ orderId: uuidText }),
        response: answers(200, classicStatusSchema),
      },
    },
    async (request) => {
      const { orderId } = request.params;
      const status = await deps.readStatus(orderId);
      if (status === undefined) throw new AppError('not_found', 'There is no such order.');
      return { orderId, status };
    },
  );
}

async function toClassic(order: Order) {
  const qrCode = await QRCode.toDataURL(order.bip21, {
    errorCorrectionLevel: 'M',
    scale: QR_PIXELS_PER_MODULE,
  });
  return {
    orderId: order.id,
    address: order.address,
    amount: order.dueBtc,
    expiresAt: order.expiresAt,
    qrCode,
  };
}
