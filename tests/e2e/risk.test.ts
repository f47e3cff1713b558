import { formatBtc, type Sats, type Uuid } from '@quittance/kernel';
import { defaultComplianceSettings, isComplianceScope, merchantScopes } from '@quittance/contract';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { markCaseReported } from '../../apps/server/src/compliance/cases/index.ts';
import { readKnownLinks } from '../../apps/server/src/compliance/customers/index.ts';
import { startMonitoring } from '../../apps/server/src/compliance/monitoring/index.ts';
import {
  readFromNode,
  readRecordedTransactions,
  type ReadTransactions,
  screenPayments,
  trace,
  type TracedTransaction,
} from '../../apps/server/src/compliance/risk/index.ts';
import { type Screener, screenerOver } from '../../apps/server/src/compliance/screening/index.ts';
import { readSpendableCoins, reserveCoins } from '../../apps/server/src/paying/coins/index.ts';
import { addressBookOver } from '../../apps/server/src/wiring/compliance/monitoring-work.ts';
import type { Watcher } from '../../apps/server/src/receiving/chain/index.ts';
import { rateRuleSchema } from '../../apps/server/src/receiving/rates/index.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { openShop, type Shop } from '../support/shop.ts';
import { startTestPostgres, type TestPostgres } from '../support/test-postgres.ts';

const FEE_SATS = 1_000n;
const DUE_SATS = 200_000n;

let regtest: Regtest;
let postgres: TestPostgres;
let shop: Shop;
let watcher: Watcher;
let api: TestApi;
let read: ReadTransactions;

beforeAll(async () => {
  // Without an index of transactions, as most nodes run: blocks and their undo data have to do.
  [regtest, postgres] = await Promise.all([
    startRegtest({ extraArgs: ['-txindex=0'] }),
    startTestPostgres(),
  ]);
  const ownerUrl = await postgres.createDatabase();
  shop = openShop({ ownerUrl, regtest });
  watcher = shop.watch();
  api = await startTestApi({ ownerUrl, clock: shop.clock });
  read = readFromNode({
    ...{ node: regtest.rpc, network: 'regtest' },
    readRecord: (txids) => shop.database.asSystem((tx) => readRecordedTransactions(tx, txids)),
  });
}, 120_000);
afterAll(async () => {
  await api.close();
  await shop.close();
  await postgres.stop();
  await regtest.stop();
});

type Coin = { txid: string; vout: number; amountSats: Sats; address: string };

/** A coin of the node's wallet, worth so much, in a block; its owner is the first of a chain. */
async function newCoin(amountSats: Sats): Promise<Coin> {
  const address = await regtest.newAddress();
  const txid = await regtest.sendTo(address, amountSats);
  await regtest.mine(1);
  type Out = { n: number; scriptPubKey: { address?: string } };
  const { decoded } = await regtest.walletRpc<{ decoded: { vout: Out[] } }>('gettransaction', [
    txid,
    true,
    true,
  ]);
  const output = decoded.vout.find(({ scriptPubKey }) => scriptPubKey.address === address);
  if (output === undefined) throw new Error('the coin is not in its transaction');
  return { txid, vout: output.n, amountSats, address };
}

/** Spends the whole of a coin to one address. */
async function passOn(coin: Coin, to: string): Promise<Coin> {
  const amountSats = coin.amountSats - FEE_SATS;
  const inputs = [{ txid: coin.txid, vout: coin.vout }];
  const outputs = [{ [to]: formatBtc(amountSats) }];
  const raw = await regtest.rpc.call<string>('createrawtransaction', [inputs, outputs]);
  const signed = await regtest.walletRpc<{ hex: string }>('signrawtransactionwithwallet', [raw]);
  const txid = await regtest.rpc.call<string>('sendrawtransaction', [signed.hex]);
  return { txid, vout: 0, amountSats, address: to };
}

/** Coins passed on from owner to owner, each in a block of its own but the last so many. */
async function passAlong(owners: number, unmined: number, amountSats: Sats): Promise<Coin[]> {
  const coins = [await newCoin(amountSats)];
  for (let i = 1; i < owners; i++) {
    const last = coins.at(-1);
    if (last === undefined) throw new Error('there is a first coin');
    coins.push(await passOn(last, await regtest.newAddress()));
    if (i < owners - unmined) await regtest.mine(1);
  }
  return coins;
}

async function traced(txid: string, height: number | null): Promise<TracedTransaction> {
  const [answer] = await read([{ txid, height }]);
  if (answer === undefined || !answer.ok) throw new Error('the node does not know it');
  return answer.transaction;
}

