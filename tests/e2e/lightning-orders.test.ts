import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  createMemoryNode,
  type MemoryNode,
} from '../../apps/server/src/receiving/lightning/memory-node.test-support.ts';
import type { TestMerchant } from '../support/api.ts';
import { type LightningApi, startLightningApi } from '../support/lightning-api.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { randomFillSync } from 'node:crypto';
import pg from 'pg';

const MACAROON = '0201036c6e64supersecret';
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
  // A node that is away is said by 503; nothing else fails by our own fault.
  const faults = api.errors.filter(({ code }) => code !== 'lightning_unavailable');
  expect(faults).toEqual([]);
  await api.close();
  await testDatabase.drop();
});

type Shop = TestMerchant & { node: MemoryNode; nodeId: string };

async function shop(options: Parameters<typeof createMemoryNode>[0] = {}): Promise<Shop> {
  const merchant = await api.createMerchant('Shop');
  const host = `node${++made}.example`;
  const node = createMemoryNode(options);
  nodes.set(host, node);
  const answer = await connect(merchant, host);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return { ...merchant, node, nodeId: answer.body.id };
}

const connect = (merchant: TestMerchant, host: string) =>
  api.send('POST', '/v1/lightning/nodes', {
    key: merchant.key,
    body: { kind: 'lnd', url: `https://${host}:8080`, macaroon: MACAROON },
  });

const order = async (merchant: TestMerchant, more: object = {}) => {
  const body = { amount: '0.001', currency: 'BTC', ...more };
  return (await api.send('POST', '/v1/orders', { key: merchant.key, body })).body;
};
const view = async (id: string) => (await api.send('GET', `/i/${id}/view`)).body;
const read = async (merchant: TestMerchant, id: string) =>
  (await api.send('GET', `/v1/orders/${id}`, { key: merchant.key })).body;
const until = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 20_000, interval: 20 });
const invoiceOf = async (merchant: TestMerchant, orderId: string) => {
  const path = `/v1/orders/${orderId}/lightning-invoice`;
  return await api.send('POST', path, { key: merchant.key });
};
const balance = async (merchant: TestMerchant, code: string) => {
  const { body } = await api.send('GET', '/v1/ledger/balances', { key: merchant.key });
  const found = body.data.find((each: { code: string }) => each.code === code);
  return BigInt(found?.posted ?? 0);
};
const untilStatus = (merchant: TestMerchant, id: string, status: string) =>
  until(async () => {
    const now = await read(merchant, id);
    expect(now.status).toBe(status);
    return now;
  });

test('an order gets its invoice when somebody looks at it, and is paid at once when that is paid', async () => {
  const store = await shop();
  const { id, lightning } = await order(store);
  expect(lightning).toBeNull();
  const shown = await view(id);
  expect(shown.lightning.bolt11).toMatch(/^lnbcrt/);
  expect(shown.bip21).toContain(`lightning=${shown.lightning.bolt11}`);
  const asked = await read(store, id);
  expect(asked.lightning).toMatchObject({ amountSats: '100000', bolt11: shown.lightning.bolt11 });
  expect(Date.parse(asked.lightning.expiresAt)).toBeLessThanOrEqual(Date.parse(asked.expiresAt));
  store.node.receive(asked.lightning.paymentHash, 100_000_999n);
  const paid = await untilStatus(store, id, 'CONFIRMED');
  expect(paid.payments).toMatchObject([
    { method: 'lightning', txid: null, state: 'final', amountSats: '100000', late: false },
  ]);
  expect(paid.lightning).toBeNull();
  expect(await balance(store, 'lightning.channels')).toBe(100_000_999n);
  expect(await balance(store, 'merchant.available')).toBe(100_000_999n);
  expect(await balance(store, 'receipts.unapplied')).toBe(0n);
  expect(await view(id)).toMatchObject({
    status: 'CONFIRMED',
    confirmations: { have: 1, need: 1 },
    payments: [{ method: 'lightning', state: 'confirmed' }],
  });
});

test('many who look at one order at once share one invoice', async () => {
  const store = await shop();
  const { id } = await order(store);
  const before = store.node.created;
  const views = await Promise.all(Array.from({ length: 12 }, () => view(id)));
  expect(new Set(views.map(({ lightning }) => lightning.bolt11)).size).toBe(1);
  expect(store.node.created - before).toBe(1);
});

