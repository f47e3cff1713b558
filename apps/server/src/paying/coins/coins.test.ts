import { randomBytes } from 'node:crypto';
import { displayHash, outpointBytes, parseHash } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { regtestDescriptor } from '../../../../../tests/support/descriptors.ts';
import { openReceiving, type Receiving } from '../../../../../tests/support/receiving.ts';
import { exportLabels, importLabels } from './labels.ts';
import {
  coinKeeper,
  readPreviousTransactions,
  readSpendableCoins,
  readWalletBalances,
  readWalletForSpending,
  releaseCoins,
  reserveCoins,
  takeChangeIndex,
} from './index.ts';

const TIP = 200;
let receiving: Receiving;
let seeds = 2_000;
beforeAll(async () => {
  receiving = await openReceiving();
});
afterAll(() => receiving.close());

type Store = { merchantId: Uuid; walletId: Uuid };

async function addStore(descriptor = regtestDescriptor(seeds++)): Promise<Store> {
  const merchantId = await receiving.addMerchant();
  return { merchantId, walletId: await receiving.addWallet(merchantId, descriptor) };
}

type CoinWish = { valueSats: bigint; height?: number | null; coinbase?: boolean };

/** A coin at the wallet's first address, with the transaction that makes it. */
async function addCoin(store: Store, wish: CoinWish): Promise<{ txid: string; vout: number }> {
  const { valueSats, height = 100, coinbase = false } = wish;
  const hash = randomBytes(32);
  await receiving.sql(
    `INSERT INTO chain_transaction (txid, raw, state, height, block_hash, first_seen_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, now(), now())`,
    [hash, hash, height === null ? 'mempool' : 'block', height, height === null ? null : hash],
  );
  const [address] = await receiving.sql<{ id: number }>(
    'SELECT id FROM address WHERE wallet_id = $1 AND branch = 0 AND index = 0',
    [store.walletId],
  );
  const coin = { txid: displayHash(hash), vout: 0 };
  const place = { branch: 0 as const, index: 0, orderId: null, addressId: address?.id ?? 0 };
  await receiving.database.asSystem((tx) =>
    coinKeeper.record(tx, [{ ...store, ...place, ...coin, valueSats, coinbase, height }]),
  );
  return coin;
}

async function addSpend({ merchantId, walletId }: Store, txid?: string): Promise<Uuid> {
  const id = receiving.ids.next();
  await receiving.sql(
    `INSERT INTO spend (merchant_id, id, wallet_id, kind, origin, state, anchor_txid, anchor_vout,
            version, max_fee_rate, created_at, updated_at)
     VALUES ($1, $2, $3, 'payouts', 'manual', 'broadcast', $4, 0, 1, 1000, now(), now())`,
    [merchantId, id, walletId, randomBytes(32)],
  );
  if (txid === undefined) return id;
  await receiving.sql(
    `INSERT INTO spend_version (merchant_id, spend_id, version, state, purpose, exposed, psbt, raw,
            inputs, txid, fee_sats, vsize, out_sats, fee_shares, created_at)
     VALUES ($1, $2, 1, 'broadcast', 'pay', true, '', '', $4, $3, 700, 140, 700, '{}', now())`,
    [merchantId, id, parseHash(txid), [randomBytes(36)]],
  );
  return id;
}

const query = (store: Store, more: { minConfirmations?: number; own?: boolean } = {}) => ({
  ...store,
  tipHeight: TIP,
  minConfirmations: more.minConfirmations ?? 1,
  ownChangeUnconfirmed: more.own ?? true,
});

const spendable = (store: Store, more: { minConfirmations?: number; own?: boolean } = {}) =>
  receiving.database.asTenant(store.merchantId, (tx) => readSpendableCoins(tx, query(store, more)));

test('reserved, frozen, immature and foreign unconfirmed coins are not spendable', async () => {
  const store = await addStore();
  const free = await addCoin(store, { valueSats: 10n });
  const deep = await addCoin(store, { valueSats: 20n, height: 195 });
  const reserved = await addCoin(store, { valueSats: 30n });
  const frozen = await addCoin(store, { valueSats: 40n });
  await addCoin(store, { valueSats: 50n, height: null });
  const change = await addCoin(store, { valueSats: 60n, height: null });
  await addCoin(store, { valueSats: 70n, height: TIP - 98, coinbase: true });
  const mature = await addCoin(store, { valueSats: 80n, height: TIP - 99, coinbase: true });
  const spendId = await addSpend(store, change.txid);
  await receiving.database.asTenant(store.merchantId, (tx) =>
    reserveCoins(tx, { merchantId: store.merchantId, spendId, coins: [reserved] }),
  );
  await receiving.sql(
    `INSERT INTO wallet_label (merchant_id, type, ref, label, rest, spendable)
     VALUES ($1, 'output', $2, 'cold', '{}', false)`,
    [store.merchantId, `${frozen.txid}:0`],
  );
  const ids = (coins: readonly { txid: string }[]) => coins.map(({ txid }) => txid);
  expect(ids(await spendable(store))).toEqual(ids([mature, change, deep, free]));
  expect(ids(await spendable(store, { own: false }))).toEqual(ids([mature, deep, free]));
  expect(ids(await spendable(store, { minConfirmations: 7, own: false }))).toEqual(
    ids([mature, free]),
  );
  expect((await spendable(store))[1]?.ancestors).toEqual({
    ...{ transactions: 1, vsize: 140, feeSats: 700n },
  });
  const balances = await receiving.database.asTenant(store.merchantId, (tx) =>
    readWalletBalances(tx, query(store)),
  );
  expect(balances).toEqual({
    confirmedSats: 250n,
    unconfirmedSats: 110n,
    reservedSats: 30n,
    spendableSats: 170n,
  });
});

