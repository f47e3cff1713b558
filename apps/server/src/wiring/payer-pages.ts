import { setTimeout as sleep } from 'node:timers/promises';
import { type Network, verifyMessage } from '@quittance/bitcoin';
import type { OrderView } from '@quittance/contract';
import { type Clock, type Ids, MSATS_PER_SAT, type Random, type Uuid } from '@quittance/kernel';
import { drawQuotes } from './paying/drawing.ts';
import type { Lightning } from './receiving/lightning.ts';
import { addPullPages } from '../paying/pull-payments/index.ts';
import { refuseRefundsOfBlocked } from '../compliance/customers/index.ts';
import { addClaimRoutes, payByPayouts, refundsListener } from '../paying/refunds/index.ts';
import type { Database, Tx } from '../platform/db/index.ts';
import type { HttpApp } from '../platform/http/index.ts';
import { addCheckoutRoutes } from '../receiving/checkout/index.ts';
import { readOffersOfInvoices, readOpenOfOrders } from '../receiving/lightning/index.ts';
import {
  findOrderMerchant,
  type OpenInvoice,
  readLiveState,
  readOrderView,
} from '../receiving/orders/index.ts';
import type { Rates } from '../receiving/rates/index.ts';
import { notifyOrders } from '../receiving/payments/index.ts';
import { registerLive } from '../telling/live/index.ts';
import { type MerchantSettings, readMerchant } from '../tenancy/merchants/index.ts';

export type PageParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  socketsPerAddress: number;
  log: { warn(detail: object, message: string): void };
  /** Invoices for who wants to pay by Lightning; absent: nobody can. */
  lightning?: Pick<Lightning, 'offers'> | undefined;
  /** For pages of pull payments; absent: there are none. */
  drawing?: { publicUrl: string; rates: Pick<Rates, 'quote'> } | undefined;
};

/**
 * A page waits so long for the node to make an invoice: longer than a node takes that is well, and
 * shorter than a person minds. What comes later reaches the open page by its bell.
 */
const INVOICE_WITHIN_MS = 1_500;

/**
 * What payers see: the checkout with its receipt, the socket that keeps it up to date, and the page
 * on which a refund is claimed.
 */
export async function addPayerPages(app: HttpApp, parts: PageParts): Promise<void> {
  const { database, clock, random, log } = parts;
  const { network } = parts;
  const assets = await addCheckoutRoutes(app, {
    random,
    readView: (orderId) => readView(parts, orderId),
  });
  await addClaimRoutes(app, {
    ...{ database, clock, random, network, ids: parts.ids },
    assets: { scriptUrl: assets.refundScriptUrl, styleUrl: assets.styleUrl },
    payouts: refuseRefundsOfBlocked(payByPayouts({ network, listener: refundsListener })),
    readSettings: async (tx, id) => (await readMerchant(tx, id)).settings,
    readFace,
    readLocale: async (tx, id) => (await readMerchant(tx, id)).settings.defaultLocale,
    verifyProof: (signed) => verifyMessage({ ...signed, network }).ok,
  });
  if (parts.drawing !== undefined) {
    const { publicUrl, rates } = parts.drawing;
    addPullPages(app, {
      ...{ database, clock, random, network, ids: parts.ids, publicUrl },
      styleUrl: assets.styleUrl,
      quoteFor: drawQuotes({ rates, readRateRule: (id) => readRateRule(database, id) }),
      readFace: readFaceAndLocale,
    });
  }
  await registerLive(app, {
    database,
    clock,
    log,
    readFrame: (orderId) =>
      database.asPublic(async (tx) => (await readLiveState(tx, orderId)) ?? null),
    limits: { maxSocketsPerAddress: parts.socketsPerAddress },
  });
}

type Found = {
  merchantId: Uuid;
  view: OrderView;
  locale: MerchantSettings['defaultLocale'];
};