test('a part that is paid on chain gives up the invoice, and the rest gets a new one', async () => {
  const store = await shop();
  const { id } = await order(store);
  const first = (await invoiceOf(store, id)).body;
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  await payOrder(api.database, { id, amountSats: 40_000n }, ids);
  await until(async () => expect(store.node.invoiceOf(first.paymentHash).state).toBe('cancelled'));
  const second = (await view(id)).lightning;
  expect(second.bolt11).not.toBe(first.bolt11);
  const { paymentHash, amountSats } = (await read(store, id)).lightning;
  expect(amountSats).toBe('60000');
  store.node.receive(paymentHash);
  expect((await untilStatus(store, id, 'CONFIRMED')).receivedSats).toBe('100000');
});

test('late-payment-lost: both invoices of an order that are paid are both credited', async () => {
  const store = await shop();
  const { id } = await order(store);
  const first = (await invoiceOf(store, id)).body.paymentHash;
  // Paid at the node before the server hears that a part came on chain.
  store.node.receive(first);
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  await payOrder(api.database, { id, amountSats: 100_000n }, ids);
  const paid = await untilStatus(store, id, 'OVERPAID');
  expect(paid.payments.map(({ method }: { method: string }) => method).toSorted()).toEqual([
    'lightning',
    'onchain',
  ]);
  expect(paid.excessSats).toBe('100000');
});

test('an invoice ends with its order: cancelled at the node, and what still arrives is late', async () => {
  const store = await shop();
  const { id } = await order(store);
  const { paymentHash } = (await invoiceOf(store, id)).body;
  await api.send('POST', `/v1/orders/${id}/cancel`, { key: store.key });
  await until(async () => expect(store.node.invoiceOf(paymentHash).state).toBe('cancelled'));
  // A node that takes it all the same.
  store.node.tell({
    ...{ type: 'invoice_settled', paymentHash, receivedMsat: 100_000_000n, preimage: null },
    atMs: Date.now() + 1_000,
  });
  const late = await until(async () => {
    const now = await read(store, id);
    expect(now.lateSats).toBe('100000');
    return now;
  });
  expect(late.payments).toMatchObject([{ method: 'lightning', late: true }]);
  expect(await balance(store, 'receipts.unapplied')).toBe(100_000_000n);
});

test('a node that is away delays no order: the page shows the chain alone, and money waits for it', async () => {
  const store = await shop();
  const paid = await order(store);
  const { paymentHash } = (await invoiceOf(store, paid.id)).body;
  store.node.setAway(true);
  const { id } = await order(store);
  const startedAt = performance.now();
  expect((await view(id)).lightning).toBeNull();
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect((await invoiceOf(store, id)).body.code).toBe('lightning_unavailable');
  const path = `/v1/lightning/nodes/${store.nodeId}`;
  const red = (await api.send('GET', path, { key: store.key })).body;
  expect(red.health).toMatchObject({ state: 'red', problem: expect.stringContaining('answers') });
  expect(red.balances).not.toBeNull();
  expect(red.health.ageSeconds).not.toBeNull();
  store.node.setAway(false);
  store.node.receive(paymentHash);
  await untilStatus(store, paid.id, 'CONFIRMED');
  const green = (await api.send('GET', path, { key: store.key })).body;
  expect(green).toMatchObject({ health: { state: 'green' }, info: { synced: true } });
  expect(green.balances.channelsMsat).toBe('100000000');
});

test('more than the channels can receive is asked for on chain alone', async () => {
  const store = await shop();
  store.node.setChannels({ receivableMsat: 99_999_999n });
  const { id } = await order(store);
  expect((await view(id)).lightning).toBeNull();
  expect((await invoiceOf(store, id)).body.code).toBe('lightning_node_refused');
});

test('the setting lightning turns it off, and gives up what is open', async () => {
  const store = await shop();
  const { id } = await order(store);
  const { paymentHash } = (await invoiceOf(store, id)).body;
  const change = { key: store.key, body: { settings: { lightning: false } } };
  expect((await api.send('PATCH', `/v1/merchants/${store.id}`, change)).status).toBe(200);
  expect((await view((await order(store)).id)).lightning).toBeNull();
  await until(async () => expect(store.node.invoiceOf(paymentHash).state).toBe('cancelled'));
  const gone = await until(async () => {
    const path = `/v1/lightning/nodes/${store.nodeId}`;
    const answer = await api.send('DELETE', path, { key: store.key });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body;
  });
  expect(gone).toMatchObject({ active: false, health: { state: 'red' } });
});

