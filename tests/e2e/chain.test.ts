import { randomBytes } from 'node:crypto';
import type { Order } from '@quittance/contract';
import { formatBtc } from '@quittance/kernel';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readWallets } from '../../apps/server/src/receiving/addresses/index.ts';
import type { Doorbells, Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import {
  acceptLatePayment,
  cancelOrder,
  createOrders,
} from '../../apps/server/src/receiving/orders/index.ts';
import { readMerchant } from '../../apps/server/src/tenancy/merchants/index.ts';
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
const PATIENCE_MS = 60_000;

let regtest: Regtest;
let database: TestDatabase;
let shop: Shop;
let coins: Coin[];
let watcher: Watcher | undefined;

beforeAll(async () => {
  [regtest, database] = await Promise.all([startRegtest(), createTestDatabase()]);
  shop = openShop({ ownerUrl: database.ownerUrl, regtest });
  coins = await makeCoins(regtest, 40);
}, PATIENCE_MS);
afterAll(async () => {
  await shop.close();
  await database.drop();
  await regtest.stop();
}, PATIENCE_MS);
afterEach(async () => {
  await watcher?.stop();
  watcher = undefined;
});

async function watch(changes: WatcherChanges = {}): Promise<Watcher> {
  const started = shop.watch(changes);
  watcher = started;
  await shop.caughtUp(started);
  return started;
}

function coin(): Coin {
  const next = coins.pop();
  if (next === undefined) throw new Error('no coin is left: make more');
  return next;
}

async function pay(order: Order, amountSats: bigint) {
  const signed = await spend(regtest, coin(), [{ address: order.address, amountSats }]);
  await broadcast(regtest, signed);
  return signed;
}

async function told(order: Order): Promise<string[]> {
  const events = await shop.events(order.merchantId);
  return events
    .filter(({ orderId }) => orderId === order.id)
    .map(({ type, data }) => `${type.replace('order.', '')} ${String(data['status'])}`);
}

test('a payment is seen, confirmed, booked and told', { timeout: PATIENCE_MS }, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001');
  const txid = await regtest.sendTo(order.address, 100_000n);
  const seen = await shop.until(order, { status: 'UNCONFIRMED', receivedSats: '100000' });
  expect(seen.payments).toMatchObject([{ txid, state: 'seen', amountSats: '100000' }]);
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 0n, pending: 100_000n },
  });
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED', confirmedSats: '100000' });
  expect(await shop.balances(merchantId)).toEqual({
    'onchain.wallet': { posted: 100_000n, pending: 0n },
    'receipts.unapplied': { posted: 0n, pending: 0n },
    'merchant.available': { posted: 100_000n, pending: 0n },
  });
  expect(await told(order)).toEqual([
    'created PENDING',
    'payment_seen UNCONFIRMED',
    'status_changed UNCONFIRMED',
    'payment_confirmed CONFIRMED',
    'status_changed CONFIRMED',
  ]);
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});

test('two-blocks-between-polls: every block since the last processed one is read', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  let held: { height: number; hash: string } | undefined;
  await watch({
    source: (real) => ({ ...real, tip: async () => held ?? (await real.tip()) }),
  });
  held = {
    height: await regtest.rpc.call<number>('getblockcount'),
    hash: await regtest.rpc.call<string>('getbestblockhash'),
  };
  const orders = [];
  for (let i = 0; i < 3; i++) {
    const order = await shop.order(merchantId, '0.0001');
    const signed = await spend(regtest, coin(), [{ address: order.address, amountSats: 10_000n }]);
    await mineWith(regtest, [signed]);
    orders.push(order);
  }
  await regtest.mine(1);
  const before = held.height;
  held = undefined;
  for (const [i, order] of orders.entries()) {
    const paid = await shop.until(order, { status: 'CONFIRMED' });
    expect(paid.payments).toMatchObject([{ height: before + 1 + i }]);
  }
  const connected = await shop.sql<{ height: number }>(
    "SELECT height FROM chain_event WHERE kind = 'block_connected' AND height > $1 ORDER BY id",
    [before],
  );
  expect(connected.map(({ height }) => height)).toEqual([1, 2, 3, 4].map((n) => before + n));
});