/** For who knows only the order's unguessable id. */
async function readView(parts: PageParts, orderId: Uuid): Promise<Found | undefined> {
  const found = await readNow(parts, orderId);
  if (found === undefined || !(await isOffered(parts, orderId, found))) return found;
  return await readNow(parts, orderId);
}

async function readNow(parts: PageParts, orderId: Uuid): Promise<Found | undefined> {
  return parts.database.asPublic(async (tx) => {
    const merchantId = await findOrderMerchant(tx, orderId);
    if (merchantId === undefined) return undefined;
    const { settings } = await readMerchant(tx, merchantId);
    const face = await readFace(tx, merchantId);
    const place = { face, network: parts.network, nowMs: parts.clock.nowMs(), readInvoices };
    const view = await readOrderView(tx, orderId, place);
    return view === undefined ? undefined : { merchantId, view, locale: settings.defaultLocale };
  });
}

/**
 * Whether an order that somebody is about to pay has a new invoice. Nobody waits for a slow node: then
 * the page is shown without, and its bell rings when the invoice is there.
 */
async function isOffered(
  parts: PageParts,
  orderId: Uuid,
  { merchantId, view }: Found,
): Promise<boolean> {
  const { lightning, log } = parts;
  const isWanted = view.status === 'PENDING' || view.status === 'UNDERPAID';
  if (lightning === undefined || !isWanted || view.expired || view.lightning !== null) return false;
  let isWaiting = true;
  const offered = lightning.offers.offer({ merchantId, orderId }).then(
    async ({ invoice }) => {
      if (invoice !== null && !isWaiting) await ringOrder(parts, orderId);
      return invoice !== null;
    },
    (error: unknown) => {
      log.warn({ error, orderId }, 'an order has no Lightning invoice');
      return false;
    },
  );
  const isThere = await Promise.race([offered, sleep(INVOICE_WITHIN_MS, false, { ref: false })]);
  isWaiting = false;
  return isThere;
}

/** Rings for open pages of an order that has not changed itself. */
async function ringOrder({ database }: PageParts, orderId: Uuid): Promise<void> {
  await database.asPublic(async (tx) => {
    const state = await readLiveState(tx, orderId);
    if (state === undefined) return;
    const { status, version, timestamp } = state;
    await notifyOrders(tx, [{ orderId, status, version, atMs: Date.parse(timestamp) }]);
  });
}

/** The open Lightning invoices of some orders, as orders show them. */
export async function readInvoices(
  tx: Tx,
  orderIds: readonly Uuid[],
): Promise<Map<Uuid, OpenInvoice>> {
  const open = await readOpenOfOrders(tx, orderIds);
  const offers = await readOffersOfInvoices(
    tx,
    [...open.values()].map(({ id }) => id),
  );
  return new Map(
    [...open].map(([orderId, { id, bolt11, paymentHash, amountMsat, expiresAtMs }]) => {
      const amountSats = (amountMsat ?? 0n) / MSATS_PER_SAT;
      const offer = offers.get(id) ?? null;
      return [orderId, { bolt11, offer, paymentHash, amountSats, expiresAtMs }];
    }),
  );
}

async function readRateRule(database: Database, merchantId: Uuid) {
  return await database.asPublic(
    async (tx) => (await readMerchant(tx, merchantId)).settings.rateRule,
  );
}

async function readFaceAndLocale(tx: Tx, merchantId: Uuid) {
  const { name, settings } = await readMerchant(tx, merchantId);
  const { storeName, logoUrl, color, defaultLocale: locale } = settings;
  return { name: storeName ?? name, logoUrl, color, locale };
}

/** How a store shows itself to its payers. */
async function readFace(tx: Tx, merchantId: Uuid) {
  const { name, settings } = await readMerchant(tx, merchantId);
  const { storeName, logoUrl, color, explorerTxUrl } = settings;
  return { name: storeName ?? name, logoUrl, color, explorerTxUrl };
}