test('what is in the channels when a node is connected is the opening balance, its past is not', async () => {
  const merchant = await api.createMerchant('Old');
  const node = createMemoryNode();
  node.setChannels({ channelsMsat: 5_000_123n, inFlightMsat: 1_000n });
  node.tell({
    ...{ type: 'invoice_settled', paymentHash: 'aa'.repeat(32), receivedMsat: 7n, preimage: null },
    atMs: 1,
  });
  nodes.set('old.example', node);
  const connected = await connect(merchant, 'old.example');
  expect(connected.status, JSON.stringify(connected.body)).toBe(201);
  expect(await balance(merchant, 'lightning.channels')).toBe(5_001_123n);
  node.receive((await node.createInvoice(plain(9_000n))).paymentHash);
  await until(async () => expect(await balance(merchant, 'lightning.channels')).toBe(5_010_123n));
});

const plain = (amountMsat: bigint) => ({ amountMsat, description: '', expirySeconds: 60 });

test('a node is one store’s: the same one in another store is refused, and so is a second one', async () => {
  const store = await shop();
  const stranger = await api.createMerchant('Stranger');
  const { nodeId } = await store.node.info();
  nodes.set('same.example', createMemoryNode({ nodeId }));
  expect((await connect(stranger, 'same.example')).body.code).toBe('lightning_node_taken');
  nodes.set('second.example', createMemoryNode());
  expect((await connect(store, 'second.example')).body.code).toBe('lightning_node_taken');
  expect(await balance(stranger, 'lightning.channels')).toBe(0n);
});

test('a node that can not be used is refused with what is wrong, and nothing is stored', async () => {
  const merchant = await api.createMerchant('Wrong');
  expect((await connect(merchant, 'nobody.example')).body.code).toBe('lightning_node_unreachable');
  nodes.set('main.example', createMemoryNode({ network: 'mainnet' }));
  expect((await connect(merchant, 'main.example')).body.code).toBe('lightning_node_wrong_network');
  const listed = await api.send('GET', '/v1/lightning/nodes', { key: merchant.key });
  expect(listed.body.data).toEqual([]);
});

