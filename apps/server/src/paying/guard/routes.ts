import {
  noBodySchema,
  uuidText,
  type WalletHold as WalletHoldJson,
  walletHoldPageSchema,
  walletHoldSchema,
} from '@quittance/contract';
import { z } from 'zod';
import type { Database } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import { type AlertDeps, resolveAlert } from '../../telling/notifications/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import { readWalletHolds, releaseWallet, type WalletHold } from './wallet-hold-store.ts';

export type HoldRouteDeps = AlertDeps & {
  database: Database;
  recordAudit: typeof recordAudit;
};

const tags = ['Payouts'];

/** What holds single wallets, and how a person who may approve payouts lets one go on. */
export function addHoldRoutes(app: HttpApp, deps: HoldRouteDeps): void {
  app.get(
    '/v1/wallet-holds',
    {
      config: needs('payouts:read'),
      schema: {
        tags,
        operationId: 'listWalletHolds',
        summary: 'List the wallets that nothing is paid from until somebody has looked',
        response: answers(200, walletHoldPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const all = await deps.database.asTenant(merchantId, (tx) => readWalletHolds(tx, merchantId));
      return { data: all.map(holdJson), has_more: false };
    },
  );
  app.post(
    '/v1/wallets/:id/release-hold',
    {
      config: { ...needs('payouts:approve'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'releaseWalletHold',
        summary: 'Let payments from a wallet go on',
        description:
          'Look first: compare what is open with the chain, and cancel what was paid already.',
        params: z.strictObject({ id: uuidText }),
        body: noBodySchema,
        response: answers(200, walletHoldSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), walletId: request.params.id };
      const at = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce(at, { request, reply }, async (tx) => {
        const holds = await readWalletHolds(tx, own.merchantId);
        const hold = holds.find(({ walletId }) => walletId === own.walletId);
        if (hold === undefined || !(await releaseWallet(tx, own))) throw notHeld();
        await deps.recordAudit(tx, {
          merchantId: own.merchantId,
          id: deps.ids.next(),
          atMs: at.nowMs,
          actor: actorOf(request),
          action: 'wallet_hold.released',
          subject: `wallet:${own.walletId}`,
          detail: { reason: hold.reason },
        });
        const { merchantId, walletId: subject } = own;
        await resolveAlert(tx, deps, { merchantId, kind: 'payouts_held', subject });
        return { status: 200, body: holdJson(hold) };
      });
    },
  );
}

function holdJson({ walletId, heldAtMs, reason }: WalletHold): WalletHoldJson {
  return { walletId, heldAt: new Date(heldAtMs).toISOString(), reason };
}

function notHeld(): AppError {
  return new AppError('not_found', 'No wallet of this store with this id is held.');
}
