import type { Network } from '@quittance/bitcoin';
import type { Wallet } from '@quittance/contract';
import { assert, type Clock, type Ids, type Random, type Uuid } from '@quittance/kernel';
import { addLedgerRoutes } from './accounting/ledger/index.ts';
import { addClassicRoutes } from './compat/classic/index.ts';
import type { Database, Tx } from './platform/db/index.ts';
import { AppError } from './platform/errors.ts';
import type { HttpApp } from './platform/http/index.ts';
import { addWallet, addWalletRoutes, readWallets } from './receiving/addresses/index.ts';
import { addCheckoutRoutes } from './receiving/checkout/index.ts';
import {
  acceptLatePayment,
  addOrderRoutes,
  cancelOrder,
  findOrderMerchant,
  listOrders,
  type OrderCreator,
  type OrderRouteDeps,
  readLiveState,
  readOrder,
  readOrderView,
} from './receiving/orders/index.ts';
import { addRateRoutes, type Rates } from './receiving/rates/index.ts';
import { registerLive } from './telling/live/index.ts';
import { addEventRoutes } from './telling/events/index.ts';
import { addWebhookRoutes, type UrlPolicy } from './telling/webhooks/index.ts';
import { addAuditRoutes, recordAudit } from './tenancy/audit/index.ts';
import { addKeyRoutes, type KeyRing } from './tenancy/keys/index.ts';
import { addMerchantRoutes, type Merchant, readMerchant } from './tenancy/merchants/index.ts';

export type RouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  publicUrl: string;
  rates: Pick<Rates, 'quote'>;
  orders: OrderCreator;
  keyRing: KeyRing;
  webhookUrls: UrlPolicy;
  socketsPerAddress: number;
  log: { warn(detail: object, message: string): void };
};

/** Every route of the server, each module's with what it needs of the others. */
export async function addRoutes(app: HttpApp, deps: RouteDeps): Promise<void> {
  const { database, clock, ids, random } = deps;
  const wallets = walletUseCases(deps);
  addMerchantRoutes(app, { database, clock, ids, random, addWallet: wallets.addWallet });
  addKeyRoutes(app, {
    database,
    clock,
    ids,
    random,
    forgetKey: (id) => deps.keyRing.forget(id),
  });
  addAuditRoutes(app, { database });
  addWalletRoutes(app, { database, clock, ...wallets });
  addRateRoutes(app, { rates: deps.rates, readRateRule: (id) => readRateRule(database, id) });
  addOrderRoutes(app, orderUseCases(deps));
  addLedgerRoutes(app, { database, clock });
  addEventRoutes(app, { database });
  const urlPolicy = deps.webhookUrls;
  addWebhookRoutes(app, { database, clock, ids, random, urlPolicy, recordAudit });
  addClassicRoutes(app, {
    createOrder: (request) => deps.orders.create(request),
    readStatus: (orderId) =>
      database.asSystem(async (tx) => (await readLiveState(tx, orderId))?.status),
  });
  await addCheckoutRoutes(app, { random, readView: (orderId) => readView(deps, orderId) });
  await registerLive(app, {
    database,
    clock,
    log: deps.log,
    readFrame: (orderId) =>
      database.asSystem(async (tx) => (await readLiveState(tx, orderId)) ?? null),
    limits: { maxSocketsPerAddress: deps.socketsPerAddress },
  });
}

async function readRateRule(database: Database, merchantId: Uuid) {
  const merchant = await database.asTenant(merchantId, (tx) => readMerchant(tx, merchantId));
  return merchant.settings.rateRule;
}

function storeNameOf(merchant: Merchant): string {
  return merchant.settings.storeName ?? merchant.name;
}

async function readView(deps: RouteDeps, orderId: Uuid) {
  return deps.database.asSystem(async (tx) => {
    const merchantId = await findOrderMerchant(tx, orderId);
    if (merchantId === undefined) return undefined;
    const merchant = await readMerchant(tx, merchantId);
    const { logoUrl, color, explorerTxUrl } = merchant.settings;
    const face = { name: storeNameOf(merchant), logoUrl, color, explorerTxUrl };
    return readOrderView(tx, orderId, { face, network: deps.network, nowMs: deps.clock.nowMs() });
  });
}

function walletUseCases(deps: RouteDeps) {
  async function readAll(tx: Tx, merchantId: Uuid): Promise<Wallet[]> {
    const { settings } = await readMerchant(tx, merchantId);
    const rows = await readWallets(tx, { merchantId, maxGap: settings.maxAddressGap });
    return rows.map(({ merchantId: _, createdAtMs, ...wallet }) => ({
      ...wallet,
      createdAt: new Date(createdAtMs).toISOString(),
    }));
  }
  return {
    readWallets: readAll,
    async addWallet(
      tx: Tx,
      wallet: { merchantId: Uuid; descriptor: string; actor: string },
    ): Promise<Wallet> {
      const { merchantId, descriptor, actor } = wallet;
      const nowMs = deps.clock.nowMs();
      const id = await addWallet(tx, {
        merchantId,
        descriptor,
        network: deps.network,
        ids: deps.ids,
        nowMs,
      });
      const added = (await readAll(tx, merchantId)).find((each) => each.id === id);
      assert(added !== undefined, 'the wallet that was just added is there');
      await recordAudit(tx, {
        merchantId,
        id: deps.ids.next(),
        atMs: nowMs,
        actor,
        action: 'wallet.added',
        subject: id,
        detail: { descriptor: added.descriptor },
      });
      return added;
    },
  };
}

function orderUseCases(deps: RouteDeps): OrderRouteDeps {
  const { database, clock, ids, publicUrl } = deps;
  const now = () => ({ ids, nowMs: clock.nowMs() });
  async function place(tx: Tx, merchantId: Uuid) {
    return { publicUrl, storeName: storeNameOf(await readMerchant(tx, merchantId)) };
  }
  async function read(tx: Tx, orderId: Uuid) {
    const merchantId = await findOrderMerchant(tx, orderId);
    return merchantId && readOrder(tx, orderId, await place(tx, merchantId));
  }
  async function changed(tx: Tx, orderId: Uuid) {
    const order = await read(tx, orderId);
    if (order === undefined) throw new AppError('not_found', 'There is no such order.');
    return order;
  }
  return {
    database,
    clock,
    createOrder: (request) => deps.orders.create(request),
    readOrder: read,
    async listOrders(tx, { merchantId, limit, ...filter }) {
      const page = { ...filter, merchantId, limit: limit + 1 };
      const orders = await listOrders(tx, page, await place(tx, merchantId));
      return { data: orders.slice(0, limit), has_more: orders.length > limit };
    },
    async cancelOrder(tx, orderId) {
      await cancelOrder(tx, orderId, now());
      return changed(tx, orderId);
    },
    async acceptLatePayment(tx, orderId) {
      await acceptLatePayment(tx, orderId, now());
      return changed(tx, orderId);
    },
  };
}
