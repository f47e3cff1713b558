import { createHash } from 'node:crypto';
import { decodeLnurl } from '@quittance/bitcoin';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  createMemoryNode,
  type MemoryNode,
} from '../../apps/server/src/receiving/lightning/memory-node.test-support.ts';
import type { NewInvoice, NodeInvoice } from '../../apps/server/src/receiving/lightning/index.ts';
import type { TestMerchant } from '../support/api.ts';
import { lnurlGet } from '../support/drawing.ts';
import { type LightningApi, startLightningApi } from '../support/lightning-api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let testDatabase: TestDatabase;
let api: LightningApi;
const nodes = new Map<string, MemoryNode>();
let made = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startLightningApi({
    ownerUrl: testDatabase.ownerUrl,
    nodeAt: (host) => nodes.get(host),
  });
  api.startWorker();
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

type Shop = TestMerchant & {
  node: MemoryNode;
  /** What the node was asked for, and what it made. */
  asked: { request: NewInvoice; made: NodeInvoice }[];
};

async function shop(): Promise<Shop> {
  const merchant = await api.createMerchant(`Shop ${++made}`);
  const node = createMemoryNode();
  const asked: Shop['asked'] = [];
  const create = node.createInvoice.bind(node);
  node.createInvoice = async (request) => {
    const invoice = await create(request);
    asked.push({ request, made: invoice });
    return invoice;
  };
  nodes.set(`lnurl${made}.example`, node);
  const connected = await api.send('POST', '/v1/lightning/nodes', {
    key: merchant.key,
    body: { kind: 'lnd', url: `https://lnurl${made}.example:8080`, macaroon: '0201036c6e64' },
  });
  expect(connected.status, JSON.stringify(connected.body)).toBe(201);
  // Connecting has tried the node out.
  asked.length = 0;
  return { ...merchant, node, asked };
}

async function take(merchant: TestMerchant, body: Record<string, unknown>) {
  return await api.send('POST', '/v1/lightning-addresses', { key: merchant.key, body });
}

const wellKnown = async (name: string) => (await lnurlGet(api, `/.well-known/lnurlp/${name}`)).body;

test('a wallet pays a Lightning address, with a comment; it can ask whether it is paid', async () => {
  const store = await shop();
  const taken = await take(store, { name: 'anna', minSats: '10', maxSats: '5000' });
  expect(taken.body).toMatchObject({
    ...{ name: 'anna', address: 'anna@localhost', enabled: true },
    ...{ minSats: '10', maxSats: '5000', commentLength: 140 },
  });
  expect(decodeLnurl(taken.body.lnurl)).toMatchObject({
    url: 'http://localhost/.well-known/lnurlp/anna',
  });
  const asked = await wellKnown('Anna');
  expect(asked).toMatchObject({ tag: 'payRequest', minSendable: 10_000, maxSendable: 5_000_000 });
  const answer = await lnurlGet(api, asked.callback, { amount: '12345', comment: 'for the cake' });
  const { pr, verify, routes } = answer.body;
  expect(routes).toEqual([]);
  const [invoice] = store.asked;
  expect(invoice?.made).toMatchObject({ bolt11: pr, amountMsat: 12_345n });
  const sha256 = createHash('sha256').update(asked.metadata).digest('hex');
  expect(invoice?.request.description).toEqual({ sha256, text: asked.metadata });
  const paymentHash = invoice?.made.paymentHash ?? '';

  const unpaid = (await lnurlGet(api, verify)).body;
  expect(unpaid).toEqual({ status: 'OK', settled: false, preimage: null, pr });
  store.node.receive(paymentHash);
  await vi.waitFor(
    async () => {
      const paid = (await lnurlGet(api, verify)).body;
      expect(paid).toMatchObject({ status: 'OK', settled: true, pr });
      expect(createHash('sha256').update(Buffer.from(paid.preimage, 'hex')).digest('hex')).toBe(
        paymentHash,
      );
    },
    { timeout: 20_000, interval: 50 },
  );
  const { body } = await api.send('GET', '/v1/ledger/balances', { key: store.key });
  const available = body.data.find(({ code }: { code: string }) => code === 'merchant.available');
  expect(available.posted).toBe('12345');
  const listed = await api.send('GET', '/v1/lightning/invoices', { key: store.key });
  expect(listed.body.data[0].metadata).toMatchObject({
    comment: 'for the cake',
    lightningAddress: 'anna@localhost',
  });
});