async function owners(txid: string, height: number | null, hops: number): Promise<string[][]> {
  const limits = { hops, maxTransactions: 50, peels: 0 };
  const { met, source } = await trace(await traced(txid, height), read, {
    ...{ limits, stopAt: () => false },
  });
  expect(source.untraced).toEqual([]);
  return Array.from({ length: hops }, (_, i) =>
    met.filter(({ hop }) => hop === i + 1).map(({ address }) => address),
  );
}

test('coins are followed through a real chain of five transactions, in blocks and in the mempool', async () => {
  // Four owners in blocks, the fifth transaction in the mempool.
  const coins = await passAlong(5, 1, 1_000_000n);
  const payment = coins.at(-1);
  const back = coins
    .slice(0, 4)
    .map(({ address }) => address)
    .toReversed();
  expect(await owners(payment?.txid ?? '', null, 4)).toEqual(back.map((address) => [address]));

  // The same once it is in a block, by the height that the watcher has recorded for it.
  const [hash] = await regtest.mine(1);
  const { height } = await regtest.rpc.call<{ height: number }>('getblockheader', [hash]);
  expect(await owners(payment?.txid ?? '', height, 4)).toEqual(back.map((address) => [address]));

  // Ages come from blocks, and the last hop leads to what the wallet was paid before.
  const { inputs } = await traced(payment?.txid ?? '', height);
  expect(inputs[0]).toMatchObject({ valueSats: 1_000_000n - 3n * FEE_SATS, height: height - 1 });
});

test('parents that wait in the mempool themselves are followed too', async () => {
  const coins = await passAlong(5, 3, 1_000_000n);
  const back = coins
    .slice(0, 4)
    .map(({ address }) => address)
    .toReversed();
  const found = await owners(coins.at(-1)?.txid ?? '', null, 4);
  expect(found).toEqual(back.map((address) => [address]));
});

test('what the node does not know is said, and never taken for nothing', async () => {
  expect(await read([{ txid: 'ab'.repeat(32), height: null }])).toEqual([
    { ok: false, reason: 'not_found' },
  ]);
});

// --- the whole flow ----------------------------------------------------------------------------

async function listing(address: string): Promise<Screener> {
  const entry = {
    ...{ list: 'ofac', id: '4711', schema: 'Person' as const, names: [], birthDates: [] },
    ...{ countries: [], gender: null, label: 'Lazarus', topics: [] },
    addresses: [{ asset: 'XBT', address, foreign: false }],
  };
  return await screenerOver([{ list: 'ofac', purpose: 'sanctions', entries: [entry] }]);
}

