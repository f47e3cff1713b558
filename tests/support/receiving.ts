import { randomFillSync } from 'node:crypto';
import type { CreateOrder, Order } from '@quittance/contract';
import { type Ids, manualClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { type Database, openDatabase, roleUrls } from '../../apps/server/src/platform/db/index.ts';
import { addWallet } from '../../apps/server/src/receiving/addresses/index.ts';
import { createOrders, type OrderCreator } from '../../apps/server/src/receiving/orders/index.ts';
import {
  defaultSettings,
  type MerchantSettings,
  readMerchant,
} from '../../apps/server/src/tenancy/merchants/index.ts';
import { createTestDatabase } from './postgres.ts';

/** Stores, wallets and orders on a real database, without a node and without HTTP. */
export interface Receiving {
  readonly ownerUrl: string;
  readonly database: Database;
  readonly clock: ReturnType<typeof manualClock>;
  readonly ids: Ids;
  readonly orders: OrderCreator;
  /** Runs SQL as the database's owner. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  addMerchant(settings?: Partial<MerchantSettings>): Promise<Uuid>;
  addWallet(merchantId: Uuid, descriptor: string): Promise<Uuid>;
  order(merchantId: Uuid, more?: Partial<CreateOrder>): Promise<Order>;
  close(): Promise<void>;
}

export async function openReceiving(): Promise<Receiving> {
  const testDatabase = await createTestDatabase();
  const { ownerUrl } = testDatabase;
  const database = openDatabase(roleUrls(ownerUrl));
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 4 });
  owner.on('error', () => undefined);
  const clock = manualClock(Date.UTC(2026, 0, 31, 12));
  const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
  const orders = createOrders({
    database,
    clock,
    ids,
    publicUrl: 'http://shop.test',
    rates: { quote: () => Promise.reject(new Error('these tests price in BTC')) },
    readMerchant,
  });
  return {
    ...{ ownerUrl, database, clock, ids, orders },
    async sql<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
      return (await owner.query<Row>(text, values)).rows;
    },
    async addMerchant(settings = {}) {
      const merchantId = ids.next();
      await owner.query(
        `INSERT INTO merchant (id, name, settings, created_at, updated_at)
         VALUES ($1, 'Test store', $2, $3, $3)`,
        [merchantId, JSON.stringify({ ...defaultSettings, ...settings }), new Date(clock.nowMs())],
      );
      return merchantId;
    },
    addWallet: (merchantId, descriptor) =>
      database.asTenant(merchantId, (tx) =>
        addWallet(tx, { merchantId, descriptor, network: 'regtest', ids, nowMs: clock.nowMs() }),
      ),
    async order(merchantId, more = {}) {
      const input = { amount: '0.001', currency: 'BTC', ...more };
      return (await orders.create({ merchantId, input })).body;
    },
    async close() {
      await database.close();
      await owner.end();
      await testDatabase.drop();
    },
  };
}