test('processed-set-cleared: what is pushed and read again and again happens once', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  const pushed: Uint8Array[] = [];
  let bells: Doorbells | undefined;
  const repeat: WatcherChanges = {
    bells(real) {
      bells = real;
      return {
        ...real,
        onTransaction(raw) {
          pushed.push(raw);
          for (let i = 0; i < 3; i++) real.onTransaction(raw);
        },
      };
    },
  };
  const again = async () => {
    for (const raw of pushed) bells?.onTransaction(raw);
    bells?.onGap('a test asks for it');
    if (watcher !== undefined) await shop.caughtUp(watcher);
  };
  await watch(repeat);
  const order = await shop.order(merchantId, '0.0001');
  const { txid } = await pay(order, 10_000n);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await again();
  await watcher?.stop();
  await watch(repeat);
  await again();
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  await again();
  await watcher?.stop();
  await watch(repeat);
  await again();
  const events = await shop.sql<{ kind: string }>(
    'SELECT kind FROM chain_event WHERE txid = $1 ORDER BY id',
    [Buffer.from(txid, 'hex').reverse()],
  );
  expect(events.map(({ kind }) => kind)).toEqual(['transaction_seen', 'transaction_included']);
  expect((await told(order)).filter((line) => line.startsWith('payment'))).toHaveLength(2);
  expect(await shop.readOrder(order)).toMatchObject({
    confirmedSats: '10000',
    status: 'CONFIRMED',
  });
});

test('reorg-after-settled: a confirmed order falls back, is told, and settles again', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  const running = await watch();
  const order = await shop.order(merchantId, '0.02');
  const signed = await pay(order, 2_000_000n);
  await shop.until(order, { status: 'UNCONFIRMED' });
  await regtest.mine(3);
  await shop.until(order, { status: 'CONFIRMED' });
  const lost = await takeBlocksOff(regtest, 3);
  for (let i = 0; i < 4; i++) await mineWith(regtest, []);
  await shop.until(order, { status: 'UNCONFIRMED', confirmedSats: '0', receivedSats: '2000000' });
  expect(await shop.balances(merchantId)).toEqual({
    'onchain.wallet': { posted: 0n, pending: 2_000_000n },
    'receipts.unapplied': { posted: 0n, pending: 2_000_000n },
    'merchant.available': { posted: 0n, pending: 0n },
  });
  await mineWith(regtest, [signed]);
  await regtest.mine(2);
  await shop.until(order, { status: 'CONFIRMED', confirmedSats: '2000000' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 2_000_000n, pending: 0n },
    'merchant.available': { posted: 2_000_000n, pending: 0n },
  });
  expect((await told(order)).slice(3)).toEqual([
    'payment_confirmed CONFIRMED',
    'status_changed CONFIRMED',
    'payment_reorged UNCONFIRMED',
    'status_changed UNCONFIRMED',
    'payment_confirmed CONFIRMED',
    'status_changed CONFIRMED',
  ]);
  await regtest.rpc.call('reconsiderblock', [lost]);
  await shop.caughtUp(running);
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});

test('double-spend-replaced: a replacement without any flag is noticed and told', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001');
  const spent = coin();
  const honest = await spend(regtest, spent, [{ address: order.address, amountSats: 100_000n }]);
  await broadcast(regtest, honest);
  await shop.until(order, { status: 'UNCONFIRMED' });
  const theft = await spend(regtest, spent, [], { feeSats: 20_000n });
  await broadcast(regtest, theft);
  const after = await shop.until(order, { status: 'PENDING', receivedSats: '0' });
  expect(after.payments).toMatchObject([{ state: 'replaced', replacedByTxid: theft.txid }]);
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 0n, pending: 0n },
  });
  expect((await told(order)).slice(3)).toEqual([
    'payment_replaced PENDING',
    'status_changed PENDING',
  ]);
  // The bump of the thief's own transaction is no news to this order.
  await broadcast(regtest, await spend(regtest, spent, [], { feeSats: 60_000n }));
  await regtest.mine(1);
  if (watcher !== undefined) await shop.caughtUp(watcher);
  expect(await told(order)).toHaveLength(5);
});