async function openStore(): Promise<Uuid> {
  const merchantId = await shop.addMerchant();
  const body = {
    ...{ risk: 'on', monitoring: false, customerScreening: false, reminderDays: 7 },
    ...{ sarDaysSuspectKnown: 30, sarDaysSuspectUnknown: 30 },
  };
  const answer = await api.send('PUT', '/v1/compliance/settings', {
    ...{ key: await person(merchantId, 'compliance:decide'), body },
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return merchantId;
}

async function person(merchantId: Uuid, ...scopes: string[]): Promise<string> {
  const body = { name: 'p', scopes };
  const path = `/v1/merchants/${merchantId}/api-keys`;
  const made = await api.send('POST', path, { key: api.adminKey, body });
  return made.body.secret as string;
}

async function screen(screener: Screener): Promise<void> {
  const { database, clock, ids } = shop;
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  await screenPayments({ database, clock, ids, screener, read, onError, chance: () => 0.5 });
  expect(errors).toEqual([]);
}

async function decideCase(merchantId: Uuid, caseId: string, outcome: string): Promise<void> {
  const send = async (path: string, scope: string, body: unknown) => {
    const key = await person(merchantId, scope);
    const answer = await api.send('POST', `/v1/compliance/cases/${caseId}${path}`, { key, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  };
  const proposed = await send('/proposal', 'compliance:review', {
    outcome,
    reason: 'Looked at it.',
  });
  const approval = { proposalId: proposed.proposal.id, outcome };
  await send('/approve', 'compliance:decide', approval);
}

/** An order that a listed person's coin pays, held, in a block. */
async function payFromListed(merchantId: Uuid) {
  const order = await shop.order(merchantId, formatBtc(DUE_SATS));
  const [, listed] = await passAlong(2, 0, DUE_SATS + 2n * FEE_SATS);
  if (listed === undefined) throw new Error('there is a second coin');
  const paid = await passOn(listed, order.address);
  expect(paid.amountSats).toBe(DUE_SATS);
  await shop.until(order, { receivedSats: String(DUE_SATS) });
  const screener = await listing(listed.address);
  const before = await shop.readOrder(order);
  expect(before.payments[0]).toMatchObject({ review: 'pending' });
  await screen(screener);
  await regtest.mine(2);
  await shop.caughtUp(watcher);
  const key = await person(merchantId, 'compliance:read');
  const path = `/v1/compliance/risk/decisions?order_id=${order.id}`;
  const { body } = await api.send('GET', path, { key });
  return { order, decision: body.data[0], listed };
}

test('a payment whose previous owner is listed is held before it counts, and released by two persons', async () => {
  const merchantId = await openStore();
  const { order, decision, listed } = await payFromListed(merchantId);
  expect(decision).toMatchObject({ score: 70, level: 'HIGH', action: 'reject', mode: 'on' });
  expect(decision.facts.source.hits).toMatchObject([{ hop: 1, address: listed.address }]);
  expect(decision.reasons.map(({ factor }: { factor: string }) => factor)).toEqual([
    ...['blacklist', 'age'],
  ]);
  const held = await shop.readOrder(order);
  expect(held).toMatchObject({ status: 'UNCONFIRMED', confirmedSats: '0' });
  expect(held).toMatchObject({ reviewSats: String(DUE_SATS), remainingSats: '0' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'compliance.held': { posted: DUE_SATS },
    'receipts.unapplied': { posted: 0n, pending: 0n },
  });
  // The very coin stays, too: nothing that pays out may choose it.
  expect(await spendable(merchantId)).toEqual([]);
  const { txid, vout } = held.payments[0] ?? {};
  const spendId = shop.ids.next();
  const reserving = shop.database.asSystem((tx) =>
    reserveCoins(tx, { merchantId, spendId, coins: [{ txid: txid ?? '', vout: vout ?? 0 }] }),
  );
  expect(await reserving).toBe(false);

  // What the shop is told is neutral: no list, no score, no reason, no case.
  const events = await shop.events(merchantId);
  const told = events.filter(({ orderId }) => orderId === order.id);
  expect(told.map(({ type }) => type)).toContain('order.payment_under_review');
  expect(told.map(({ type }) => type)).not.toContain('order.payment_confirmed');
  expect(JSON.stringify([told, held])).not.toMatch(
    /ofac|lazarus|sanction|blacklist|score|case|reject/i,
  );

  // A report moves no money; once it is made, the same case says what becomes of it.
  await decideCase(merchantId, decision.caseId, 'report');
  const filed = { merchantId, caseId: decision.caseId, reference: 'f1', by: 'key:x' };
  const telling = { ids: shop.ids, nowMs: shop.clock.nowMs() };
  await shop.database.asTenant(merchantId, (tx) => markCaseReported(tx, telling, filed));
  const still = await shop.readOrder(order);
  expect(still).toMatchObject({ status: 'UNCONFIRMED', reviewSats: String(DUE_SATS) });
  expect(await shop.balances(merchantId)).toMatchObject({
    'compliance.held': { posted: DUE_SATS },
  });
  await decideCase(merchantId, decision.caseId, 'release');
  await shop.until(order, { status: 'CONFIRMED', reviewSats: '0' });
  expect(await shop.balances(merchantId)).toMatchObject({
    'compliance.held': { posted: 0n },
    'merchant.available': { posted: DUE_SATS },
  });
  expect(await spendable(merchantId)).toHaveLength(1);
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});

test('frozen money stays where it is, through a reorganisation too', async () => {
  const merchantId = await openStore();
  const { order, decision } = await payFromListed(merchantId);
  await decideCase(merchantId, decision.caseId, 'freeze');
  expect(await shop.balances(merchantId)).toMatchObject({
    'compliance.held': { posted: 0n },
    'compliance.frozen': { posted: DUE_SATS },
  });
  const outside = await shop.readOrder(order);
  expect(outside).toMatchObject({ status: 'UNCONFIRMED', reviewSats: String(DUE_SATS) });
  expect(outside.payments[0]).toMatchObject({ review: 'pending' });
  expect(await spendable(merchantId)).toEqual([]);

  const tip = await regtest.rpc.call<number>('getblockcount');
  const below = await regtest.rpc.call<string>('getblockhash', [tip - 1]);
  await regtest.rpc.call('invalidateblock', [below]);
  await regtest.mine(3);
  await shop.caughtUp(watcher);
  const types = (await shop.events(merchantId)).map(({ type }) => type);
  expect(types).toContain('order.payment_reorged');
  const balances = await shop.balances(merchantId);
  expect(balances).toMatchObject({ 'compliance.frozen': { posted: DUE_SATS } });
  expect(balances['merchant.available']).toBeUndefined();
  expect(await shop.journalIsSound(merchantId)).toBe(true);
});

async function spendable(merchantId: Uuid) {
  const tipHeight = await regtest.rpc.call<number>('getblockcount');
  const [wallet] = await shop.sql<{ id: Uuid }>(
    'SELECT id FROM receiving_wallet WHERE merchant_id = $1',
    [merchantId],
  );
  if (wallet === undefined) throw new Error('the store has a wallet');
  const query = { merchantId, walletId: wallet.id, tipHeight };
  return await shop.database.asSystem((tx) =>
    readSpendableCoins(tx, { ...query, minConfirmations: 1, ownChangeUnconfirmed: false }),
  );
}

test('structured payments on the real chain raise an alert and a case that reviewers see and nobody else', async () => {
  const rateRule = rateRuleSchema.parse({ sources: ['fixed'], minSources: 1 });
  const merchantId = await shop.addMerchant({ rateRule });
  const officer = await person(merchantId, 'compliance:decide');
  const body = { ...defaultComplianceSettings, monitoring: true };
  await ok('PUT', '/v1/compliance/settings', officer, body);
  // As the worker does it, over what the watcher records of the chain.
  const { database, clock, ids } = shop;
  const failed: unknown[] = [];
  const monitoring = startMonitoring({
    ...{ database, clock, ids, network: 'regtest' },
    addressBook: addressBookOver(await screenerOver([])),
    knownLinks: (tx, { merchantId: of, customerId: id }) =>
      readKnownLinks(tx, { merchantId: of, id }),
    onError: (error) => failed.push(error),
  });
  onTestFinished(() => monitoring.stop());
  const key = await api.keyFor(merchantId);
  const running = async () =>
    (await ok('GET', '/v1/compliance/monitoring', officer)).running as boolean;
  await vi.waitFor(async () => expect(await running()).toBe(true), PATIENCE);

  // Three times 4,000 dollars in a minute, each below the 10,000 that has to be reported.
  const wish = { amount: '4000', currency: 'USD', metadata: { customer: 'ann' } };
  const orders: { id: string; address: string; dueSats: string }[] = [];
  for (let i = 0; i < 3; i++) {
    const order = await ok('POST', '/v1/orders', key, wish);
    orders.push(order);
    await regtest.sendTo(order.address, BigInt(order.dueSats));
  }
  await regtest.mine(6);
  await shop.caughtUp(watcher);
  const find = async () =>
    (await ok('GET', '/v1/compliance/alerts?rule=structuring', officer)).data;
  await vi.waitFor(async () => expect(await find()).toHaveLength(1), PATIENCE);
  expect(failed).toEqual([]);
  const [alert] = await find();
  const party = { type: 'party', id: 'reference:ann' };
  expect(alert).toMatchObject({ source: 'monitoring', rule: 'structuring', subject: party });
  const reviewer = await person(merchantId, 'compliance:review');
  const found = await ok('GET', `/v1/compliance/cases/${alert.caseId}`, reviewer);
  expect(found).toMatchObject({ state: 'open', severity: 'high', subject: party });

  // The store's other keys and the payer see paid orders and nothing else.
  const scopes = merchantScopes.filter((scope) => !isComplianceScope(scope));
  const shopKey = await person(merchantId, ...scopes);
  const said: unknown[] = [await shop.events(merchantId)];
  for (const path of ['/v1/orders', '/v1/events', '/v1/alerts', '/v1/audit']) {
    said.push(await ok('GET', path, shopKey));
  }
  for (const { id } of orders) {
    const order = await ok('GET', `/v1/orders/${id}`, shopKey);
    expect(order).toMatchObject({ status: 'CONFIRMED' });
    const status = await ok('GET', `/api/payment/status/${id}`);
    expect(status).toEqual({ orderId: id, status: 'CONFIRMED' });
    said.push(order, status);
  }
  const text = JSON.stringify(said);
  expect(text).toContain(orders[0]?.id);
  expect(text).not.toMatch(/structur|monitoring_|suspicious|"case/i);
  for (const secret of [alert.id, alert.caseId]) expect(text).not.toContain(secret);
  for (const path of [`cases/${alert.caseId}`, 'alerts', 'monitoring']) {
    const refused = await api.send('GET', `/v1/compliance/${path}`, { key: shopKey });
    expect(refused.status).toBe(403);
  }
});

const PATIENCE = { timeout: 30_000, interval: 100 };

async function ok(method: string, path: string, key?: string, body?: unknown) {
  const answer = await api.send(method, path, { key, body });
  expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}
