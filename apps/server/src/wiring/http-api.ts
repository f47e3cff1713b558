import { setTimeout as sleep } from 'node:timers/promises';
import type { Network } from '@quittance/bitcoin';
import type { OrderStatus } from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import { addLedgerRoutes } from '../accounting/ledger/index.ts';
import {
  addReconciliationRoutes,
  type ReconciliationRouteDeps,
} from '../accounting/reconciliation/index.ts';
import { addReportRoutes } from '../accounting/reports/index.ts';
import { addCompliance } from './compliance/routes.ts';
import { orderCustomers, refuseRefundsOfBlocked } from '../compliance/customers/index.ts';
import { type OpenScreener, openScreener, type Screener } from '../compliance/screening/index.ts';
import { addDrawing, type DrawingParts } from './paying/drawing.ts';
import { addClassicRoutes } from '../compat/classic/index.ts';
import { addPredictionRoutes } from '../paying/lightning/index.ts';
import { addPayoutRoutes, type PayoutListener, readMaxFeeRate } from '../paying/payouts/index.ts';
import { addCoinRoutes } from '../paying/coins/index.ts';
import { addHoldRoutes } from '../paying/guard/index.ts';
import { addRefundRoutes, payByPayouts } from '../paying/refunds/index.ts';
import { addSpendRoutes, type FeeEstimator, type SpendRouteDeps } from '../paying/spends/index.ts';
import { type Lightning, withoutLightning } from './receiving/lightning.ts';
import { BitcoinRpcError } from '../platform/bitcoin-node/index.ts';
import type { Database, Tx } from '../platform/db/index.ts';
import type { Sealer } from '../platform/sealing/index.ts';
import { buildHttp, type Http, type HttpOptions } from '../platform/http/index.ts';
import {
  addWalletRoutes,
  connectWallet,
  type WalletRouteDeps,
} from '../receiving/addresses/index.ts';
import {
  addOrderRoutes,
  createOrders,
  type OrderCreator,
  readLiveState,
} from '../receiving/orders/index.ts';
import { addLightningRoutes } from '../receiving/lightning/index.ts';
import { previewOfPayouts } from './compliance/payout-checks-work.ts';
import { readInvoices } from './payer-pages.ts';
import { addRateRoutes, type Rates } from '../receiving/rates/index.ts';
import { addEventRoutes } from '../telling/events/index.ts';
import { addAlertRoutes, audienceReader } from '../telling/notifications/index.ts';
import { addWebhookRoutes, type UrlPolicy } from '../telling/webhooks/index.ts';
import { addAuditRoutes, recordAudit } from '../tenancy/audit/index.ts';
import { addKeyRoutes, openKeyRing } from '../tenancy/keys/index.ts';
import { addMerchantRoutes, MERCHANTS_CHANNEL, readMerchant } from '../tenancy/merchants/index.ts';

export type ApiParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  rates: Pick<Rates, 'quote'>;
  urlPolicy: UrlPolicy;
  /** Told of every change of a payout. */
  payoutListener: PayoutListener;
  fees: FeeEstimator;
  http: Omit<HttpOptions, 'authenticate' | 'instanceTag'>;
  /** What routes of spends work with; absent where no node is there to be asked. */
  spends?: Pick<SpendRouteDeps, 'node' | 'listener'>;
  /** Asks the signer for a wallet by its name; absent where there is no signer. */
  readSignerWallet?: WalletRouteDeps['readSignerWallet'];
  /** Stores' Lightning nodes; absent where there are none. */
  lightning?: (Pick<Lightning, 'nodes' | 'offers' | 'refuseUrl'> & Partial<Lightning>) | undefined;
  /** Counts what is asked for; absent: nobody counts. */
  metrics?: DrawingParts['metrics'];
  /** Seals what the server itself needs again, such as the keys of cards. */
  sealer: Sealer;
  /** Answers by the lists that are active; absent: one is opened for this interface alone. */
  screener?: Screener | undefined;
  /** Where the node's own coins are read; absent where there is no node. */
  node?: ReconciliationRouteDeps['node'];
  /** Folder with the XSDs of authorities; null or left out: reports are not checked. */
  filingSchemas?: string | null;
  /** How e-mails about alerts are sent; undefined: they are not. */
  mail?: { operatorEmails: readonly string[] } | undefined;
};

export type Api = {
  /** Pages and sockets that are no part of the API are added to its app before it listens. */
  http: Http;
  orders: OrderCreator;
  close(): Promise<void>;
};