test('a fee bump moves the payment without the order looking unpaid for a moment', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001');
  const spent = coin();
  const outputs = [{ address: order.address, amountSats: 100_000n }];
  await broadcast(regtest, await spend(regtest, spent, outputs));
  await shop.until(order, { status: 'UNCONFIRMED' });
  const bumped = await spend(regtest, spent, outputs, { feeSats: 20_000n });
  await broadcast(regtest, bumped);
  await eventually('the bump is taken in', async () => {
    const { payments } = await shop.readOrder(order);
    return payments.some(({ txid, state }) => txid === bumped.txid && state === 'seen');
  });
  expect(await shop.readOrder(order)).toMatchObject({ receivedSats: '100000' });
  expect((await told(order)).slice(3)).toEqual([
    'payment_seen UNCONFIRMED',
    'payment_replaced UNCONFIRMED',
  ]);
});

test('catch-up-sees-only-unspent: a payment that was spent on during downtime is found', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant({}, await shop.descriptor('spending-merchant'));
  await (await watch()).stop();
  const order = await shop.order(merchantId, '0.001');
  await pay(order, 100_000n);
  await regtest.mine(1);
  await regtest.rpc.walletCall('spending-merchant', 'sendtoaddress', {
    address: await regtest.newAddress(),
    amount: formatBtc(90_000n),
    fee_rate: 2,
  });
  await regtest.mine(1);
  await watch();
  expect(await shop.readOrder(order)).toMatchObject({ status: 'CONFIRMED' });
});

test('mempool-flood: pushes beyond the bound are let go, and the payment among them is found', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  const junk = await junkTransaction();
  let flooded = false;
  let most = 0;
  const running = await watch({
    bells: (real) => ({
      ...real,
      onTransaction(raw) {
        real.onTransaction(raw);
        if (flooded) return;
        flooded = true;
        // All of this comes in one turn of the event loop, before the watcher can look.
        for (let i = 0; i < 30_000; i++) {
          real.onTransaction(junk);
          most = Math.max(most, running.status().queued);
        }
      },
    }),
  });
  const order = await shop.order(merchantId, '0.001');
  await pay(order, 100_000n);
  await shop.until(order, { status: 'UNCONFIRMED' });
  expect(flooded).toBe(true);
  expect(most).toBeLessThanOrEqual(20_000);
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
});

/** A real transaction that touches nothing of ours. */
async function junkTransaction(): Promise<Uint8Array> {
  const { hex } = await spend(regtest, coin(), []);
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

test('late-payment-lost: money after the expiry is recorded, told, held and can be accepted', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001', { expiresInSeconds: 3_600 });
  shop.clock.move(3_700_000);
  await shop.until(order, { status: 'EXPIRED', expired: true });
  await pay(order, 100_000n);
  await shop.until(order, { status: 'EXPIRED', lateSats: '100000', receivedSats: '0' });
  await regtest.mine(1);
  await eventually('it is confirmed', async () => {
    const { payments } = await shop.readOrder(order);
    return payments[0]?.state === 'confirmed';
  });
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 100_000n },
    'receipts.unapplied': { posted: 100_000n },
  });
  const now = { ids: shop.ids, nowMs: shop.clock.nowMs() };
  await shop.database.asTenant(merchantId, (tx) => acceptLatePayment(tx, order, now));
  await shop.until(order, { status: 'CONFIRMED', lateSats: '0', confirmedSats: '100000' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'receipts.unapplied': { posted: 0n },
    'merchant.available': { posted: 100_000n },
  });
  expect((await told(order)).map((line) => line.split(' ')[0])).toEqual([
    ...['created', 'expired', 'status_changed'],
    ...['payment_late', 'payment_confirmed', 'status_changed'],
  ]);
  // The clock jumps back: later orders are not touched by it.
  shop.clock.move(-3_700_000);
  const next = await shop.order(merchantId, '0.001');
  await pay(next, 100_000n);
  await shop.until(next, { status: 'UNCONFIRMED', expired: false });
});

test('overpaid-never-confirms: too much confirms, and the excess is booked apart', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001');
  await pay(order, 60_000n);
  await shop.until(order, { status: 'UNDERPAID', remainingSats: '40000' });
  await pay(order, 90_000n);
  await shop.until(order, { status: 'UNCONFIRMED', excessSats: '50000' });
  await regtest.mine(1);
  await shop.until(order, { status: 'OVERPAID', confirmedSats: '150000' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'onchain.wallet': { posted: 150_000n },
    'receipts.unapplied': { posted: 0n },
    'merchant.available': { posted: 100_000n },
    'customer.excess': { posted: 50_000n },
  });
});

