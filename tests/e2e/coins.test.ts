import { formatBtc, type Uuid } from '@quittance/kernel';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  compareWithNode,
  reconcileDue,
  reconcileStore,
} from '../../apps/server/src/accounting/reconciliation/index.ts';
import { postTransfers, transferId } from '../../apps/server/src/accounting/ledger/index.ts';
import {
  MERCHANT_AVAILABLE,
  ONCHAIN_WALLET,
} from '../../apps/server/src/accounting/ledger/index.ts';
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

const reconciliation = () => ({
  clock: shop.clock,
  ids: shop.ids,
  readAudience: () => Promise.resolve({ store: 'Test store', locale: 'en' as const, emails: [] }),
});

const askNode = (merchantId: Uuid) =>
  compareWithNode(
    { database: shop.database, network: 'regtest', node: regtest.rpc, sleep },
    merchantId,
  );

/** What a thorough comparison says now, with the node asked as well. */
async function compared(store: Store) {
  const node = await askNode(store.merchantId);
  return await shop.database.asTenant(store.merchantId, (tx) =>
    reconcileStore(tx, reconciliation(), store.merchantId, { node, thorough: true }),
  );
}

const alerts = (store: Store) =>
  shop.sql<{ kind: string; resolved: boolean }>(
    `SELECT kind, resolved_at IS NOT NULL AS resolved FROM alert
      WHERE merchant_id = $1 ORDER BY id`,
    [store.merchantId],
  );

