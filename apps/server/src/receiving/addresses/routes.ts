import { addWalletSchema, type Wallet, walletPageSchema, walletSchema } from '@quittance/contract';
import type { Clock, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';

export type WalletRouteDeps = {
  database: Database;
  clock: Clock;
<<<<<<< HEAD
  ids: Ids;
  network: Network;
  /** The bound of the address gap in the merchant's settings. */
  readMaxGap: (tx: Tx, merchantId: Uuid) => Promise<number>;
  recordAudit: (tx: Tx, entry: NewAuditEntry) => Promise<void>;
=======
  /** Checks the descriptor, makes it the active wallet and notes it in the audit log. */
  addWallet: (
    tx: Tx,
    wallet: { merchantId: Uuid; descriptor: string; actor: string },
  ) => Promise<Wallet>;
  readWallets: (tx: Tx, merchantId: Uuid) => Promise<Wallet[]>;
>>>>>>> http
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
<<<<<<< HEAD
      const wallets = await deps.database.asTenant(merchantId, async (tx) =>
        readWallets(tx, { merchantId, maxGap: await deps.readMaxGap(tx, merchantId) }),
      );
      return { data: wallets.map(toWalletJson), has_more: false };
=======
      const data = await deps.database.asTenant(merchantId, (tx) =>
        deps.readWallets(tx, merchantId),
      );
      return { data, has_more: false };
>>>>>>> http
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
        body: await deps.addWallet(tx, wallet),
      }));
    },
  );
}
