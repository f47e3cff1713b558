import { type FeeRate, formatFeeRate, parseFeeRate } from '@quittance/bitcoin';
import {
  consolidateSchema,
  feeEstimatesSchema,
  type FeeWish,
  feeWishSchema,
  liftPaymentSchema,
  type SpendJson,
  spendListQuerySchema,
  spendPageSchema,
  spendSchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
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
import { bumpSpend, cancelSpend, readFeesToOutbid } from './bump-spend.ts';
import { consolidate } from './consolidate.ts';
import { createChild, readAncestors, readStuckChange, requireCoin } from './create-child.ts';
import { noFeeEstimate } from './errors.ts';
import { NoFeeEstimateError } from './estimate-fee.ts';
import { spendJson } from './present.ts';
import { addPsbtRoutes } from './psbt-routes.ts';
import { audit, BY_HAND, limitsOf, readOwn, type SpendRouteDeps } from './route-deps.ts';
import { listSpendIds, readSpends, type StoredSpend } from './store.ts';

const tags = ['Spends'];
const params = z.strictObject({ id: uuidText });
const ABOVE_POLICY = 'A fee above the wallet’s fee policy takes a key with payouts:approve.';
const DEFAULT_TARGET_BLOCKS = 2;
/** What people choose between: next, within an hour, half a day, a day. */
const SHOWN_TARGETS = [1, 2, 6, 72, 144];

type Exchange = { request: FastifyRequest; reply: FastifyReply };

export function addSpendRoutes(app: HttpApp, deps: SpendRouteDeps): void {
  addReads(app, deps);
  addReplacements(app, deps);
  addChildren(app, deps);
  addPsbtRoutes(app, deps);
}

function addReads(app: HttpApp, deps: SpendRouteDeps): void {
  app.get(
    '/v1/spends',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listSpends',
        summary: 'List the transactions that pay, newest first',
        querystring: spendListQuerySchema,
        response: answers(200, spendPageSchema),
      },
    },
    async (request) => {
      const { starting_after: before, limit, state, wallet_id: walletId } = request.query;
      const merchantId = merchantOf(request);
      const found = await deps.database.asTenant(merchantId, async (tx) => {
        const page = { merchantId, before, state, walletId, limit: limit + 1 };
        return await readSpends(tx, await listSpendIds(tx, page));
      });
      return pageOfRows(found, limit, spendJson);
    },
  );
  app.get(
    '/v1/spends/:id',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readSpend',
        summary: 'Read a transaction with all its versions',
        params,
        response: answers(200, spendSchema),
      },
    },
    async (request) => {
      const { id } = request.params;
      const stored = await deps.database.asTenant(merchantOf(request), (tx) => readOwn(tx, id));
      return spendJson(stored);
    },
  );
  app.get(
    '/v1/fee-estimates',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'readFeeEstimates',
        summary: 'What the network’s fee is now',
        response: answers(200, feeEstimatesSchema),
      },
    },
    async () => {
      const estimates = await telling(async () => {
        const found = [];
        for (const targetBlocks of SHOWN_TARGETS) {
          found.push(await deps.fees.estimate({ targetBlocks }));
        }
        return { found, floor: await deps.fees.floor() };
      });
      return {
        data: estimates.found.map(({ targetBlocks, feeRate, source, atMs }) => ({
          ...{ targetBlocks, source, feeRateSatPerVb: formatFeeRate(feeRate) },
          estimatedAt: new Date(atMs).toISOString(),
        })),
        floorSatPerVb: formatFeeRate(estimates.floor),
      };
    },
  );
}

function addReplacements(app: HttpApp, deps: SpendRouteDeps): void {
  async function replace(
    exchange: Exchange,
    wanted: { id: Uuid; wish: FeeWish | null | undefined; change: typeof bumpSpend },
  ): Promise<SpendJson> {
    const own = { merchantId: merchantOf(exchange.request), spendId: wanted.id };
    const action = wanted.change === bumpSpend ? 'bumped' : 'cancelled';
    return await act(deps, exchange, action, async (tx) => {
      const outbid = await readFeesToOutbid(tx, deps, own);
      const feeRate = await feeRateOf(deps, wanted.wish);
      return await wanted.change(tx, deps, { ...own, feeRate, outbid });
    });
  }
  const schema = { tags, params, body: feeWishSchema, response: answers(200, spendSchema) };
  app.post(
    '/v1/spends/:id/bump',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        ...schema,
        operationId: 'bumpSpend',
        summary: 'Replace a transaction that waits by one that pays more (BIP125)',
        description:
          'The payouts stay the same; recipients who bear the fee get less, within their limits. ' +
          'Of the two transactions only one can ever be mined.',
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return await replace({ request, reply }, { id, wish: request.body, change: bumpSpend });
    },
  );
  app.post(
    '/v1/spends/:id/cancel',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        ...schema,
        operationId: 'cancelSpend',
        summary: 'Stop a transaction that is in no block',
        description:
          'At once while nobody else can have it; else its coins are spent back to the wallet with ' +
          'a higher fee, and the payouts are free when that is final. Until then either may be ' +
          'mined.',
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return await replace({ request, reply }, { id, wish: request.body, change: cancelSpend });
    },
  );
}

