import {
  type LightningPredictionQuery,
  lightningPredictionQuerySchema,
  lightningPredictionSchema,
} from '@quittance/contract';
import { type Clock, MSATS_PER_SAT, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../../platform/http/index.ts';
import { advise } from './advise.ts';
import { backtest } from './backtest.ts';
import { presentCalibration, presentEstimate } from './present.ts';
import { readBuckets, readRecords } from './store.ts';

/** Attempts that one answer judges: about a tenth of a second of work. */
const JUDGED_ATTEMPTS = 2_000;

export function addPredictionRoutes(
  app: HttpApp,
  deps: { readonly database: Database; readonly clock: Clock },
): void {
  app.get(
    '/v1/lightning/prediction',
    {
      config: needs('lightning:read'),
      schema: {
        tags: ['Lightning'],
        operationId: 'readLightningPrediction',
        summary: 'Say what to expect of a payment over Lightning, and how good such estimates were',
        querystring: lightningPredictionQuerySchema,
        response: answers(200, lightningPredictionSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await deps.database.asTenant(merchantId, async (tx) => {
        const nowMs = deps.clock.nowMs();
        const estimate = await estimateOf(tx, merchantId, { query: request.query, nowMs });
        const records = await readRecords(tx, merchantId, JUDGED_ATTEMPTS);
        return { estimate, calibration: presentCalibration(records, backtest(records)) };
      });
    },
  );
}

async function estimateOf(
  tx: Tx,
  merchantId: Uuid,
  { query, nowMs }: { query: LightningPredictionQuery; nowMs: number },
) {
  const { destination, amountSats } = query;
  if (destination === undefined) return null;
  const amountMsat = BigInt(amountSats ?? 0) * MSATS_PER_SAT;
  if (amountMsat <= 0n) {
    throw new AppError('invalid_request', 'An estimate is for an amount: add amountSats.');
  }
  const recipients = [destination];
  const buckets = await readBuckets(tx, merchantId, { recipients, channels: [] });
  const about = { destination, amountMsat };
  const advice = advise(buckets, { ...about, atMs: nowMs, plannedAtMs: [nowMs] });
  return presentEstimate(advice, { ...about, nowMs });
}
