import { type Network, verifyMessage } from '@quittance/bitcoin';
import type { OrderView } from '@quittance/contract';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import { addClaimRoutes, payByPayouts, refundsListener } from './paying/refunds/index.ts';
import type { Database, Tx } from './platform/db/index.ts';
import type { HttpApp } from './platform/http/index.ts';
import { addCheckoutRoutes } from './receiving/checkout/index.ts';
import { findOrderMerchant, readLiveState, readOrderView } from './receiving/orders/index.ts';
import { registerLive } from './telling/live/index.ts';
import { type MerchantSettings, readMerchant } from './tenancy/merchants/index.ts';

export type PageParts = {
  database: Database;
  clock: Clock;
  ids: Ids;
  random: Random;
  network: Network;
  socketsPerAddress: number;
  log: { warn(detail: object, message: string): void };
};

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
    payouts: payByPayouts({ network, listener: refundsListener }),
    readSettings: async (tx, id) => (await readMerchant(tx, id)).settings,
    readFace,
    readLocale: async (tx, id) => (await readMerchant(tx, id)).settings.defaultLocale,
    verifyProof: (signed) => verifyMessage({ ...signed, network }).ok,
  });
  await registerLive(app, {
    database,
    clock,
    log,
    readFrame: (orderId) =>
      database.asPublic(async (tx) => (await readLiveState(tx, orderId)) ?? null),
    limits: { maxSocketsPerAddress: parts.socketsPerAddress },
  });
}

/** For who knows only the order's unguessable id. */
async function readView(
  parts: PageParts,
  orderId: Uuid,
): Promise<{ view: OrderView; locale: MerchantSettings['defaultLocale'] } | undefined> {
  return parts.database.asPublic(async (tx) => {
    const merchantId = await findOrderMerchant(tx, orderId);
    if (merchantId === undefined) return undefined;
    const { settings } = await readMerchant(tx, merchantId);
    const face = await readFace(tx, merchantId);
    const place = { face, network: parts.network, nowMs: parts.clock.nowMs() };
    const view = await readOrderView(tx, orderId, place);
    return view === undefined ? undefined : { view, locale: settings.defaultLocale };
  });
}

/** How a store shows itself to its payers. */
async function readFace(tx: Tx, merchantId: Uuid) {
  const { name, settings } = await readMerchant(tx, merchantId);
  const { storeName, logoUrl, color, explorerTxUrl } = settings;
  return { name: storeName ?? name, logoUrl, color, explorerTxUrl };
}