test('what a child gives back is not spendable before it is in a block', async () => {
  const store = await addStore();
  const change = await addCoin(store, { valueSats: 10n, height: null });
  const fromChild = await addCoin(store, { valueSats: 20n, height: null });
  await addSpend(store, change.txid);
  const child = await addSpend(store, fromChild.txid);
  await receiving.sql("UPDATE spend SET kind = 'child' WHERE id = $1", [child]);
  expect((await spendable(store)).map(({ txid }) => txid)).toEqual([change.txid]);
  await receiving.sql('UPDATE coin SET height = $2 WHERE txid = $1', [
    parseHash(fromChild.txid),
    TIP,
  ]);
  expect(await spendable(store)).toHaveLength(2);
});

test('a coin belongs to one spend, however many ask for it at once, and all or none are given', async () => {
  const store = await addStore();
  const { merchantId } = store;
  const coins = [await addCoin(store, { valueSats: 1n }), await addCoin(store, { valueSats: 2n })];
  const spends = await Promise.all(Array.from({ length: 8 }, () => addSpend(store)));
  const got = await Promise.all(
    spends.map((spendId, i) =>
      receiving.database.asTenant(merchantId, (tx) =>
        reserveCoins(tx, { merchantId, spendId, coins: i % 2 === 0 ? coins : coins.toReversed() }),
      ),
    ),
  );
  expect(got.filter(Boolean)).toHaveLength(1);
  const spendId = spends[got.indexOf(true)] ?? store.walletId;
  const rows = () =>
    receiving.sql('SELECT spend_id FROM coin_reservation WHERE merchant_id = $1', [merchantId]);
  expect(await rows()).toEqual([{ spend_id: spendId }, { spend_id: spendId }]);
  const [first] = coins;
  if (first === undefined) throw new Error('there are two coins');
  await receiving.database.asSystem((tx) =>
    releaseCoins(tx, { merchantId, spendId, coins: [first] }),
  );
  expect(await rows()).toHaveLength(1);
  await receiving.database.asSystem((tx) => releaseCoins(tx, { merchantId, spendId }));
  expect(await rows()).toHaveLength(0);
});

test('a coin that is spent or gone can not be reserved', async () => {
  const store = await addStore();
  const { merchantId } = store;
  const coin = await addCoin(store, { valueSats: 5n });
  await receiving.sql(
    `UPDATE chain_transaction SET state = 'dropped', height = NULL WHERE txid = $1`,
    [parseHash(coin.txid)],
  );
  await receiving.database.asSystem((tx) => coinKeeper.refresh(tx, [coin.txid]));
  const spendId = await addSpend(store);
  const reserved = await receiving.database.asSystem((tx) =>
    reserveCoins(tx, { merchantId, spendId, coins: [coin] }),
  );
  expect(reserved).toBe(false);
  expect(await spendable(store)).toEqual([]);
});

test('change comes from the descriptor’s own branch, each index once, watched ahead', async () => {
  const store = await addStore();
  const taken = await Promise.all(
    Array.from({ length: 30 }, () =>
      receiving.database.asTenant(store.merchantId, (tx) => takeChangeIndex(tx, store.walletId)),
    ),
  );
  expect(taken.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 30 }, (_, i) => i),
  );
  expect(new Set(taken.map(({ branch }) => branch))).toEqual(new Set([1]));
  const [derived] = await receiving.sql<{ through: number }>(
    'SELECT max(index) AS through FROM address WHERE wallet_id = $1 AND branch = 1',
    [store.walletId],
  );
  expect(derived?.through).toBe(49);
  const wallet = await receiving.database.asTenant(store.merchantId, (tx) =>
    readWalletForSpending(tx, store.walletId),
  );
  expect(wallet).toMatchObject({ network: 'regtest', signerWallet: null, changeBranch: 1 });
});

test('with one branch only, an order and change never get the same address', async () => {
  const store = await addStore(regtestDescriptor(seeds++).replace('<0;1>', '0'));
  const addresses: string[] = [];
  for (let i = 0; i < 25; i++) {
    addresses.push((await receiving.order(store.merchantId)).address);
    const change = await receiving.database.asTenant(store.merchantId, (tx) =>
      takeChangeIndex(tx, store.walletId),
    );
    expect(change.branch).toBe(0);
    addresses.push(change.address);
  }
  expect(new Set(addresses).size).toBe(50);
});