function addChildren(app: HttpApp, deps: SpendRouteDeps): void {
  async function lift(
    exchange: Exchange,
    wish: FeeWish | null | undefined,
    find: (tx: Tx) => Promise<{ coin: string; walletId: Uuid }>,
  ): Promise<SpendJson> {
    const merchantId = merchantOf(exchange.request);
    const caller = callerOf(exchange.request);
    return await act(deps, exchange, 'child_made', async (tx) => {
      const { coin, walletId } = await find(tx);
      const feeRate = await feeRateOf(deps, wish);
      const limits = await limitsOf(tx, deps, { caller, merchantId, walletId, feeRate });
      const ancestors = await readAncestors(deps.node, coin);
      return await createChild(tx, deps, { merchantId, coin, ancestors, feeRate, limits });
    });
  }
  app.post(
    '/v1/spends/:id/child',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        ...{ tags, params, body: feeWishSchema, response: answers(200, spendSchema) },
        operationId: 'createChild',
        summary: 'Lift a transaction that waits by a child that pays for both (CPFP)',
        description: ABOVE_POLICY,
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), spendId: request.params.id };
      return await lift({ request, reply }, request.body, async (tx) => {
        const coin = await readStuckChange(tx, own);
        return { coin, walletId: (await readOwn(tx, own.spendId)).spend.walletId };
      });
    },
  );
  app.post(
    '/v1/wallets/:id/lift-payment',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        ...{ tags, params, body: liftPaymentSchema, response: answers(200, spendSchema) },
        operationId: 'liftPayment',
        summary: 'Lift a payment to us that waits by a child that pays for both (CPFP)',
        description: ABOVE_POLICY,
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), walletId: request.params.id };
      const { coin } = request.body;
      const { walletId } = own;
      return await lift({ request, reply }, request.body, async (tx) => ({
        ...{ coin: await requireCoin(tx, own, coin), walletId },
      }));
    },
  );
  app.post(
    '/v1/wallets/:id/consolidate',
    {
      config: { ...needs('payouts:write'), idempotency: 'stored' },
      schema: {
        ...{ tags, params, body: consolidateSchema, response: answers(200, spendSchema) },
        operationId: 'consolidateWallet',
        summary: 'Put small coins together while fees are low',
        description: ABOVE_POLICY,
      },
    },
    async (request, reply) => {
      const { maxCoins } = request.body;
      const own = { merchantId: merchantOf(request), walletId: request.params.id };
      return await act(deps, { request, reply }, 'consolidated', async (tx) => {
        const feeRate = await feeRateOf(deps, request.body);
        const caller = callerOf(request);
        const limits = await limitsOf(tx, deps, { ...own, caller, feeRate });
        const wanted = { ...own, feeRate, limits, maxCoins, origin: 'manual' } as const;
        return await consolidate(tx, deps, wanted);
      });
    },
  );
}

/**
 * Does something once for its Idempotency-Key, notes who did it, shows the spend as it is then. The
 * node is asked inside it, so that a repeated request gets its answer whatever the node says now.
 */
async function act(
  deps: SpendRouteDeps,
  exchange: Exchange,
  action: string,
  work: (tx: Tx) => Promise<StoredSpend>,
): Promise<SpendJson> {
  const nowMs = deps.clock.nowMs();
  return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
    const stored = await work(tx);
    const { merchantId, id: subject } = stored.spend;
    const actor = actorOf(exchange.request);
    await audit(tx, deps, { merchantId, actor, action: `spend.${action}`, subject });
    return { status: 200, body: spendJson(stored) };
  });
}

/** @throws {AppError} invalid_request, no_fee_estimate */
async function feeRateOf(
  { fees }: SpendRouteDeps,
  wish: FeeWish | null | undefined,
): Promise<FeeRate> {
  if (wish?.feeRateSatPerVb !== undefined) {
    const parsed = parseFeeRate(wish.feeRateSatPerVb);
    if (!parsed.ok || parsed.feeRate <= 0n || parsed.feeRate > BY_HAND.maxFeeRate) {
      const detail = parsed.ok ? 'write a rate above 0 and up to 1000' : parsed.reason;
      const fields = [{ pointer: '/feeRateSatPerVb', detail }];
      throw new AppError('invalid_request', `/feeRateSatPerVb: ${detail}.`, { fields });
    }
    return parsed.feeRate;
  }
  const targetBlocks = wish?.targetBlocks ?? DEFAULT_TARGET_BLOCKS;
  return await telling(async () => (await fees.estimate({ targetBlocks })).feeRate);
}

/** @throws {AppError} no_fee_estimate */
async function telling<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NoFeeEstimateError) throw noFeeEstimate(error.message);
    throw error;
  }
}
