import { addWalletSchema, type Wallet, walletPageSchema, walletSchema } from '@quittance/contract';
import type { Network } from '@quittance/bitcoin';
import { assert, type Clock, type Ids, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import type { NewAuditEntry } from '../../tenancy/audit/index.ts';
import { addWallet, readWallets, type WalletView } from './wallets.ts';

export type WalletRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  network: Network;
  /** The bound of the address gap in the merchant's settings. */
  readMaxGap: (tx: Tx, merchantId: Uuid) => Promise<number>;
  recordAudit: (tx: Tx, entry: NewAuditEntry) => Promise<void>;
};

const tags = ['Wallets'];

export function addWalletRoutes(app: HttpApp, deps: WalletRouteDeps): void {
  app.get(
    '/v1/wallets',
    {
      config: needs('wallets:read'),
      schema: {
        tags,
        operationId: 'listWallets',
        summary: 'List the receiving wallets with their address gap',
        response: answers(200, walletPageSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const wallets = await deps.database.asTenant(merchantId, async (tx) =>
        readWallets(tx, { merchantId, maxGap: await deps.readMaxGap(tx, merchantId) }),
      );
      return { data: wallets.map(toWalletJson), has_more: false };
    },
  );
  app.post(
    '/v1/wallets',
    {
      config: { ...needs('wallets:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'addWallet',
        summary: 'Receive on another public descriptor from now on',
        description:
          'Orders that exist keep their addresses. A descriptor that holds a private key is ' +
          'refused: this server must not know it.',
        body: addWalletSchema,
        response: answers(201, walletSchema),
      },
    },
    async (request, reply) => {
      const wallet = {
        merchantId: merchantOf(request),
        descriptor: request.body.descriptor,
        actor: actorOf(request),
      };
      const now = { ...deps, nowMs: deps.clock.nowMs() };
      return await answerOnce(now, { request, reply }, async (tx) => ({
        status: 201,
        body: await connectWallet(tx, deps, wallet),
      }));
    },
  );
}

/**
 * Adds a wallet for new orders and notes it in the audit log.
 * @throws {AppError} what addWallet throws for a descriptor that can't be used
 */
export async function connectWallet(
  tx: Tx,
  deps: Omit<WalletRouteDeps, 'database'>,
  wallet: { merchantId: Uuid; descriptor: string; actor: string },
): Promise<Wallet> {
  const { merchantId, descriptor, actor } = wallet;
  const { ids, network } = deps;
  const nowMs = deps.clock.nowMs();
  const id = await addWallet(tx, { merchantId, descriptor, network, ids, nowMs });
  const maxGap = await deps.readMaxGap(tx, merchantId);
  const made = (await readWallets(tx, { merchantId, maxGap })).find((view) => view.id === id);
  assert(made !== undefined, 'connectWallet: the wallet was just added');
  await deps.recordAudit(tx, {
    merchantId,
    id: ids.next(),
    atMs: nowMs,
    actor,
    action: 'wallet.added',
    subject: id,
    detail: { descriptor: made.descriptor },
  });
  return toWalletJson(made);
}

function toWalletJson(view: WalletView): Wallet {
  return {
    id: view.id,
    descriptor: view.descriptor,
    network: view.network,
    active: view.active,
    createdAt: new Date(view.createdAtMs).toISOString(),
    nextIndex: view.nextIndex,
    derivedThrough: view.derivedThrough,
    highestPaidIndex: view.highestPaidIndex,
    gap: view.gap,
  };
}