test('a merchant reads the transactions of its own coins and of nobody else’s', async () => {
  const [mine, other] = [await addStore(), await addStore()];
  const own = await addCoin(mine, { valueSats: 5n });
  const foreign = await addCoin(other, { valueSats: 5n });
  const txids = [own.txid, foreign.txid];
  const read = await receiving.database.asTenant(mine.merchantId, (tx) =>
    readPreviousTransactions(tx, txids),
  );
  expect([...read.keys()]).toEqual([own.txid]);
  const all = await receiving.database.asSystem((tx) => readPreviousTransactions(tx, txids));
  expect(all.size).toBe(2);
});

test('with one login for both roles a merchant still sees the transactions of its own coins alone', async () => {
  const [mine, other] = [await addStore(), await addStore()];
  const own = await addCoin(mine, { valueSats: 3n });
  const foreign = await addCoin(other, { valueSats: 5n });
  const client = new pg.Client({ connectionString: receiving.ownerUrl });
  // Roles are the server's, which other tests share.
  const both = `both_${randomBytes(6).toString('hex')}`;
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${both} IN ROLE quittance_app, quittance_system`);
    await client.query(`SET SESSION AUTHORIZATION ${both}`);
    const seen = async (role: string) => {
      await client.query(
        `BEGIN; SET LOCAL ROLE ${role}; SET LOCAL quittance.merchant_id = '${mine.merchantId}'`,
      );
      const { rows } = await client.query<{ txid: Buffer }>(
        'SELECT txid FROM coin_transactions($1::bytea[])',
        [[parseHash(own.txid), parseHash(foreign.txid)]],
      );
      await client.query('COMMIT');
      return rows.map(({ txid }) => displayHash(txid)).sort();
    };
    expect(await seen('quittance_app')).toEqual([own.txid]);
    expect(await seen('quittance_system')).toEqual([own.txid, foreign.txid].sort());
  } finally {
    await client.query('RESET SESSION AUTHORIZATION');
    await client.query(`DROP ROLE IF EXISTS ${both}`);
    await client.end();
  }
});

test('every unspent coin is watched, page after page', async () => {
  const store = await addStore();
  const coin = await addCoin(store, { valueSats: 9n });
  const outpoints: string[] = [];
  for await (const page of coinKeeper.unspent(receiving.database)) {
    outpoints.push(...page.map((outpoint) => Buffer.from(outpoint).toString('hex')));
  }
  expect(outpoints).toContain(Buffer.from(outpointBytes(parseHash(coin.txid), 0)).toString('hex'));
  expect(new Set(outpoints).size).toBe(outpoints.length);
});

test('labels come back as they went in, a frozen coin is not spendable, wrong lines are named', async () => {
  const store = await addStore();
  const { merchantId, walletId } = store;
  const coin = await addCoin(store, { valueSats: 10n });
  const ref = `${coin.txid}:${coin.vout}`;
  const lines = [
    { type: 'output', ref, label: 'cold', spendable: false },
    { type: 'tx', ref: coin.txid, label: 'gift', origin: 'wpkh([d34db33f/84h/0h/0h])', more: [1] },
  ].map((line) => JSON.stringify(line));
  const take = (text: string) =>
    receiving.database.asTenant(merchantId, (tx) => importLabels(tx, merchantId, text));
  expect(await take(lines.join('\n'))).toEqual({ imported: 2, refused: [] });
  expect(await spendable(store)).toEqual([]);
  const written = await receiving.database.asTenant(merchantId, (tx) =>
    exportLabels(tx, { merchantId, walletId }),
  );
  const read = written
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(read).toEqual(lines.map((line): unknown => JSON.parse(line)));

  const nul = JSON.stringify({ type: 'tx', ref: 'ab'.repeat(32), label: 'a\0b' });
  const again = JSON.stringify({ type: 'output', ref, label: 'warm', spendable: true });
  const { imported, refused } = await take([nul, 'no JSON', again].join('\n'));
  expect(imported).toBe(1);
  expect(new Set(refused.map(({ line }) => line))).toEqual(new Set([1, 2]));
  expect(await spendable(store)).toHaveLength(1);
});

test('an address that an order was paid at is named in the export', async () => {
  const store = await addStore();
  const { merchantId, walletId } = store;
  const order = await receiving.order(merchantId, { externalId: 'cart-7' });
  const coin = await addCoin(store, { valueSats: 10n });
  await receiving.sql('UPDATE coin SET order_id = $1 WHERE txid = $2', [
    order.id,
    parseHash(coin.txid),
  ]);
  const written = await receiving.database.asTenant(merchantId, (tx) =>
    exportLabels(tx, { merchantId, walletId }),
  );
  expect(JSON.parse(written)).toEqual({ type: 'addr', ref: order.address, label: 'order cart-7' });
});