/** Waits until coins, node and book agree to the satoshi. */
async function agreed(store: Store, when: string): Promise<void> {
  await eventually(`coins agree ${when}`, async () => {
    await shop.caughtUp(watcher);
    const faults = await coinFaults(shop, regtest, store);
    return faults.length === 0 ? true : faults;
  });
  expect(await compared(store), when).toMatchObject({ state: 'ok', node: 'equal', breaks: [] });
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

/** A deposit, and the owner's transaction that takes all of it away again, both unsent. */
async function depositAndSweep(store: Store, amountSats: bigint) {
  const [coin] = await makeCoins(regtest, 1);
  if (coin === undefined) throw new Error('a coin was made');
  const address = await owner<string>(store, 'getnewaddress');
  const deposit = await spend(regtest, coin, [{ address, amountSats }]);
  const { scriptPubKey } = await owner<{ scriptPubKey: string }>(store, 'getaddressinfo', {
    address,
  });
  const input = { txid: deposit.txid, vout: 0 };
  const to = { [await regtest.newAddress()]: formatBtc(amountSats - 1_000n) };
  const hexstring = await regtest.rpc.call<string>('createrawtransaction', [[input], [to]]);
  const prevtxs = [{ ...input, scriptPubKey, amount: formatBtc(amountSats) }];
  const signed = await owner<{ hex: string; complete: boolean }>(
    store,
    'signrawtransactionwithwallet',
    { hexstring, prevtxs },
  );
  expect(signed.complete).toBe(true);
  return { deposit, sweep: { txid: '', hex: signed.hex } };
}

test('a coin that is made and spent within one block is noticed', async () => {
  const store = await addStore();
  const { deposit, sweep } = await depositAndSweep(store, 400_000n);
  await mineWith(regtest, [deposit, sweep]);
  await agreed(store, 'after the block');
  expect(await book(store)).toMatchObject({
    wallet: { posted: 0n, pending: 0n },
    available: { posted: 0n, pending: 0n },
  });
  // It was there: the coin is on record, spent by the other transaction.
  expect(
    await shop.sql('SELECT spent_by IS NOT NULL AS spent FROM coin WHERE merchant_id = $1', [
      store.merchantId,
    ]),
  ).toEqual([{ spent: true }]);
});

test('coins that are made and spent in different blocks while nobody watches are noticed', async () => {
  const store = await addStore();
  await watcher.stop();
  const { deposit, sweep } = await depositAndSweep(store, 400_000n);
  await mineWith(regtest, [deposit]);
  await mineWith(regtest, [sweep]);
  await regtest.sendTo(await owner<string>(store, 'getnewaddress'), 700_000n);
  await regtest.mine(1);
  await owner(store, 'sendtoaddress', {
    ...{ address: await regtest.newAddress(), amount: formatBtc(100_000n), fee_rate: 5 },
  });
  await regtest.mine(2);
  watcher = shop.watch();
  await agreed(store, 'after catching up');
  const { wallet } = await book(store);
  expect(wallet?.posted).toBeGreaterThan(590_000n);
});

test('a coin from before a restart is watched after it: in the mempool, and in blocks', async () => {
  const store = await addStore();
  await regtest.sendTo(await owner<string>(store, 'getnewaddress'), 600_000n);
  await regtest.mine(1);
  await agreed(store, 'before the restart');
  await watcher.stop();
  watcher = shop.watch();
  await shop.caughtUp(watcher);
  // Nothing of it comes back to us: only the coin that it spends tells.
  await owner(store, 'sendall', { recipients: [await regtest.newAddress()], fee_rate: 5 });
  await agreed(store, 'after it was swept');

  await regtest.sendTo(await owner<string>(store, 'getnewaddress'), 700_000n);
  await regtest.mine(1);
  await agreed(store, 'before another restart');
  await watcher.stop();
  await owner(store, 'sendall', { recipients: [await regtest.newAddress()], fee_rate: 5 });
  await regtest.mine(1);
  watcher = shop.watch();
  await agreed(store, 'after it was swept in a block');
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

test('a break is found by itself, named by its transaction, told once, and over when it is gone', async () => {
  const store = await addStore();
  const { merchantId } = store;
  const txid = await regtest.sendTo(await owner<string>(store, 'getnewaddress'), 250_000n);
  await regtest.mine(1);
  await agreed(store, 'before anything is wrong');
  const look = () => reconcileDue(shop.database, reconciliation(), new AbortController().signal);
  const latest = async () =>
    (
      await shop.sql<{ state: string; breaks: unknown[] }>(
        'SELECT state, breaks FROM reconciliation WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1',
        [merchantId],
      )
    )[0];
  await look();
  expect(await latest()).toMatchObject({ state: 'ok' });

  const atMs = shop.clock.nowMs();
  const wrong = {
    ...{ bookId: merchantId, template: 'by-hand', phase: 'single' as const },
    ...{ effectiveAtMs: atMs, recordedAtMs: atMs, reference: {} },
  };
  const legs = (debit: typeof ONCHAIN_WALLET, credit: typeof ONCHAIN_WALLET) => [
    { account: debit, direction: 'debit' as const, amount: 7_000n },
    { account: credit, direction: 'credit' as const, amount: 7_000n },
  ];
  const there = { ...wrong, id: transferId('by-hand', merchantId, '1') };
  await shop.database.asSystem((tx) =>
    postTransfers(tx, [{ ...there, legs: legs(ONCHAIN_WALLET, MERCHANT_AVAILABLE) }]),
  );
  await look();
  await look();
  expect(await latest()).toMatchObject({
    state: 'break',
    breaks: [{ kind: 'transfer', template: 'by-hand', sats: '7' }],
  });
  expect(await alerts(store)).toEqual([{ kind: 'reconciliation_break', resolved: false }]);
  const back = { ...wrong, id: transferId('by-hand', merchantId, '2'), template: 'payment-seen' };
  await shop.database.asSystem((tx) =>
    postTransfers(tx, [{ ...back, legs: legs(MERCHANT_AVAILABLE, ONCHAIN_WALLET) }]),
  );
  await look();
  expect(await alerts(store)).toEqual([{ kind: 'reconciliation_break', resolved: true }]);

  // A coin that is lost from the record: sums and node both tell, and which transaction it is.
  await shop.sql('DELETE FROM coin WHERE merchant_id = $1', [merchantId]);
  const found = await compared(store);
  expect(found).toMatchObject({ state: 'break', node: 'different', differenceSats: 250_000n });
  expect(found.breaks).toContainEqual({
    ...{ kind: 'transaction', txid, chainSats: 0n, bookedSats: 250_000n },
  });
  expect(found.breaks).toContainEqual(
    expect.objectContaining({ kind: 'coin_only_at_node', txid, sats: 250_000n }),
  );
});

test('a node that does not answer is unreadable, never equal', async () => {
  const store = await addStore();
  const node = { call: () => Promise.reject(new Error('connection refused')) };
  const facts = await compareWithNode(
    { database: shop.database, network: 'regtest', node, sleep },
    store.merchantId,
  );
  const made = await shop.database.asTenant(store.merchantId, (tx) =>
    reconcileStore(tx, reconciliation(), store.merchantId, { node: facts, thorough: true }),
  );
  expect(made).toMatchObject({ state: 'unreadable', node: 'unreadable' });
  expect(made.reason).toContain('connection refused');
});

test.each([1, 2, 3, 4, 5, 6])(
  'after a reorganisation of %i blocks with moves, double spends and sweeps everything agrees',
  async (depth) => {
    const store = await addStore();
    const coins = await makeCoins(regtest, 6);
    const next = () => {
      const coin = coins.pop();
      if (coin === undefined) throw new Error('there are coins enough');
      return coin;
    };
    const address = () => owner<string>(store, 'getnewaddress');
    const pay = async (amountSats: bigint) =>
      await spend(regtest, next(), [{ address: await address(), amountSats }]);

    // Deep below: money that the sweeps of both branches can spend.
    const base = await pay(900_000n);
    await broadcast(regtest, base);
    await regtest.mine(1);
    await agreed(store, 'before the branches');

    const doubled = next();
    const target = { address: await address(), amountSats: 200_000n };
    const lost = await spend(regtest, doubled, [target]);
    const rival = await spend(regtest, doubled, [], { feeSats: 100_000n });
    const moved = await pay(300_000n);
    const order = await shop.order(store.merchantId, '0.004');
    const paid = await spend(regtest, next(), [{ address: order.address, amountSats: 400_000n }]);
    const first = await mineWith(regtest, [lost, moved]);
    for (let block = 1; block < depth; block++) {
      if (block === 1) await broadcast(regtest, paid);
      if (block === 2) {
        await owner(store, 'sendtoaddress', {
          ...{ address: await regtest.newAddress(), amount: formatBtc(150_000n), fee_rate: 5 },
        });
      }
      await regtest.mine(1);
      if (block % 2 === 0) await agreed(store, `with ${block} blocks of the first branch`);
    }
    await agreed(store, 'on the first branch');

    await regtest.rpc.call('invalidateblock', [first]);
    await mineWith(regtest, [rival]);
    await mineWith(regtest, []);
    for (let block = 1; block < depth; block++) await mineWith(regtest, []);
    await agreed(store, 'on the second branch, which left most of it out');
    await owner(store, 'sendall', {
      ...{ recipients: [await regtest.newAddress()], fee_rate: 20 },
    });
    await agreed(store, 'after the sweep was seen');
    await regtest.mine(1);
    await agreed(store, 'after the sweep was mined');

    // The first branch takes over again: the sweep and the rival go, what it had comes back.
    const [second] = [await regtest.rpc.call<string>('getbestblockhash')];
    await regtest.rpc.call('reconsiderblock', [first]);
    await regtest.rpc.call('invalidateblock', [second]);
    await regtest.mine(2);
    await agreed(store, 'in the end');
    expect(await shop.journalIsSound(store.merchantId)).toBe(true);
  },
  60_000,
);
