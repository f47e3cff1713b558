import { randomFillSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreateOrder, Order } from '@quittance/contract';
import {
  type Clock,
  type Ids,
  type Random,
  type Sats,
  type Uuid,
  uuidV7Ids,
} from '@quittance/kernel';
import pg from 'pg';
import { readBalances, verifyJournal } from '../../apps/server/src/accounting/ledger/index.ts';
import { type Database, openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import { coinKeeper, coinsFollower } from '../../apps/server/src/paying/coins/index.ts';
import { addWallet } from '../../apps/server/src/receiving/addresses/index.ts';
import {
  type ChainSource,
  createBitcoindSource,
  startBitcoindDoorbells,
  startWatcher,
  type Watcher,
  type WatcherOptions,
  type ZmqEndpoints,
} from '../../apps/server/src/receiving/chain/index.ts';
import {
  createOrders,
  type OrderCreator,
  readOrder,
} from '../../apps/server/src/receiving/orders/index.ts';
import {
  defaultSettings,
  type MerchantSettings,
  readMerchant,
} from '../../apps/server/src/tenancy/merchants/index.ts';
import type { Regtest } from './regtest.ts';

const PUBLIC_URL = 'http://shop.test';
const PATIENCE_MS = 15_000;
const POLL_MS = 15;

/** The machine's clock, which a test may move. */
export type MovableClock = Clock & { move(ms: number): void };

export function movableClock(): MovableClock {
  let offsetMs = 0;
  return {
    nowMs: () => Date.now() + offsetMs,
    move(ms) {
      offsetMs += ms;
    },
  };
}

export type WatcherChanges = Partial<
  Pick<WatcherOptions, 'network' | 'startHeight' | 'clock' | 'followers' | 'database'>
> & {
  /** None: the mempool is polled. */
  zmq?: ZmqEndpoints | null;
  source?: (real: ChainSource) => ChainSource;
  bells?: (real: Parameters<WatcherOptions['startDoorbells']>[0]) => typeof real;
};

export type RecordedEvent = { type: string; orderId: Uuid; data: Record<string, unknown> };

/** The receiving side of a server on a real database and a real node, without HTTP. */
export interface Shop {
  readonly database: Database;
  readonly clock: MovableClock;
  readonly ids: Ids;
  readonly orders: OrderCreator;
  /** Runs SQL as the database's owner. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  addMerchant(settings?: Partial<MerchantSettings>, descriptor?: string): Promise<Uuid>;
  /** A fresh wallet's public descriptor. One that is named stays loaded in the node. */
  descriptor(walletName?: string): Promise<string>;
  order(merchantId: Uuid, amountBtc: string, more?: Partial<CreateOrder>): Promise<Order>;
  readOrder(order: { id: Uuid; merchantId: Uuid }): Promise<Order>;
  events(merchantId: Uuid): Promise<RecordedEvent[]>;
  /** Posted and pending amounts by account, in satoshis. */
  balances(merchantId: Uuid): Promise<Record<string, { posted: Sats; pending: Sats }>>;
  journalIsSound(merchantId: Uuid): Promise<boolean>;
  watch(changes?: WatcherChanges): Watcher;
  /** Waits until the watcher is live at the node's tip with nothing left to do. */
  caughtUp(watcher: Watcher): Promise<void>;
  /** Waits until an order is as told. */
  until(order: { id: Uuid; merchantId: Uuid }, wanted: Partial<Order>): Promise<Order>;
  close(): Promise<void>;
}

const random: Random = (target) => randomFillSync(target);

export function openShop(options: { ownerUrl: string; regtest: Regtest }): Shop {
  const { ownerUrl, regtest } = options;
  const database = openDatabase(roleUrls(ownerUrl));
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  owner.on('error', () => undefined);
  const clock = movableClock();
  const ids = uuidV7Ids(clock, random);
  const watchers = new Set<Watcher>();
  let wallets = 0;
  const orders = createOrders({
    database,
    clock,
    ids,
    publicUrl: PUBLIC_URL,
    rates: { quote: () => Promise.reject(new Error('these tests price in BTC')) },
    readMerchant,
  });

  const shop: Shop = {
    database,
    clock,
    ids,
    orders,
    async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
      return (await owner.query<Row>(text, values)).rows;
    },
    async addMerchant(settings = {}, descriptor) {
      const merchantId = ids.next();
      const now = new Date(clock.nowMs());
      await owner.query(
        `INSERT INTO merchant (id, name, settings, created_at, updated_at)
         VALUES ($1, 'Test store', $2, $3, $3)`,
        [merchantId, JSON.stringify({ ...defaultSettings, ...settings }), now],
      );
      const text = descriptor ?? (await shop.descriptor());
      await database.asTenant(merchantId, (tx) =>
        addWallet(tx, {
          merchantId,
          descriptor: text,
          network: 'regtest',
          ids,
          nowMs: clock.nowMs(),
        }),
      );
      return merchantId;
    },
    async descriptor(walletName) {
      const name = walletName ?? `merchant-${wallets++}-${clock.nowMs()}`;
      await regtest.rpc.call('createwallet', { wallet_name: name });
      type Listed = { descriptors: { desc: string; internal: boolean }[] };
      const { descriptors } = await regtest.rpc.walletCall<Listed>(name, 'listdescriptors');
      if (walletName === undefined) await regtest.rpc.walletCall(name, 'unloadwallet');
      const own = descriptors.find(({ desc, internal }) => desc.startsWith('wpkh(') && !internal);
      const key = /tpub[1-9A-HJ-NP-Za-km-z]+/.exec(own?.desc ?? '')?.[0];
      if (key === undefined) throw new Error('the node made no public descriptor');
      return `wpkh(${key}/<0;1>/*)`;
    },
    async order(merchantId, amount, more = {}) {
      const input = { amount, currency: 'BTC', ...more };
      return (await orders.create({ merchantId, input })).body;
    },
    async readOrder({ id, merchantId }) {
      const place = { publicUrl: PUBLIC_URL, storeName: 'Test store' };
      const order = await database.asTenant(merchantId, (tx) =>
        readOrder(tx, { merchantId, id }, place),
      );
      if (order === undefined) throw new Error(`there is no order ${id}`);
      return order;
    },
    async events(merchantId) {
      return await shop.sql<RecordedEvent>(
        `SELECT type, order_id AS "orderId", data FROM event WHERE merchant_id = $1
          ORDER BY transaction, seq`,
        [merchantId],
      );
    },
    async balances(merchantId) {
      const rows = await database.asTenant(merchantId, (tx) =>
        readBalances(tx, { bookId: merchantId }),
      );
      return Object.fromEntries(
        rows.map((row) => {
          const asset = row.kind === 'asset';
          const pending = asset
            ? row.debitsPending - row.creditsPending
            : row.creditsPending - row.debitsPending;
          return [row.code, { posted: row.posted / 1_000n, pending: pending / 1_000n }];
        }),
      );
    },
    async journalIsSound(merchantId) {
      return (await database.asSystem((tx) => verifyJournal(tx, { bookId: merchantId }))).ok;
    },
    watch(changes = {}) {
      const watcher = startWatcher(watcherOptions(shop, regtest, changes));
      watchers.add(watcher);
      return watcher;
    },
    async caughtUp(watcher) {
      await eventually('the watcher is at the tip', async () => {
        const tip = await regtest.rpc.call<string>('getbestblockhash');
        const { live, hash, queued, problem } = watcher.status();
        if (live && hash === tip && queued === 0) return true;
        return { live, hash, tip, queued, problem };
      });
    },
    async until(order, wanted) {
      let last: Order | undefined;
      await eventually(`the order is ${JSON.stringify(wanted)}`, async () => {
        last = await shop.readOrder(order);
        const read = last;
        return Object.entries(wanted).every(([name, value]) => Reflect.get(read, name) === value)
          ? true
          : Object.fromEntries(Object.keys(wanted).map((name) => [name, Reflect.get(read, name)]));
      });
      return last ?? shop.readOrder(order);
    },
    async close() {
      await Promise.all([...watchers].map((watcher) => watcher.stop()));
      await database.close();
      await owner.end();
    },
  };
  return shop;
}

