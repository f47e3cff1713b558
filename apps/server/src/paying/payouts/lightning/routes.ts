import {
  completeLightningStrategy,
  lightningAttemptPageSchema,
  lightningScheduleSchema,
  previewLightningStrategySchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import { AppError } from '../../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../../platform/http/index.ts';
import {
  attemptJson,
  presentSchedule,
  previewSchedule,
  readAttempts,
} from '../../lightning/index.ts';
import { noSuchPayout } from '../errors.ts';
import type { PayoutRouteDeps } from '../routes.ts';
import { readPayoutRow } from '../store.ts';

const params = z.strictObject({ id: uuidText });

export function addLightningPayoutRoutes(app: HttpApp, deps: PayoutRouteDeps): void {
  app.get(
    '/v1/payouts/:id/attempts',
    {
      config: needs('payouts:read'),
      schema: {
        tags: ['Payouts'],
        operationId: 'listPayoutAttempts',
        summary: 'Read every attempt to pay a payout over Lightning, and why it ended',
        params,
        response: answers(200, lightningAttemptPageSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const { merchantId, id: payoutId } = own;
      const attempts = await deps.database.asTenant(merchantId, async (tx) => {
        if ((await readPayoutRow(tx, own)) === undefined) throw noSuchPayout();
        return await readAttempts(tx, { merchantId, payoutId });
      });
      return { data: attempts.map(attemptJson), has_more: false };
    },
  );
  app.post(
    '/v1/lightning/strategies/preview',
    {
      config: { ...needs('payouts:read', 'settings:read'), idempotency: 'none' },
      schema: {
        tags: ['Payouts'],
        operationId: 'previewLightningStrategy',
        summary: 'Show when a strategy would try a payout, if every attempt failed',
        body: previewLightningStrategySchema,
        response: answers(200, lightningScheduleSchema),
      },
    },
    async (request) => {
      const strategy = completed(request.body.strategy);
      const { expiresAt } = request.body;
      const expiresAtMs = expiresAt === undefined ? null : Date.parse(expiresAt);
      const createdAtMs = deps.clock.nowMs();
      const schedule = previewSchedule(strategy, { createdAtMs, expiresAtMs });
      return presentSchedule(strategy, schedule);
    },
  );
}

function completed(input: Parameters<typeof completeLightningStrategy>[0]) {
  try {
    return completeLightningStrategy(input);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new AppError('invalid_request', 'The strategy contradicts itself.', {
      fields: error.issues.map(({ path, message }) => ({
        pointer: `/strategy/${path.join('/')}`,
        detail: message,
      })),
    });
  }
}
