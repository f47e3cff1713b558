import type { Network } from '@quittance/bitcoin';
import type { OrderView } from '@quittance/contract';
import type { Clock, Random, Uuid } from '@quittance/kernel';
import type { Database } from './platform/db/index.ts';
import type { HttpApp } from './platform/http/index.ts';
import { addCheckoutRoutes } from './receiving/checkout/index.ts';
import { findOrderMerchant, readLiveState, readOrderView } from './receiving/orders/index.ts';
import { registerLive } from './telling/live/index.ts';
import { type MerchantSettings, readMerchant } from './tenancy/merchants/index.ts';

export type PageParts = {
  database: Database;
  clock: Clock;
  random: Random;
  network: Network;
  socketsPerAddress: number;
  log: { warn(detail: object, message: string): void };
};

/** What payers see: the checkout with its receipt, and the socket that keeps it up to date. */
export async function addPayerPages(app: HttpApp, parts: PageParts): Promise<void> {
  const { database, clock, random, log } = parts;
  await addCheckoutRoutes(app, { random, readView: (orderId) => readView(parts, orderId) });
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
    const { name, settings } = await readMerchant(tx, merchantId);
    const { storeName, logoUrl, color, explorerTxUrl } = settings;
    const face = { name: storeName ?? name, logoUrl, color, explorerTxUrl };
    const place = { face, network: parts.network, nowMs: parts.clock.nowMs() };
    const view = await readOrderView(tx, orderId, place);
    return view === undefined ? undefined : { view, locale: settings.defaultLocale };
  });
}
