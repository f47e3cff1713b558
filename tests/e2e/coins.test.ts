import { formatBtc, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import { broadcast, makeCoins, mineWith, spend, takeBlocksOff } from '../support/coins.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { eventually, openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';
import { coinFaults } from '../support/wallet-truth.ts';

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let watcher: Watcher;
beforeAll(async () => {
  [regtest, postgres] = await Promise.all([startRegtest(), startTestPostgres()]);
  shop = openShop({ ownerUrl: await postgres.createDatabase(), regtest });
  watcher = shop.watch();
});
afterAll(async () => {
  await shop.close();
  await regtest.stop();
  await postgres.stop();
});

type Store = { merchantId: Uuid; descriptor: string; wallet: string };

let stores = 0;
/** A store whose owner has the keys in a wallet of the node, too. */
async function addStore(): Promise<Store> {
  const wallet = `owner-${stores++}`;
  const descriptor = await shop.descriptor(wallet);
  const merchantId = await shop.addMerchant({}, descriptor);
  return { merchantId, descriptor, wallet };
}

/** Waits until coins, node and book agree to the satoshi. */
async function agreed(store: Store, when: string): Promise<void> {
  await eventually(`coins agree ${when}`, async () => {
    await shop.caughtUp(watcher);
    const faults = await coinFaults(shop, regtest, store);
    return faults.length === 0 ? true : faults;
  });
}

const owner = <T>(store: Store, method: string, params: Record<string, unknown> = {}) =>
  regtest.rpc.walletCall<T>(store.wallet, method, params);

async function book(store: Store) {
  const balances = await shop.balances(store.merchantId);
  return {
    wallet: balances['onchain.wallet'],
    available: balances['merchant.available'],
    unapplied: balances['receipts.unapplied'],
  };
}

test('a payment of an order is a coin from the mempool on, and booked once', async () => {
  const store = await addStore();
  const order = await shop.order(store.merchantId, '0.001');
  await regtest.sendTo(order.address, 100_000n);
  await agreed(store, 'after the payment was seen');
  await regtest.mine(1);
  await shop.until(order, { status: 'CONFIRMED' });
  await agreed(store, 'after it was confirmed');
  expect(await book(store)).toMatchObject({
    wallet: { posted: 100_000n, pending: 0n },
    available: { posted: 100_000n, pending: 0n },
  });
});

test('money to an address without an order is a deposit, the owner’s sweep a withdrawal', async () => {
  const store = await addStore();
  const address = await owner<string>(store, 'getnewaddress');
  await regtest.sendTo(address, 500_000n);
  await agreed(store, 'after the deposit was seen');
  expect(await book(store)).toMatchObject({ available: { posted: 0n, pending: 500_000n } });
  await regtest.mine(1);
  await agreed(store, 'after the deposit was confirmed');
  expect(await book(store)).toMatchObject({ available: { posted: 500_000n, pending: 0n } });

  const to = await regtest.newAddress();
  await owner(store, 'sendtoaddress', { address: to, amount: formatBtc(200_000n), fee_rate: 5 });
  await agreed(store, 'after the withdrawal was seen, with change');
  const { available } = await book(store);
  expect(available?.posted).toBeLessThan(300_000n);
  expect(available?.posted).toBeGreaterThan(295_000n);
  await regtest.mine(1);
  await agreed(store, 'after the withdrawal was mined');
  await owner(store, 'sendall', { recipients: [to], fee_rate: 5 });
  await regtest.mine(1);
  await agreed(store, 'after everything was taken');
  expect(await book(store)).toMatchObject({
    wallet: { posted: 0n, pending: 0n },
    available: { posted: 0n, pending: 0n },
  });
  expect(await shop.journalIsSound(store.merchantId)).toBe(true);
});

test('coins that are made and spent within one block, or while nobody watches, are noticed', async () => {
  const store = await addStore();
  await watcher.stop();
  const address = await owner<string>(store, 'getnewaddress');
  await regtest.sendTo(address, 400_000n);
  const to = await regtest.newAddress();
  await owner(store, 'sendall', { recipients: [to], fee_rate: 5, minconf: 0 }).catch(() => null);
  await regtest.mine(1);
  await regtest.sendTo(await owner<string>(store, 'getnewaddress'), 700_000n);
  await regtest.mine(1);
  await owner(store, 'sendtoaddress', { address: to, amount: formatBtc(100_000n), fee_rate: 5 });
  await regtest.mine(2);
  watcher = shop.watch();
  await agreed(store, 'after catching up');
  const { wallet } = await book(store);
  expect(wallet?.posted).toBeGreaterThan(0n);
});

test('a replaced deposit, one that drops out and one that comes back end as the chain has them', async () => {
  const store = await addStore();
  const [coin] = await makeCoins(regtest, 1);
  if (coin === undefined) throw new Error('a coin was made');
  const address = await owner<string>(store, 'getnewaddress');
  const first = await spend(regtest, coin, [{ address, amountSats: 300_000n }]);
  const rival = await spend(regtest, coin, [], { feeSats: 100_000n });
  await broadcast(regtest, first);
  await agreed(store, 'after the deposit was seen');
  await broadcast(regtest, rival);
  await agreed(store, 'after it was replaced');
  expect(await book(store)).toMatchObject({ wallet: { posted: 0n, pending: 0n } });
  await mineWith(regtest, [first]);
  await agreed(store, 'after it was mined all the same');
  expect(await book(store)).toMatchObject({ wallet: { posted: 300_000n, pending: 0n } });
  await takeBlocksOff(regtest, 1);
  await mineWith(regtest, [rival]);
  await mineWith(regtest, []);
  await agreed(store, 'after another branch took the coin');
  expect(await book(store)).toMatchObject({ wallet: { posted: 0n, pending: 0n } });
  expect(await shop.journalIsSound(store.merchantId)).toBe(true);
});

test('money that goes from one store’s wallet to another’s is booked with both', async () => {
  const [from, to] = [await addStore(), await addStore()];
  await regtest.sendTo(await owner<string>(from, 'getnewaddress'), 900_000n);
  await regtest.mine(1);
  await agreed(from, 'after the first deposit');
  const order = await shop.order(to.merchantId, '0.002');
  // The owner's own software begins with the address that the order has.
  await owner(to, 'getnewaddress');
  await owner(from, 'sendtoaddress', { address: order.address, amount: '0.002', fee_rate: 5 });
  await owner(from, 'sendtoaddress', {
    address: await owner<string>(to, 'getnewaddress'),
    amount: '0.003',
    fee_rate: 5,
  });
  await agreed(from, 'after it left');
  await agreed(to, 'after it came');
  await regtest.mine(3);
  await shop.until(order, { status: 'CONFIRMED' });
  await agreed(from, 'after it was mined');
  await agreed(to, 'after it was mined');
  expect((await book(to)).available).toEqual({ posted: 500_000n, pending: 0n });
});
