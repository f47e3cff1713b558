import type { Order } from '@quittance/contract';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  MERCHANT_AVAILABLE,
  postTransfers,
  transferId,
} from '../../apps/server/src/accounting/ledger/index.ts';
import type { Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import {
  broadcast,
  type Coin,
  makeCoins,
  mineWith,
  spend,
  takeBlocksOff,
} from '../support/coins.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop, type WatcherChanges } from '../support/shop.ts';

/** A busy machine needs its time for a node, a database and a dozen blocks. */
const PATIENCE = { timeout: 60_000 };

let regtest: Regtest;
let database: TestDatabase;
let shop: Shop;
let coins: Coin[];
const running = new Set<Watcher>();

beforeAll(async () => {
  [regtest, database] = await Promise.all([startRegtest(), createTestDatabase()]);
  shop = openShop({ ownerUrl: database.ownerUrl, regtest });
  coins = await makeCoins(regtest, 40);
}, PATIENCE.timeout);
afterAll(async () => {
  await shop.close();
  await database.drop();
  await regtest.stop();
}, PATIENCE.timeout);
afterEach(async () => {
  await Promise.all([...running].map((watcher) => watcher.stop()));
  running.clear();
});

function start(changes: WatcherChanges = {}): Watcher {
  const watcher = shop.watch(changes);
  running.add(watcher);
  return watcher;
}

async function watch(changes: WatcherChanges = {}): Promise<Watcher> {
  const watcher = start(changes);
  await shop.caughtUp(watcher);
  return watcher;
}

function coin(): Coin {
  const next = coins.pop();
  if (next === undefined) throw new Error('no coin is left: make more');
  return next;
}

const to = (order: Order, amountSats = 100_000n) => [{ address: order.address, amountSats }];

async function pay(order: Order) {
  const signed = await spend(regtest, coin(), to(order));
  await broadcast(regtest, signed);
  return signed;
}

async function newOrder(): Promise<Order> {
  return shop.order(await shop.addMerchant(), '0.001');
}

async function payments(order: Order): Promise<string[]> {
  const events = await shop.events(order.merchantId);
  return events.flatMap(({ type, orderId }) =>
    orderId === order.id && type.startsWith('order.payment_') ? [type.slice(14)] : [],
  );
}

test('a watcher that was stopped goes on where it was', PATIENCE, async () => {
  const first = await watch();
  const [seen, mined] = [await newOrder(), await newOrder()];
  await pay(seen);
  await shop.until(seen, { status: 'UNCONFIRMED' });
  await first.stop();
  await pay(mined);
  await regtest.mine(2);
  await watch();
  await shop.until(seen, { status: 'CONFIRMED' });
  await shop.until(mined, { status: 'CONFIRMED' });
  expect(await payments(seen)).toEqual(['seen', 'confirmed']);
  expect(await payments(mined)).toEqual(['seen', 'confirmed']);
});

test('pushes that were lost are made good by reading the mempool', PATIENCE, async () => {
  let lose = false;
  let gap: (reason: string) => void = () => undefined;
  await watch({
    bells(real) {
      gap = real.onGap;
      return { ...real, onTransaction: (raw) => (lose ? undefined : real.onTransaction(raw)) };
    },
  });
  lose = true;
  const order = await newOrder();
  await pay(order);
  gap('a message was dropped');
  await shop.until(order, { status: 'UNCONFIRMED' });
});

test('without pushes the mempool is polled', PATIENCE, async () => {
  await watch({ zmq: null });
  const order = await newOrder();
  const spent = coin();
  await broadcast(regtest, await spend(regtest, spent, to(order)));
  await shop.until(order, { status: 'UNCONFIRMED' });
  await broadcast(regtest, await spend(regtest, spent, [], { feeSats: 20_000n }));
  await shop.until(order, { status: 'PENDING' });
  await pay(order);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
});

test('a node that crashes and comes back keeps unconfirmed payments alive', PATIENCE, async () => {
  const watcher = await watch();
  const order = await newOrder();
  await pay(order);
  await shop.until(order, { status: 'UNCONFIRMED' });
  // Blocks are on its disk, its mempool is not; the payer is not there to send it again.
  await regtest.rpc.call('gettxoutsetinfo');
  await regtest.rpc.call('unloadwallet', ['payer', false]);
  await regtest.crashNode();
  await shop.caughtUp(watcher);
  const mempool = () => regtest.rpc.call<string[]>('getrawmempool');
  await expect.poll(mempool, { timeout: 20_000 }).toHaveLength(1);
  expect(await shop.readOrder(order)).toMatchObject({ status: 'UNCONFIRMED' });
  await regtest.rpc.call('loadwallet', ['payer', true]);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  expect(await payments(order)).toEqual(['seen', 'confirmed']);
});

test('a node that has to catch up does not undo payments', PATIENCE, async () => {
  let judged = 0;
  const behind = { yes: true };
  const watcher = await watch({
    source: (real) => ({
      ...real,
      async judge(hash) {
        judged += 1;
        return behind.yes ? 'known' : real.judge(hash);
      },
    }),
  });
  const order = await newOrder();
  await pay(order);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  const lost = await takeBlocksOff(regtest, 1);
  await eventually('it waits', async () => watcher.status().problem?.includes('catch up') === true);
  expect(watcher.status()).toMatchObject({ live: false, halted: false });
  expect(await shop.readOrder(order)).toMatchObject({ status: 'CONFIRMED' });
  await regtest.rpc.call('reconsiderblock', [lost]);
  await shop.caughtUp(watcher);
  expect(judged).toBeGreaterThan(0);
  expect(await payments(order)).toEqual(['seen', 'confirmed']);
  // Blocks that the node calls invalid are given up even though nothing replaces them yet.
  behind.yes = false;
  await takeBlocksOff(regtest, 1);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
});

test('a double spend that no push told of is found by asking', PATIENCE, async () => {
  let deaf = false;
  await watch({
    bells: (real) => ({
      ...real,
      onTransaction: (raw) => (deaf ? undefined : real.onTransaction(raw)),
    }),
  });
  const order = await newOrder();
  const spent = coin();
  await broadcast(regtest, await spend(regtest, spent, to(order)));
  await shop.until(order, { status: 'UNCONFIRMED' });
  deaf = true;
  const theft = await spend(regtest, spent, [], { feeSats: 20_000n });
  await broadcast(regtest, theft);
  const after = await shop.until(order, { status: 'PENDING' });
  expect(after.payments).toMatchObject([{ state: 'replaced', replacedByTxid: theft.txid }]);
});

test('a payment whose parent was double-spent is dropped, and counts when it is mined after all', {
  ...PATIENCE,
}, async () => {
  await watch();
  const order = await newOrder();
  const spent = coin();
  const between = await regtest.newAddress();
  const parent = await spend(regtest, spent, [], { change: between });
  await broadcast(regtest, parent);
  const child = { txid: parent.txid, vout: 0, amountSats: spent.amountSats - 2_000n };
  const paying = await spend(regtest, child, to(order));
  await broadcast(regtest, paying);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await broadcast(regtest, await spend(regtest, spent, [], { feeSats: 50_000n }));
  await shop.until(order, { status: 'PENDING', receivedSats: '0' });
  await mineWith(regtest, [parent, paying]);
  await shop.until(order, { status: 'CONFIRMED' });
  expect(await payments(order)).toEqual(['seen', 'dropped', 'seen', 'confirmed']);
});

test('a question that the chain moved under is asked again', PATIENCE, async () => {
  let moves = 2;
  let asking = false;
  await watch({
    source: (real) => ({
      ...real,
      async resubmit(raw) {
        asking = true;
        return real.resubmit(raw);
      },
      async tip() {
        const tip = await real.tip();
        const moved = asking && moves-- > 0;
        asking = false;
        return moved ? { ...tip, hash: 'f'.repeat(64) } : tip;
      },
    }),
  });
  const order = await newOrder();
  const spent = coin();
  const parent = await spend(regtest, spent, [], { change: await regtest.newAddress() });
  await broadcast(regtest, parent);
  const child = { txid: parent.txid, vout: 0, amountSats: spent.amountSats - 2_000n };
  await broadcast(regtest, await spend(regtest, child, to(order)));
  await shop.until(order, { status: 'UNCONFIRMED' });
  await mineWith(regtest, [await spend(regtest, spent, [], { feeSats: 50_000n })]);
  await shop.until(order, { status: 'PENDING', receivedSats: '0' });
  expect(moves).toBeLessThanOrEqual(0);
});

test('a payment that no mempool showed is found in its block', PATIENCE, async () => {
  await watch();
  const order = await newOrder();
  await mineWith(regtest, [await spend(regtest, coin(), to(order))]);
  await shop.until(order, { status: 'CONFIRMED' });
});

test(
  'a payment in time counts, though the order expired while nobody watched',
  PATIENCE,
  async () => {
    const first = await watch();
    const order = await newOrder();
    await first.stop();
    await pay(order);
    const hoursMs = 48 * 3_600_000;
    shop.clock.move(hoursMs);
    try {
      await watch();
      await shop.until(order, { status: 'UNCONFIRMED', receivedSats: '100000', lateSats: '0' });
      await eventually('it says that its time is over', async () => {
        return (await shop.readOrder(order)).expired;
      });
    } finally {
      shop.clock.move(-hoursMs);
    }
  },
);

test('a reorganisation below the block at which watching began is followed', PATIENCE, async () => {
  await shop.sql('DELETE FROM chain_cursor');
  await shop.sql('DELETE FROM chain_block');
  const height = await regtest.rpc.call<number>('getblockcount');
  const watcher = await watch({ startHeight: height + 1 });
  const order = await newOrder();
  await pay(order);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  await takeBlocksOff(regtest, 4);
  for (let i = 0; i < 5; i++) await mineWith(regtest, []);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await shop.caughtUp(watcher);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
});

test('a branch that takes over with a double spend in it replaces the payment of the other branch', {
  ...PATIENCE,
}, async () => {
  const first = await watch();
  const order = await newOrder();
  const spent = coin();
  const honest = await spend(regtest, spent, to(order));
  await mineWith(regtest, [honest]);
  await shop.until(order, { status: 'CONFIRMED' });
  await first.stop();
  await takeBlocksOff(regtest, 1);
  const theft = await spend(regtest, spent, [], { feeSats: 20_000n });
  await mineWith(regtest, [theft]);
  await mineWith(regtest, []);
  await watch();
  const after = await shop.until(order, { status: 'PENDING', receivedSats: '0' });
  expect(after.payments).toMatchObject([{ state: 'replaced', replacedByTxid: theft.txid }]);
});

test('a gap of days is caught up: each payment counts once, and a double spend in it is noticed', {
  ...PATIENCE,
}, async () => {
  const first = await watch();
  const spent = coin();
  const theft = await spend(regtest, spent, [], { feeSats: 20_000n });
  const stolen = await newOrder();
  await broadcast(regtest, await spend(regtest, spent, to(stolen)));
  await shop.until(stolen, { status: 'UNCONFIRMED' });
  await first.stop();
  const orders: Order[] = [];
  for (let part = 0; part < 4; part++) {
    const order = await newOrder();
    orders.push(order);
    const paid = await spend(regtest, coin(), to(order));
    await mineWith(regtest, part === 2 ? [paid, theft] : [paid]);
    for (let i = 0; i < 30; i++) await mineWith(regtest, []);
  }
  const last = await watch();
  for (const order of orders) {
    await shop.until(order, { status: 'CONFIRMED', confirmedSats: '100000' });
  }
  const after = await shop.until(stolen, { receivedSats: '0' });
  expect(after.payments).toMatchObject([{ state: 'replaced', replacedByTxid: theft.txid }]);
  const told = await Promise.all(orders.map((order) => payments(order)));
  expect(told).toEqual(told.map(() => ['seen', 'confirmed']));
  const oldest = orders[0] === undefined ? undefined : await shop.until(orders[0], {});
  expect(oldest?.payments).toMatchObject([{ state: 'final' }]);
  expect(last.status().height).toBe(await regtest.rpc.call<number>('getblockcount'));
});

test('an order that was made and paid before the first start is found', PATIENCE, async () => {
  await Promise.all([...running].map((watcher) => watcher.stop()));
  await shop.sql('DELETE FROM chain_cursor');
  await shop.sql('DELETE FROM chain_block');
  const order = await newOrder();
  await pay(order);
  await regtest.mine(2);
  await watch();
  await shop.until(order, { status: 'CONFIRMED' });
});

test('a database that goes away and comes back costs nothing', PATIENCE, async () => {
  const watcher = await watch();
  const orders = await Promise.all(Array.from({ length: 6 }, newOrder));
  const cut = () =>
    shop.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename <> current_user`,
    );
  for (const order of orders) {
    await Promise.all([pay(order), cut()]);
    await cut();
  }
  await regtest.mine(1);
  await cut();
  for (const order of orders) {
    await eventually('the order is confirmed', async () => {
      const read = await shop.readOrder(order).catch(() => undefined);
      return read?.status === 'CONFIRMED';
    });
    expect(await payments(order)).toEqual(['seen', 'confirmed']);
  }
  await shop.caughtUp(watcher);
});

test('two watchers at once apply everything once', PATIENCE, async () => {
  const both = [await watch(), await watch()];
  const orders = await Promise.all(Array.from({ length: 5 }, newOrder));
  for (const order of orders) {
    await pay(order);
    await regtest.mine(1);
    await shop.until(order, { status: 'CONFIRMED' });
  }
  const lost = await takeBlocksOff(regtest, 3);
  for (let i = 0; i < 4; i++) await mineWith(regtest, []);
  await regtest.mine(1);
  for (const order of orders) await shop.until(order, { status: 'CONFIRMED' });
  for (const watcher of both) await shop.caughtUp(watcher);
  for (const [i, order] of orders.entries()) {
    const once = ['seen', 'confirmed'];
    expect(await payments(order)).toEqual(i < 2 ? once : [...once, 'reorged', 'confirmed']);
    expect(await shop.journalIsSound(order.merchantId)).toBe(true);
    expect(await shop.balances(order.merchantId)).toMatchObject({
      'onchain.wallet': { posted: 100_000n, pending: 0n },
      'merchant.available': { posted: 100_000n },
    });
  }
  await regtest.rpc.call('reconsiderblock', [lost]);
});

test('a node of another network is refused in plain words, and nothing is written', {
  ...PATIENCE,
}, async () => {
  const watcher = start({ network: 'signet' });
  await eventually('it halts', async () => watcher.status().halted);
  expect(watcher.status().problem).toContain('the node is not on signet');
  expect(await shop.sql("SELECT 1 FROM chain_cursor WHERE network = 'signet'")).toEqual([]);
});

test('an address that somebody paid before an order had it is passed over', PATIENCE, async () => {
  await watch();
  const merchantId = await shop.addMerchant();
  const [first] = await shop.sql<{ address: string }>(
    'SELECT address FROM address WHERE merchant_id = $1 AND index = 0',
    [merchantId],
  );
  await regtest.sendTo(first?.address ?? '', 5_000n);
  await eventually('it is noted', async () => {
    const [row] = await shop.sql<{ foreign_use: boolean }>(
      'SELECT foreign_use FROM address WHERE merchant_id = $1 AND index = 0',
      [merchantId],
    );
    return row?.foreign_use;
  });
  const order = await shop.order(merchantId, '0.001');
  expect(order.address).not.toBe(first?.address);
  expect(await shop.readOrder(order)).toMatchObject({ receivedSats: '0' });
});

test('two stores with the same key never share an address', PATIENCE, async () => {
  const descriptor = await shop.descriptor();
  const stores = [await shop.addMerchant({}, descriptor), await shop.addMerchant({}, descriptor)];
  await watch();
  const orders: Order[] = [];
  for (let i = 0; i < 15; i++) {
    for (const store of stores) orders.push(await shop.order(store, '0.001'));
  }
  expect(new Set(orders.map(({ address }) => address)).size).toBe(orders.length);
  const last = orders.at(-1);
  if (last === undefined) throw new Error('there is a last order');
  await pay(last);
  await shop.until(last, { status: 'UNCONFIRMED' });
});

test('an order whose address was derived for it this very moment is seen when paid at once', {
  ...PATIENCE,
}, async () => {
  await watch();
  const merchantId = await shop.addMerchant();
  // More than the pool holds, so that addresses are derived while orders are made.
  for (let i = 0; i < 60; i++) {
    const order = await shop.order(merchantId, '0.001');
    if (i < 20 || i % 10 > 0) continue;
    await pay(order);
    await shop.until(order, { status: 'UNCONFIRMED' });
  }
});

test('a payment that leaves the chain after its money was paid out becomes a debt', {
  ...PATIENCE,
}, async () => {
  const watcher = await watch();
  const order = await newOrder();
  await pay(order);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  const amount = 100_000_000n;
  const paidOut = { code: 'test.paid_out', asset: 'BTC', kind: 'asset', floor: false } as const;
  const atMs = shop.clock.nowMs();
  await shop.database.asSystem((tx) =>
    postTransfers(tx, [
      {
        id: transferId('test-payout', order.id),
        bookId: order.merchantId,
        template: 'test-payout',
        phase: 'single',
        effectiveAtMs: atMs,
        recordedAtMs: atMs,
        reference: { orderId: order.id },
        legs: [
          { account: MERCHANT_AVAILABLE, direction: 'debit', amount },
          { account: paidOut, direction: 'credit', amount },
        ],
      },
    ]),
  );
  await takeBlocksOff(regtest, 1);
  await mineWith(regtest, []);
  await mineWith(regtest, []);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await shop.caughtUp(watcher);
  expect(await shop.balances(order.merchantId)).toMatchObject({
    'merchant.available': { posted: -100_000n },
  });
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  expect(await shop.balances(order.merchantId)).toMatchObject({
    'merchant.available': { posted: 0n },
  });
});
