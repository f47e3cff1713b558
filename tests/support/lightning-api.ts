import { mkdtempSync, rmSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { noPayments } from '../../apps/server/src/wiring/receiving/lightning.ts';
import { addPayerPages } from '../../apps/server/src/wiring/payer-pages.ts';
import type { Database } from '../../apps/server/src/platform/db/index.ts';
import type { Loop } from '../../apps/server/src/platform/loops/index.ts';
import { openSealer } from '../../apps/server/src/platform/sealing/index.ts';
import {
  compareBalance,
  followNodes,
  keepInvoices,
  type LightningNode,
  type LightningNodes,
  LightningNodeError,
  observeNodes,
  offerInvoices,
  openNodes,
} from '../../apps/server/src/receiving/lightning/index.ts';
import { readTipHeight } from '../../apps/server/src/receiving/orders/index.ts';
import { ORDERS_CHANNEL } from '../../apps/server/src/telling/live/index.ts';
import { audienceReader } from '../../apps/server/src/telling/notifications/index.ts';
import { MERCHANTS_CHANNEL, readMerchant } from '../../apps/server/src/tenancy/merchants/index.ts';
import { startTestApi, type TestApi } from './api.ts';

/** The HTTP interface and payers' pages with Lightning, on any node that a test has. */
export type LightningApi = TestApi & {
  nodes: LightningNodes;
  /** What the worker does; started by the test, so that it can look at what was before. */
  startWorker(): Loop[];
};

export async function startLightningApi(options: {
  ownerUrl: string;
  clock?: Clock;
  /** The node behind an address, by the URL's host name. */
  nodeAt(host: string): LightningNode | undefined;
}): Promise<LightningApi> {
  const { clock = systemClock } = options;
  const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
  const folder = mkdtempSync(join(tmpdir(), 'quittance-lightning-'));
  const log = { warn() {}, info() {}, error() {} };
  const loops: Loop[] = [];
  let nodes: LightningNodes | undefined;

  function open(database: Database) {
    nodes = openNodes({
      ...{ database, clock, log, sealer: openSealer(join(folder, 'secrets.key')) },
      open(connection) {
        const host = 'url' in connection ? new URL(connection.url).hostname : connection.kind;
        const node = options.nodeAt(host);
        if (node !== undefined) return node;
        throw new LightningNodeError('unreachable', 'nobody is there');
      },
    });
    const readStore = async (
      tx: Parameters<typeof readMerchant>[0],
      id: Parameters<typeof readMerchant>[1],
    ) => {
      const { name, settings } = await readMerchant(tx, id);
      return { name, lightning: settings.lightning };
    };
    const offers = offerInvoices({ database, nodes, clock, ids, log, readStore });
    const opened = nodes;
    const readAudience = audienceReader({ readMerchant, operatorEmails: undefined });
    const compared = { database, nodes, clock, alerts: { clock, ids, readAudience }, sleep };
    return {
      ...{ nodes: opened, offers, refuseUrl: async () => null },
      compare: (id: Uuid) => compareBalance(compared, id),
    };
  }

  let parts: ReturnType<typeof open> | undefined;
  const api = await startTestApi({
    ...options,
    lightning(database) {
      parts = open(database);
      return parts;
    },
    async addRoutes({ app }, database) {
      const random = (target: Uint8Array) => randomFillSync(target);
      const pages = { database, clock, ids, random, log, network: 'regtest' } as const;
      await addPayerPages(app, { ...pages, socketsPerAddress: 100, lightning: parts });
    },
  });
  if (nodes === undefined) throw new Error('the interface opens Lightning');
  const opened = nodes;
  await opened.start();
  return {
    ...api,
    nodes: opened,
    startWorker() {
      const common = { database: api.database, nodes: opened, clock, ids, log, readTipHeight };
      const readAudience = audienceReader({ readMerchant, operatorEmails: undefined });
      loops.push(
        followNodes({ ...common, listener: noPayments }),
        keepInvoices({
          ...common,
          ordersChannel: ORDERS_CHANNEL,
          merchantsChannel: MERCHANTS_CHANNEL,
        }),
        observeNodes({ ...common, alerts: { clock, ids, readAudience } }),
      );
      return loops;
    },
    async close() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await opened.stop();
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