/** The whole HTTP interface over a database: every route of every module, in the docs' order. */
export async function openApi(parts: ApiParts): Promise<Api> {
  const { database, clock, ids, random, network, rates } = parts;
  const { publicUrl, log } = parts.http;
  let own: OpenScreener | undefined;
  const onError = (error: unknown) => log.error({ error }, 'the lists can not be followed');
  const ring = await openKeyRing({
    database,
    clock,
    onError: (error) => log.error({ error }, 'the last use of an API key was not noted'),
  });
  const http = await buildHttp({
    ...parts.http,
    authenticate: ring.authenticate,
    instanceTag: Buffer.from(random(new Uint8Array(4))).toString('hex'),
  });
  const { app } = http;
  const orders = createOrders({
    ...{ database, rates, clock, ids, publicUrl, readMerchant, customers: orderCustomers },
  });
  const unlisten = await database.listen(MERCHANTS_CHANNEL, {
    message: (merchantId) => orders.forget(merchantId),
    gap: () => orders.forget(),
  });
  const common = { database, clock, ids, random, recordAudit };
  const { readSignerWallet } = parts;
  const signer = readSignerWallet === undefined ? {} : { readSignerWallet };
  const wallets = { ...common, network, readMaxGap, ...signer };

  const screener = parts.screener ?? (own = await openScreener({ database, clock, onError }));
  addOrderRoutes(app, { ...common, orders, publicUrl, readStoreName, readInvoices });
  addRateRoutes(app, { rates, readRateRule: (id) => readRateRule(database, id) });
  addEventRoutes(app, common);
  addAlertRoutes(app, common);
  addWebhookRoutes(app, { ...common, urlPolicy: parts.urlPolicy });
  addWalletRoutes(app, wallets);
  addLightningRoutes(app, {
    ...common,
    ...(parts.lightning ?? withoutLightning()),
    network,
    ring() {},
  });
  addCoinRoutes(app, { database, network });
  addLedgerRoutes(app, common);
  const readAudience = audienceReader({
    ...{ readMerchant, operatorEmails: parts.mail?.operatorEmails },
  });
  const { node } = parts;
  const compareLightning = parts.lightning?.compare;
  addReconciliationRoutes(app, {
    ...{ ...common, network, node, sleep, readAudience, compareLightning },
  });
  addReportRoutes(app, common);
  addPayoutRoutes(app, {
    ...common,
    network,
    rates,
    readRateRule: (id) => readRateRule(database, id),
    listener: parts.payoutListener,
    screen: previewOfPayouts({ clock }, screener),
    fees: parts.fees,
    nodes: (parts.lightning ?? withoutLightning()).nodes,
  });
  addPredictionRoutes(app, common);
  addHoldRoutes(app, { ...common, readAudience });
  const { fees } = parts;
  addSpendRoutes(app, { ...common, fees, readMaxFeeRate, ...(parts.spends ?? withoutNode()) });
  addRefundRoutes(app, {
    ...common,
    network,
    rates,
    publicUrl,
    readRateRule: (id) => readRateRule(database, id),
    payouts: refuseRefundsOfBlocked(payByPayouts({ network, listener: parts.payoutListener })),
    readSettings: async (tx, id) => (await readMerchant(tx, id)).settings,
  });
  await addDrawing(app, {
    ...{ ...parts, publicUrl, log, readStoreName },
    readRateRule: (id) => readRateRule(database, id),
    nodes: (parts.lightning ?? withoutLightning()).nodes,
  });
  addMerchantRoutes(app, {
    ...common,
    addWallet: (tx, wallet) => connectWallet(tx, wallets, wallet),
  });
  addKeyRoutes(app, { ...common, forgetKey: ring.forget });
  addAuditRoutes(app, common);
  addCompliance(app, { ...parts, screener });
  addClassicRoutes(app, { orders, readStatus: (id) => readStatus(database, id) });

  return {
    http,
    orders,
    async close() {
      await http.close();
      await unlisten();
      await own?.stop();
      await ring.close();
    },
  };
}

/** For an interface on its own, such as a test's: everything that needs the node says so. */
function withoutNode(): NonNullable<ApiParts['spends']> {
  const unreachable = new BitcoinRpcError('unreachable', 'there is no node here');
  return {
    node: { call: () => Promise.reject(unreachable) },
    listener: { async spendChanged() {} },
  };
}

async function readStoreName(tx: Tx, merchantId: Uuid): Promise<string> {
  const { name, settings } = await readMerchant(tx, merchantId);
  return settings.storeName ?? name;
}

async function readMaxGap(tx: Tx, merchantId: Uuid): Promise<number> {
  return (await readMerchant(tx, merchantId)).settings.maxAddressGap;
}

async function readRateRule(database: Database, merchantId: Uuid) {
  const { settings } = await database.asTenant(merchantId, (tx) => readMerchant(tx, merchantId));
  return settings.rateRule;
}

/** For who knows only the order's unguessable id. */
async function readStatus(database: Database, orderId: Uuid): Promise<OrderStatus | undefined> {
  return (await database.asPublic((tx) => readLiveState(tx, orderId)))?.status;
}