test('asking for invoices takes no address of the chain, however often', async () => {
  const store = await shop();
  await take(store, { name: 'often' });
  const addresses = async () =>
    await api.database.asSystem((tx) =>
      tx.one(`SELECT count(*) AS orders FROM orders WHERE merchant_id = $1`, [store.id]),
    );
  const { callback } = await wellKnown('often');
  for (let i = 0; i < 20; i++) {
    expect((await lnurlGet(api, callback, { amount: '1000' })).body.pr).toMatch(/^lnbcrt/);
  }
  expect(await addresses()).toEqual({ orders: 0n });
});

test('what is asked wrongly is refused without an invoice', async () => {
  const store = await shop();
  await take(store, { name: 'strict', minSats: '10', maxSats: '20', commentLength: 5 });
  const { callback } = await wellKnown('strict');
  const wrong: Record<string, string>[] = [
    {},
    { amount: '9999' },
    { amount: '20001' },
    { amount: 'x' },
    { amount: '-10000' },
    { amount: '10000', comment: '123456' },
  ];
  for (const query of wrong) {
    expect((await lnurlGet(api, callback, query)).body).toMatchObject({ status: 'ERROR' });
  }
  expect(store.asked).toEqual([]);
  expect(
    (await lnurlGet(api, callback, { amount: '10000', comment: '12345' })).body.pr,
  ).toBeDefined();
});

test('a name is one store’s on this server, for ever, also when it is switched off', async () => {
  const [one, two] = [await shop(), await shop()];
  const { body } = await take(one, { name: 'mine' });
  expect((await take(two, { name: 'mine' })).body).toMatchObject({ code: 'conflict' });
  const path = `/v1/lightning-addresses/${body.id}`;
  const off = await api.send('PATCH', path, { key: one.key, body: { enabled: false } });
  expect(off.body.enabled).toBe(false);
  expect(await wellKnown('mine')).toMatchObject({ status: 'ERROR' });
  expect((await take(two, { name: 'mine' })).status).toBe(409);
  expect((await api.send('PATCH', path, { key: two.key, body: { enabled: true } })).status).toBe(
    404,
  );
  await api.send('PATCH', path, { key: one.key, body: { enabled: true, description: 'Back' } });
  expect((await wellKnown('mine')).metadata).toContain('Back');
  for (const name of ['admin', 'support']) expect((await take(two, { name })).status).toBe(409);
  for (const name of ['Mine', 'a@b', '.a', 'a-', '', 'x'.repeat(65), 'é']) {
    expect((await take(two, { name })).status, name).toBe(400);
  }
  const upsideDown = await take(two, { name: 'upside', minSats: '20', maxSats: '10' });
  expect(upsideDown.status).toBe(400);
  expect((await take(two, { name: 'nothing', minSats: '0' })).body.code).toBe('invalid_amount');
  const huge = { name: 'huge', maxSats: '9'.repeat(40) };
  expect((await take(two, huge)).body.code).toBe('amount_too_large');
});

test('a payer is told that it can not be paid now, and no more, when there is no node or it is away', async () => {
  const none = await api.createMerchant('No node');
  await take(none, { name: 'nonode' });
  const unavailable = {
    status: 'ERROR',
    reason: 'This address can not be paid now. Try again later.',
  };
  expect((await lnurlGet(api, '/lnurl/pay/nonode', { amount: '1000' })).body).toEqual(unavailable);
  const store = await shop();
  await take(store, { name: 'away' });
  store.node.setAway(true);
  expect((await lnurlGet(api, '/lnurl/pay/away', { amount: '1000' })).body).toEqual(unavailable);
});

test('verification answers for payers’ invoices alone', async () => {
  const store = await shop();
  const own = await api.send('POST', '/v1/lightning/invoices', {
    key: store.key,
    body: { amountMsat: '1000', description: 'own' },
  });
  expect(own.status, JSON.stringify(own.body)).toBe(201);
  expect((await lnurlGet(api, `/lnurl/verify/${own.body.id}`)).body).toEqual({
    status: 'ERROR',
    reason: 'Not found',
  });
});