function watcherOptions(shop: Shop, regtest: Regtest, changes: WatcherChanges): WatcherOptions {
  const { zmq: published } = regtest.node;
  const zmq =
    changes.zmq === undefined
      ? { rawtx: published.rawtx, hashblock: published.hashblock, sequence: published.sequence }
      : changes.zmq;
  const source = createBitcoindSource(regtest.rpc);
  return {
    network: changes.network ?? 'regtest',
    source: changes.source?.(source) ?? source,
    database: changes.database ?? shop.database,
    coins: coinKeeper,
    followers: [coinsFollower, ...(changes.followers ?? [])],
    clock: changes.clock ?? shop.clock,
    ids: shop.ids,
    random,
    startDoorbells: (bells) =>
      startBitcoindDoorbells({
        rpc: regtest.rpc,
        zmq: zmq ?? {},
        bells: changes.bells?.(bells) ?? bells,
      }),
    pushesTransactions: zmq !== null,
    ...(changes.startHeight === undefined ? {} : { startHeight: changes.startHeight }),
    log: {
      info: () => undefined,
      warn: () => undefined,
      error: (fields, message) => {
        if (process.env['QUITTANCE_TEST_LOG'] !== undefined) console.error(message, fields);
      },
    },
  };
}

/** Waits until `check` gives true; what it gave last is in the error when patience ends. */
export async function eventually(
  what: string,
  check: () => Promise<unknown>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const found = await check();
    if (found === true) return;
    if (performance.now() > endMs) {
      throw new Error(`waited in vain until ${what}: ${JSON.stringify(found)}`);
    }
    await sleep(POLL_MS);
  }
}
