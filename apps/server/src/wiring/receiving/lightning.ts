import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Network } from '@quittance/bitcoin';
import type { Clock, Ids, Random, Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import {
  type LightningNodePlace,
  lightningSocketOf,
  startLightningNodeProcess,
} from '../../platform/embedded/lightning-node.ts';
import type { Lifecycle } from '../../platform/lifecycle/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Loop } from '../../platform/loops/index.ts';
import type { Metrics } from '../../platform/metrics/index.ts';
import { openSealer, type Sealer } from '../../platform/sealing/index.ts';
import {
  backendsOpener,
  compareBalance,
  compareBalances,
  type Comparison,
  countNodes,
  followNodes,
  type InvoiceOffers,
  keepInvoices,
  LightningNodeError,
  type LightningNodes,
  observeNodes,
  offerInvoices,
  openNodes,
  type PaymentListener,
  systemBackends,
} from '../../receiving/lightning/index.ts';
import { readTipHeight } from '../../receiving/orders/index.ts';
import { ORDERS_CHANNEL } from '../../telling/live/index.ts';
import type { AlertDeps } from '../../telling/notifications/index.ts';
import { isGlobalUnicast } from '../../telling/webhooks/index.ts';
import { MERCHANTS_CHANNEL, readMerchant } from '../../tenancy/merchants/index.ts';

export type LightningOptions = {
  network: Network;
  /** Where the key lies with which nodes' credentials are sealed; made at the first start. */
  secretsKeyFile: string;
  /** Left out: no store can connect a node. */
  lightning?:
    | {
        /** The node that is started with this process; null: none is. */
        embedded: LightningNodePlace | null;
        /** Where another process's node is reached; null: at the one that is started here. */
        embeddedSocket?: string | null;
        /** Stores may connect nodes in the server's own network. */
        allowPrivateAddresses: boolean;
      }
    | undefined;
  clock: Clock;
  ids: Ids;
  random: Random;
  log: Logger;
  metrics: Metrics;
};

/** What receiving by Lightning shares, whatever of it runs in this process. */
export type Lightning = {
  nodes: LightningNodes;
  offers: InvoiceOffers;
  sealer: Sealer;
  refuseUrl(url: string): Promise<string | null>;
  /** Compares a store's node with its book now; null when it has none. */
  compare(merchantId: Uuid): Promise<Comparison | null>;
};

/** Opens what Lightning needs. No node is asked yet. */
export function openLightning(
  lifecycle: Lifecycle,
  options: LightningOptions,
  { database, alerts }: { database: Database; alerts: AlertDeps },
): Lightning {
  const { clock, ids, log, network, random } = options;
  const sealer = openSealer(options.secretsKeyFile);
  const embedded = options.lightning?.embedded ?? null;
  if (embedded !== null) {
    lifecycle.use('embedded lightning node', () => startLightningNodeProcess(embedded, log));
  }
  const elsewhere = options.lightning?.embeddedSocket ?? null;
  const embeddedSocket = embedded === null ? elsewhere : lightningSocketOf(embedded);
  const backends =
    options.lightning === undefined
      ? {}
      : systemBackends({ network, embeddedSocket, clock, random });
  const open = backendsOpener(backends);
  const nodes = openNodes({ database, sealer, open, clock, log });
  lifecycle.use('lightning nodes', async () => {
    await nodes.start();
    return { stop: () => nodes.stop() };
  });
  const offers = offerInvoices({ database, nodes, clock, ids, readStore, log });
  const isOpen = options.lightning?.allowPrivateAddresses === true;
  return {
    ...{ nodes, offers, sealer },
    refuseUrl: (url) => (isOpen ? allow() : refusePrivate(url)),
    compare: (id) => compareBalance({ database, nodes, clock, alerts, sleep }, id),
  };
}

/** What a worker does: follows nodes' events, keeps invoices in step, looks after nodes' health. */
export function useLightning(
  lifecycle: Lifecycle,
  options: LightningOptions,
  parts: {
    database: Database;
    lightning: Lightning;
    loops: Loop[];
    alerts: AlertDeps;
    listener: PaymentListener;
  },
): void {
  const { database, lightning, loops, alerts, listener } = parts;
  const { clock, ids, log, metrics } = options;
  const common = { database, nodes: lightning.nodes, clock, ids, log, readTipHeight };
  const onEvents = (type: string, count: number) =>
    metrics.count('quittance_lightning_events_total', { type }, count);
  const bells = { ordersChannel: ORDERS_CHANNEL, merchantsChannel: MERCHANTS_CHANNEL };
  const starts: [string, () => Loop][] = [
    ['lightning events', () => followNodes({ ...common, listener, onEvents })],
    ['lightning invoices', () => keepInvoices({ ...common, ...bells })],
    ['lightning health', () => observeNodes({ ...common, alerts })],
    ['lightning balances', () => compareBalances({ ...common, alerts, sleep })],
  ];
  for (const [name, start] of starts) {
    lifecycle.use(name, () => {
      const loop = start();
      loops.push(loop);
      return loop;
    });
  }
  metrics.registerSource('lightning', async () => {
    const states = await database.asSystem(countNodes);
    return Object.entries(states).map(([state, value]) => ({
      name: 'quittance_lightning_nodes' as const,
      labels: { state },
      value,
    }));
  });
}

/** Nobody pays by Lightning here yet: what nodes say of payments that were sent is recorded only. */
export const noPayments: PaymentListener = { async paymentEnded() {} };

/** For an interface on its own, such as a test's: no store has a node. */
export function withoutLightning(): Omit<Lightning, 'sealer' | 'compare'> {
  const unsupported = () => {
    throw new LightningNodeError('unsupported', 'this process opens no Lightning nodes');
  };
  const nodes: LightningNodes = {
    nodeOf: async () => null,
    connectionOf: async () => null,
    open: async () => unsupported(),
    seal: unsupported,
    forget() {},
    async start() {},
    async stop() {},
  };
  const offers: InvoiceOffers = { offer: async () => ({ invoice: null, because: 'no_node' }) };
  return { nodes, offers, refuseUrl: allow };
}

async function readStore(
  tx: Parameters<typeof readMerchant>[0],
  merchantId: Parameters<typeof readMerchant>[1],
) {
  const { name, settings } = await readMerchant(tx, merchantId);
  return { name: settings.storeName ?? name, lightning: settings.lightning };
}

async function allow(): Promise<string | null> {
  return null;
}

/**
 * A store names the address of its node, and the server connects to it: without the operator's leave
 * it may not reach into the server's own network (webhook-ssrf).
 */
async function refusePrivate(text: string): Promise<string | null> {
  const host = new URL(text).hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await resolve(host) : [host];
  if (addresses.length === 0) return `${host} has no address`;
  return addresses.every(isGlobalUnicast)
    ? null
    : `${host} is not a public address (setting lightning.allowPrivateAddresses)`;
}

async function resolve(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}