test('gap-limit-hides-funds: the gap is bounded, shown, and closed by a payment', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant({ maxAddressGap: 25 });
  await watch();
  const wallet = async () => {
    const [first] = await shop.database.asTenant(merchantId, (tx) =>
      readWallets(tx, { merchantId, maxGap: 25 }),
    );
    return first?.gap;
  };
  const orders = [];
  for (let i = 0; i < 25; i++) orders.push(await shop.order(merchantId, '0.0001'));
  expect(await wallet()).toEqual({ current: 25, bound: 25, walletGapLimit: 26 });
  await expect(shop.order(merchantId, '0.0001')).rejects.toMatchObject({
    code: 'address_gap_exceeded',
  });
  const last = orders.at(-1);
  if (last === undefined) throw new Error('there is a last order');
  await pay(last, 10_000n);
  await shop.until(last, { status: 'UNCONFIRMED' });
  expect(await wallet()).toMatchObject({ current: 0, walletGapLimit: 20 });
  await shop.order(merchantId, '0.0001');
});

test('float-money: 0.29 BTC is 29000000 sat from the price to the ledger', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.29');
  expect(order).toMatchObject({
    ...{ priceAmount: '0.29000000', dueSats: '29000000', dueBtc: '0.29000000' },
    ...{ toleranceBelowSats: '290000', requiredConfirmations: 3 },
  });
  expect(order.bip21).toContain('amount=0.29');
  await regtest.sendTo(order.address, 29_000_000n);
  await regtest.mine(3);
  await shop.until(order, { status: 'CONFIRMED', confirmedSats: '29000000', excessSats: '0' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'merchant.available': { posted: 29_000_000n },
  });
});

test('duplicate-order-on-retry: 32 twins at once, on two servers, make one order', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  const other = createOrders({
    database: shop.database,
    clock: shop.clock,
    ids: shop.ids,
    publicUrl: 'http://shop.test',
    rates: { quote: () => Promise.reject(new Error('not needed')) },
    readMerchant,
  });
  const idempotency = { key: 'once', requestHash: randomBytes(32) };
  const input = { amount: '0.001', currency: 'BTC' };
  const answers = await Promise.all(
    Array.from({ length: 32 }, (_, i) =>
      (i % 2 === 0 ? shop.orders : other).create({ merchantId, input, idempotency }),
    ),
  );
  const [first] = answers;
  for (const { body } of answers) expect(body).toEqual(first?.body);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  const [count] = await shop.sql<{ orders: string; next: number }>(
    `SELECT count(*) AS orders, max(w.next_index) AS next FROM orders o
       JOIN receiving_wallet w ON w.id = o.wallet_id WHERE o.merchant_id = $1`,
    [merchantId],
  );
  expect(count).toEqual({ orders: '1', next: 1 });
  const mismatch = { key: 'once', requestHash: randomBytes(32) };
  await expect(
    shop.orders.create({ merchantId, input, idempotency: mismatch }),
  ).rejects.toMatchObject({ code: 'idempotency_mismatch' });
});

test('a cancelled order holds what comes later; cancelling again changes nothing', {
  timeout: PATIENCE_MS,
}, async () => {
  const merchantId = await shop.addMerchant();
  await watch();
  const order = await shop.order(merchantId, '0.001');
  const cancel = () =>
    shop.database.asTenant(merchantId, (tx) =>
      cancelOrder(tx, order, { ids: shop.ids, nowMs: shop.clock.nowMs() }),
    );
  await cancel();
  const { version } = await shop.until(order, { status: 'INVALID' });
  await cancel();
  expect(await shop.readOrder(order)).toMatchObject({ version });
  await pay(order, 100_000n);
  await shop.until(order, { status: 'INVALID', lateSats: '100000' });
  const paid = await shop.order(merchantId, '0.001');
  await pay(paid, 50_000n);
  await shop.until(paid, { status: 'UNDERPAID' });
  await expect(
    shop.database.asTenant(merchantId, (tx) =>
      cancelOrder(tx, paid, { ids: shop.ids, nowMs: shop.clock.nowMs() }),
    ),
  ).rejects.toMatchObject({ code: 'conflict' });
});