test('credentials are in no answer, no audit entry and no row of the database', async () => {
  const store = await shop();
  const said = [
    await api.send('GET', '/v1/lightning/nodes', { key: store.key }),
    await api.send('GET', `/v1/lightning/nodes/${store.nodeId}`, { key: store.key }),
    await api.send('GET', '/v1/audit', { key: store.key }),
  ];
  expect(said.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(JSON.stringify(said.map(({ body }) => body))).not.toContain('supersecret');
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  const { rows } = await owner.query('SELECT sealed FROM lightning_node');
  await owner.end();
  expect(rows.length).toBeGreaterThan(0);
  for (const { sealed } of rows) expect(String(sealed)).not.toContain('supersecret');
});

test('connecting again under the same key gives the same answer, without asking the node', async () => {
  const merchant = await api.createMerchant('Twice');
  const node = createMemoryNode();
  nodes.set('twice.example', node);
  const sent = {
    key: merchant.key,
    body: { kind: 'lnd', url: 'https://twice.example:8080', macaroon: MACAROON },
    headers: { 'idempotency-key': 'once' },
  };
  const first = await api.send('POST', '/v1/lightning/nodes', sent);
  node.setAway(true);
  const second = await api.send('POST', '/v1/lightning/nodes', sent);
  expect(second.status).toBe(201);
  expect(second.body).toEqual(first.body);
  expect(second.headers.get('idempotency-replayed')).toBe('true');
});

test('hold invoices: what is paid waits, and is taken with its preimage alone', async () => {
  const store = await shop();
  const preimage = randomBytes(32);
  const paymentHash = createHash('sha256').update(preimage).digest('hex');
  const body = { amountMsat: '5000', description: 'Deposit', hold: true, paymentHash };
  const send = (path: string, more: object = {}) =>
    api.send('POST', path, { key: store.key, ...more });
  const { id, state } = (await send('/v1/lightning/invoices', { body })).body;
  expect(state).toBe('open');
  expect((await send('/v1/lightning/invoices', { body })).status).toBe(409);
  const settle = (hex: string) =>
    send(`/v1/lightning/invoices/${id}/settle`, { body: { preimage: hex } });
  expect((await settle(preimage.toString('hex'))).status).toBe(409);
  store.node.receive(paymentHash);
  const stateIs = (wanted: string) =>
    until(async () => {
      const now = await api.send('GET', `/v1/lightning/invoices/${id}`, { key: store.key });
      expect(now.body.state).toBe(wanted);
    });
  await stateIs('held');
  expect(await balance(store, 'lightning.channels')).toBe(0n);
  expect((await settle('00'.repeat(32))).status).toBe(400);
  expect((await settle(preimage.toString('hex'))).body.state).toBe('settling');
  await stateIs('settled');
  expect((await settle(preimage.toString('hex'))).body.state).toBe('settled');
  expect(await balance(store, 'merchant.available')).toBe(5_000n);
  expect((await send(`/v1/lightning/invoices/${id}/cancel`)).status).toBe(409);
  const events = await until(async () => {
    const { body: page } = await api.send('GET', '/v1/events', { key: store.key });
    const types = page.data.map(({ type }: { type: string }) => type);
    expect(types).toContain('lightning.invoice_settled');
    return types;
  });
  expect(events).toContain('lightning.invoice_held');
});

test('hold invoices: what is cancelled goes back, and no money is booked', async () => {
  const store = await shop();
  const paymentHash = randomBytes(32).toString('hex');
  const body = { amountMsat: null, hold: true, paymentHash };
  const made = await api.send('POST', '/v1/lightning/invoices', { key: store.key, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  store.node.receive(paymentHash, 777n);
  const path = `/v1/lightning/invoices/${made.body.id}`;
  await until(async () =>
    expect((await api.send('GET', path, { key: store.key })).body.state).toBe('held'),
  );
  await api.send('POST', `${path}/cancel`, { key: store.key });
  await until(async () =>
    expect((await api.send('GET', path, { key: store.key })).body).toMatchObject({
      ...{ state: 'cancelled', reason: 'asked', receivedMsat: '0' },
    }),
  );
  expect(store.node.invoiceOf(paymentHash).state).toBe('cancelled');
  expect(await balance(store, 'lightning.channels')).toBe(0n);
});

test('every POST of Lightning honours Idempotency-Key: the same answer, one effect', async () => {
  const store = await shop();
  const { id } = await order(store);
  const preimage = randomBytes(32);
  const paymentHash = createHash('sha256').update(preimage).digest('hex');
  const twice = async (path: string, body?: object) => {
    const sent = { key: store.key, body, headers: { 'idempotency-key': path } };
    const first = await api.send('POST', path, sent);
    expect(first.status, JSON.stringify(first.body)).toBeLessThan(300);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const asked = store.node.created;
    const second = await api.send('POST', path, sent);
    expect(second.headers.get('idempotency-replayed'), path).toBe('true');
    expect({ ...second, headers: null }).toEqual({ ...first, headers: null });
    expect(store.node.created, 'the node is asked once').toBe(asked);
    return first.body.id as string;
  };
  await twice(`/v1/orders/${id}/lightning-invoice`);
  const held = await twice('/v1/lightning/invoices', { hold: true, paymentHash });
  store.node.receive(paymentHash, 5n);
  await until(async () => {
    const now = await api.send('GET', `/v1/lightning/invoices/${held}`, { key: store.key });
    expect(now.body.state).toBe('held');
  });
  await twice(`/v1/lightning/invoices/${held}/settle`, { preimage: preimage.toString('hex') });
  const body = { amountMsat: '9000' };
  const open = (await api.send('POST', '/v1/lightning/invoices', { key: store.key, body })).body.id;
  await twice(`/v1/lightning/invoices/${open}/cancel`);
});

test('a node whose balance is not what the book says is a break, until somebody explains it', async () => {
  const store = await shop();
  const compare = async () =>
    (await api.send('POST', '/v1/reconciliations', { key: store.key, body: {} })).body.lightning;
  const { id } = await order(store);
  store.node.receive((await invoiceOf(store, id)).body.paymentHash);
  await untilStatus(store, id, 'CONFIRMED');
  expect(await compare()).toMatchObject({
    ...{ state: 'ok', bookMsat: '100000000', nodeMsat: '100000000', differenceMsat: '0' },
  });
  store.node.setChannels({ channelsMsat: 99_998_500n });
  expect(await compare()).toMatchObject({ state: 'break', differenceMsat: '1500' });
  const open = async () => {
    const { body } = await api.send('GET', '/v1/alerts?state=open', { key: store.key });
    return body.data.map(({ kind }: { kind: string }) => kind);
  };
  expect(await open()).toContain('lightning_balance_break');
  store.node.setAway(true);
  expect(await compare()).toMatchObject({ state: 'unreadable', nodeMsat: null });
  expect(await open()).toContain('lightning_balance_break');
  store.node.setAway(false);
  const body = { changeMsat: '-1500', reason: 'Fee of a channel' };
  const path = `/v1/lightning/nodes/${store.nodeId}/adjustments`;
  const sent = { key: store.key, body, headers: { 'idempotency-key': 'explain' } };
  const adjusted = await api.send('POST', path, sent);
  expect(adjusted.status, JSON.stringify(adjusted.body)).toBe(201);
  const again = await api.send('POST', path, sent);
  expect(again.body).toEqual(adjusted.body);
  expect(await compare()).toMatchObject({ state: 'ok', differenceMsat: '0' });
  expect(await open()).not.toContain('lightning_balance_break');
});
