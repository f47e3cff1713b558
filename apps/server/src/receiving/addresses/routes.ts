import { type Network, parseReceivingDescriptor } from '@quittance/bitcoin';
import {
  type AddWallet,
  addWalletSchema,
  depositAddressSchema,
  noBodySchema,
  uuidText,
  type Wallet,
  walletPageSchema,
  walletSchema,
} from '@quittance/contract';
import { assert, type Clock, type Ids, type Uuid } from '@quittance/kernel';
import { z } from 'zod';
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
import { noSuchWallet, signerWalletRefused } from './errors.ts';
import { lockWallet } from './store.ts';
import { takeAddresses } from './take-addresses.ts';
import { addWallet, readWallets, type WalletView } from './wallets.ts';

export type WalletRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  network: Network;
  /** The bound of the address gap in the merchant's settings. */
  readMaxGap: (tx: Tx, merchantId: Uuid) => Promise<number>;
  recordAudit: (tx: Tx, entry: NewAuditEntry) => Promise<void>;
  /**
   * Asks the signer for a wallet by its name; null when it has none. Absent: there is no signer here.
   * @throws {AppError} when the signer can't be asked
   */
  readSignerWallet?: (name: string) => Promise<{ descriptor: string } | null>;
};

const tags = ['Wallets'];
const params = z.strictObject({ id: uuidText });

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
        summary: 'Add a wallet by its public descriptor',
        description:
          'One that receives is used for new orders from now on; orders that exist keep their ' +
          'addresses. One for payouts is only paid from and funded. A descriptor that holds a ' +
          'private key is refused: this server must not know it.',
        body: addWalletSchema,
        response: answers(201, walletSchema),
      },
    },
    async (request, reply) => {
      const wallet = {
        merchantId: merchantOf(request),
        ...request.body,
        actor: actorOf(request),
      };
      const now = { ...deps, nowMs: deps.clock.nowMs() };
      return await answerOnce(now, { request, reply }, async (tx) => ({
        status: 201,
        body: await connectWallet(tx, deps, wallet),
      }));
    },
  );
  app.post(
    '/v1/wallets/:id/deposit-addresses',
    {
      config: { ...needs('wallets:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createDepositAddress',
        summary: 'Take a fresh address without an order, to fund the wallet',
        description: 'What comes to it is booked as the store’s own money once it is in a block.',
        params,
        body: noBodySchema,
        response: answers(201, depositAddressSchema),
      },
    },
    async (request, reply) => {
      const { id: walletId } = request.params;
      const merchantId = merchantOf(request);
      const now = { ...deps, nowMs: deps.clock.nowMs() };
      return await answerOnce(now, { request, reply }, async (tx) => {
        const wallet = await lockWallet(tx, walletId);
        if (wallet === undefined) throw noSuchWallet();
        const maxGap = await deps.readMaxGap(tx, merchantId);
        const [taken] = await takeAddresses(tx, wallet, { count: 1, maxGap });
        assert(taken !== undefined, 'takeAddresses gives as many as asked for');
        return { status: 201, body: { walletId, ...taken } };
      });
    },
  );
}

/**
 * Adds a wallet and notes it in the audit log.
 * @throws {AppError} what addWallet throws for a descriptor that can't be used, and
 *   signer_wallet_refused
 */
export async function connectWallet(
  tx: Tx,
  deps: Omit<WalletRouteDeps, 'database'>,
  wallet: AddWallet & { merchantId: Uuid; actor: string },
): Promise<Wallet> {
  const { merchantId, descriptor, actor, use = 'receiving', signerWallet } = wallet;
  const { ids, network } = deps;
  if (typeof signerWallet === 'string') await checkSigner(deps, { descriptor, signerWallet });
  const nowMs = deps.clock.nowMs();
  const added = { merchantId, descriptor, network, use, signerWallet, ids, nowMs };
  const id = await addWallet(tx, added);
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
    detail: { descriptor: made.descriptor, use: made.use, signerWallet: made.signerWallet },
  });
  return toWalletJson(made);
}

/** @throws {AppError} signer_wallet_refused unless the signer has these keys under this name */
async function checkSigner(
  { network, readSignerWallet }: Pick<WalletRouteDeps, 'network' | 'readSignerWallet'>,
  { descriptor, signerWallet }: { descriptor: string; signerWallet: string },
): Promise<void> {
  if (readSignerWallet === undefined) {
    throw signerWalletRefused('This server has no signer; leave signerWallet out.');
  }
  const found = await readSignerWallet(signerWallet);
  if (found === null) throw signerWalletRefused('The signer has no wallet of this name.');
  const [ours, theirs] = [descriptor, found.descriptor].map((text) =>
    parseReceivingDescriptor(text, network),
  );
  // What is wrong with ours is said when it is added.
  if (ours?.ok !== true) return;
  if (theirs?.ok !== true || theirs.descriptor.text !== ours.descriptor.text) {
    throw signerWalletRefused('The signer has this wallet with another descriptor.');
  }
}

function toWalletJson(view: WalletView): Wallet {
  return {
    id: view.id,
    descriptor: view.descriptor,
    network: view.network,
    active: view.active,
    use: view.use,
    signerWallet: view.signerWallet,
    createdAt: new Date(view.createdAtMs).toISOString(),
    nextIndex: view.nextIndex,
    derivedThrough: view.derivedThrough,
    highestPaidIndex: view.highestPaidIndex,
    gap: view.gap,
  };
}
