import { createHash, randomFillSync, randomUUID } from 'node:crypto';
import { orderSchema } from '@quittance/contract';
import { createClient } from '@quittance/client';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  orderSettled,
  paymentConfirmed,
  paymentSeen,
  postTransfers,
} from '../../apps/server/src/accounting/ledger/index.ts';
import { raiseAlert } from '../../apps/server/src/telling/notifications/index.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { customerCalls } from '../support/customers.ts';
import { regtestDescriptor } from '../support/descriptors.ts';
import { monitoringPosts } from '../support/monitoring.ts';
import { payOrder } from '../support/pay-order.ts';
import { filingCalls } from '../support/filings.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { riskCalls } from '../support/risk.ts';
import { ownAddressBody, screeningCalls } from '../support/screening.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
  shop = await api.createMerchant('Shop');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function countOrders(): Promise<number> {
  const { count } = await api.database.asSystem((tx) =>
    tx.one<{ count: bigint }>('SELECT count(*) FROM orders'),
  );
  return Number(count);
}

test('an order is made, read, listed and cancelled through the typed client', async () => {
  const client = createClient({ baseUrl: api.baseUrl, apiKey: shop.key });
  const order = await client.orders.create({
    amount: '19.90',
    currency: 'EUR',
    externalId: 'cart-1',
    metadata: { table: '12' },
  });
  orderSchema.parse(order);
  // 19.90 EUR at 60000 EUR per bitcoin are 33166.67 sat, rounded up.
  expect(order).toMatchObject({ status: 'PENDING', dueSats: '33167', metadata: { table: '12' } });
  expect(await client.orders.read(order.id)).toEqual(order);
  const listed = await client.orders.list({ externalId: 'cart-1' });
  expect(listed).toEqual({ data: [order], has_more: false });
  expect(await client.orders.list({ status: 'CONFIRMED' })).toEqual({ data: [], has_more: false });
  expect((await client.orders.cancel(order.id)).cancelledAt).not.toBeNull();
  // Events stay hidden while an older transaction of the database server is open.
  const types = async () => (await client.events.list()).data.map((event) => event.type);
  await expect.poll(types, { timeout: 20_000 }).toContain('order.created');
  expect((await client.wallets.list()).data[0]?.gap.current).toBeGreaterThan(0);
  expect((await client.rates.read('EUR')).pricePerBtc).toBe('60000.00000000');
  expect(await client.ledger.balances()).toMatchObject({ data: [] });
  expect(api.errors).toEqual([]);
});

test('duplicate-order-on-retry: 32 twins make one order, and so does a retry much later', async () => {
  const before = await countOrders();
  const sent = {
    key: shop.key,
    body: { amount: '5.00', currency: 'EUR' },
    headers: { 'idempotency-key': randomUUID() },
  };
  const twins = await Promise.all(
    Array.from({ length: 32 }, () => api.send('POST', '/v1/orders', sent)),
  );
  expect(new Set(twins.map((twin) => twin.status))).toEqual(new Set([201]));
  for (const twin of twins) expect(twin.body).toEqual(twins[0]?.body);
  const replayed = twins.filter((twin) => twin.headers.get('idempotency-replayed') === 'true');
  expect(replayed).toHaveLength(31);
  expect(await countOrders()).toBe(before + 1);
  const retry = await api.send('POST', '/v1/orders', sent);
  expect(retry.body).toEqual(twins[0]?.body);
  expect(retry.headers.get('idempotency-replayed')).toBe('true');
  // The order of the fields does not make another request, another amount does.
  const turned = { ...sent, body: { currency: 'EUR', amount: '5.00' } };
  expect((await api.send('POST', '/v1/orders', turned)).status).toBe(201);
  const other = { ...sent, body: { amount: '5.01', currency: 'EUR' } };
  const mismatch = await api.send('POST', '/v1/orders', other);
  expect(mismatch).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  expect(await countOrders()).toBe(before + 1);
});

test('without a key, or with another, the same body makes another order', async () => {
  const before = await countOrders();
  const body = { amount: '5.00', currency: 'EUR' };
  await api.send('POST', '/v1/orders', { key: shop.key, body });
  await api.send('POST', '/v1/orders', { key: shop.key, body });
  for (const key of ['a', 'b', '~ !', 'x'.repeat(255)]) {
    const headers = { 'idempotency-key': `${key}` };
    await api.send('POST', '/v1/orders', { key: shop.key, body, headers });
  }
  expect(await countOrders()).toBe(before + 6);
  for (const wrong of ['', 'x'.repeat(256), 'caf\u00e9']) {
    const headers = { 'idempotency-key': wrong };
    const refused = await api.send('POST', '/v1/orders', { key: shop.key, body, headers });
    expect(refused.status, wrong).toBe(400);
  }
});

test('every POST honours Idempotency-Key: the same answer, one effect', async () => {
  const own = await api.send('POST', '/v1/orders', {
    key: shop.key,
    body: { amount: '1', currency: 'EUR' },
  });
  const paid = await api.send('POST', '/v1/orders', {
    key: shop.key,
    body: { amount: '0.001', currency: 'BTC' },
  });
  const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
  await payOrder(api.database, { id: paid.body.id, amountSats: 100_000n }, ids);
  const refund = { mode: 'partial', amount: '0.0002' };
  const path = `/v1/orders/${paid.body.id}/refunds`;
  const promise = async () =>
    (await api.send('POST', path, { key: shop.key, body: refund })).body.id as string;
  const [promised, cancelled] = [await promise(), await promise()];
  const endpoint = await api.send('POST', '/v1/webhook-endpoints', {
    key: shop.key,
    body: { url: 'https://shop.example/hook' },
  });
  const id = endpoint.body.id as string;
  const wallet = await api.send('GET', '/v1/wallets', { key: shop.key });
  const calls: Record<string, { path?: string; key?: string; body?: unknown }> = {
    '/v1/orders': { body: { amount: '1', currency: 'EUR' } },
    '/v1/orders/:id/cancel': { path: `/v1/orders/${own.body.id}/cancel` },
    '/v1/orders/:id/refunds': { path: `/v1/orders/${paid.body.id}/refunds`, body: refund },
    '/v1/orders/:id/refunds/preview': {
      path: `/v1/orders/${paid.body.id}/refunds/preview`,
      body: refund,
    },
    '/v1/refunds/:id/new-claim-link': { path: `/v1/refunds/${promised}/new-claim-link` },
    '/v1/refunds/:id/cancel': { path: `/v1/refunds/${cancelled}/cancel` },
    '/v1/webhook-endpoints': { body: { url: 'https://shop.example/two' } },
    '/v1/webhook-endpoints/:id/test': { path: `/v1/webhook-endpoints/${id}/test` },
    '/v1/webhook-endpoints/:id/rotate': { path: `/v1/webhook-endpoints/${id}/rotate` },
    '/v1/webhook-endpoints/:id/remove-old-secrets': {
      path: `/v1/webhook-endpoints/${id}/remove-old-secrets`,
    },
    '/v1/webhook-endpoints/:id/replay': {
      path: `/v1/webhook-endpoints/${id}/replay`,
      body: { since: '2026-01-01T00:00:00Z' },
    },
    '/v1/payouts': { body: payout },
    '/v1/payouts/:id/approve': { path: `/v1/payouts/${await makePayout()}/approve` },
    '/v1/payouts/:id/cancel': { path: `/v1/payouts/${await makePayout()}/cancel` },
    '/v1/payouts/:id/retry': { path: `/v1/payouts/${await makePayout('approve')}/retry` },
    '/v1/payouts/:id/pay': { path: `/v1/payouts/${await makePayout('approve')}/pay` },
    '/v1/payout-batches': { body: { payouts: [payout] } },
    '/v1/payout-batches/:id/accept': { path: `/v1/payout-batches/${await makeBatch()}/accept` },
    '/v1/payout-batches/:id/approve': {
      path: `/v1/payout-batches/${await makeBatch('accept')}/approve`,
    },
    '/v1/payout-processors': { body: { kind: 'onchain' } },
    '/v1/pull-payments': { body: pull },
    '/v1/pull-payments/:id/approve': { path: `/v1/pull-payments/${await makePull()}/approve` },
    '/v1/pull-payments/:id/archive': { path: `/v1/pull-payments/${await makePull()}/archive` },
    '/v1/pull-payments/:id/new-link': { path: `/v1/pull-payments/${await makePull()}/new-link` },
    '/v1/cards': { body: card },
    '/v1/cards/:id/wipe': { path: `/v1/cards/${await makeCard()}/wipe` },
    '/v1/cards/:id/programming-link': { path: `/v1/cards/${await makeCard()}/programming-link` },
    '/v1/lightning-addresses': { body: { name: 'tips' } },
    '/v1/compliance/addresses': { body: ownAddressBody },
    ...(await screeningCalls(api)),
    '/v1/alerts/:id/acknowledge': { path: `/v1/alerts/${await raiseSome()}/acknowledge` },
    '/v1/wallets': { body: { descriptor: otherDescriptor() } },
    '/v1/wallets/:id/deposit-addresses': {
      path: `/v1/wallets/${wallet.body.data[0].id}/deposit-addresses`,
    },
    '/v1/reconciliations': { body: {} },
    '/v1/merchants': { key: api.adminKey, body: { name: 'Another' } },
    '/v1/merchants/:id/api-keys': {
      ...{ key: api.adminKey, path: `/v1/merchants/${shop.id}/api-keys` },
      body: { name: 'k', scopes: ['orders:read'] },
    },
    '/v1/api-keys': { body: { name: 'k', scopes: ['orders:read'] } },
    ...(await casePosts()),
    ...(await monitoringPosts(api, shop)),
    ...(await customerCalls(api, shop)),
    ...(await riskCalls(api, shop)),
    '/api/payment/create': { body: { merchantId: shop.id, amount: '1', currency: 'EUR' } },
  };
  Object.assign(calls, await filingCalls(api, shop, () => makePayout()));
  /** These answer 409 here, and a failed request is not stored. */
  const failing = new Set([
    ...['/v1/orders/:id/accept-late', '/v1/webhook-deliveries/:id/replay'],
    // Without coins there is nothing to spend; spends-idempotency.test.ts has them and a node.
    ...['/v1/spends/:id/bump', '/v1/spends/:id/cancel', '/v1/spends/:id/child'],
    ...['/v1/wallets/:id/lift-payment', '/v1/wallets/:id/consolidate'],
    // Nor without a Lightning node; lightning-orders.test.ts has one.
    ...['/v1/lightning/nodes', '/v1/lightning/invoices', '/v1/orders/:id/lightning-invoice'],
    '/v1/lightning/nodes/:id/adjustments',
    ...['/v1/lightning/invoices/:id/settle', '/v1/lightning/invoices/:id/cancel'],
    // Nothing is held here; wallet-holds.test.ts has a wallet that is.
    '/v1/wallets/:id/release-hold',
    // Without lists there are no hits; customers.test.ts has both.
    '/v1/compliance/customer-hits/:id/decide',
    // Needs the owner's signature; compliance/travel-rule has it.
    '/v1/compliance/travel-rule/transfers/:id/proof',
  ]);
  const posts = api.api.http.routes.filter((route) => route.method === 'POST');
  for (const { url, idempotency } of posts) {
    // A dry run changes nothing, so there is nothing that a retry could do twice.
    if (failing.has(url) || idempotency === 'none') continue;
    const call = calls[url];
    expect(call, `${url} has no call in this test`).toBeDefined();
    const sent = {
      key: call?.key ?? shop.key,
      body: call?.body,
      headers: { 'idempotency-key': `every ${url}` },
    };
    const first = await api.send('POST', call?.path ?? url, sent);
    expect(first.status, `${url} ${JSON.stringify(first.body)}`).toBeLessThan(300);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const state = await stateHash();
    const second = await api.send('POST', call?.path ?? url, sent);
    expect(second.headers.get('idempotency-replayed'), url).toBe('true');
    expect({ ...second, headers: null }).toEqual({ ...first, headers: null });
    expect(await stateHash(), url).toBe(state);
  }
});

/** Each on a case of its own, in the state that it needs. */
async function casePosts(): Promise<Record<string, { path?: string; key?: string; body: object }>> {
  const path = async (what: string) => `/v1/compliance/cases/${await makeCase()}/${what}`;
  const [approved, rejected, reopened] = [await makeCase(), await makeCase(), await makeCase()];
  const outcome = 'dismiss';
  const propose = async (id: string) => {
    const sent = { key: shop.key, body: { outcome, reason: 'x' } };
    const { body } = await api.send('POST', `/v1/compliance/cases/${id}/proposal`, sent);
    return body.proposal.id as string;
  };
  const key = await api.keyFor(shop.id);
  const approve = async (id: string) => ({
    ...{ path: `/v1/compliance/cases/${id}/approve`, key },
    body: { proposalId: await propose(id), outcome },
  });
  const closing = await approve(reopened);
  await api.send('POST', closing.path, closing);
  return {
    '/v1/compliance/alerts': { body: caseAlert },
    '/v1/compliance/cases/:id/assign': { path: await path('assign'), body: { keyId: null } },
    '/v1/compliance/cases/:id/comments': { path: await path('comments'), body: { text: 'x' } },
    '/v1/compliance/cases/:id/evidence': {
      ...{ path: await path('evidence'), body: { title: 'x', data: {} } },
    },
    '/v1/compliance/cases/:id/clock': {
      path: await path('clock'),
      body: { detectedAt: '2026-01-01T00:00:00Z', suspectKnownAt: null, reason: 'x' },
    },
    '/v1/compliance/cases/:id/proposal': {
      ...{ path: await path('proposal'), body: { outcome, reason: 'x' } },
    },
    '/v1/compliance/cases/:id/approve': await approve(approved),
    '/v1/compliance/cases/:id/reject': {
      path: `/v1/compliance/cases/${rejected}/reject`,
      body: { proposalId: await propose(rejected), reason: 'x' },
    },
    '/v1/compliance/cases/:id/reopen': {
      ...{ path: `/v1/compliance/cases/${reopened}/reopen`, body: { reason: 'x' } },
    },
  };
}

const caseAlert = { subject: { type: 'party', id: 'x' }, severity: 'low', summary: 'seen' };

async function makeCase(): Promise<string> {
  const subject = { type: 'party', id: randomUUID() };
  const sent = { key: shop.key, body: { ...caseAlert, subject } };
  return (await api.send('POST', '/v1/compliance/alerts', sent)).body.caseId as string;
}

const pull = { name: 'Prizes', amount: '100000', currency: 'SAT' };
const card = { name: 'Till', balance: { amount: '100000', currency: 'SAT' } };

async function makePull(): Promise<string> {
  const { body } = await api.send('POST', '/v1/pull-payments', { key: shop.key, body: pull });
  return body.pullPayment.id as string;
}

async function makeCard(): Promise<string> {
  const { body } = await api.send('POST', '/v1/cards', { key: shop.key, body: card });
  return body.card.id as string;
}

const payout = {
  destination: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  amount: '1000',
  currency: 'SAT',
};

async function makePayout(then?: 'approve'): Promise<string> {
  const { body } = await api.send('POST', '/v1/payouts', { key: shop.key, body: payout });
  if (then !== undefined) await decide(`/v1/payouts/${body.id}/${then}`);
  return body.id;
}

async function makeBatch(then?: 'accept'): Promise<string> {
  const body = { payouts: [payout] };
  const made = await api.send('POST', '/v1/payout-batches', { key: shop.key, body });
  if (then !== undefined) await decide(`/v1/payout-batches/${made.body.id}/${then}`);
  return made.body.id;
}

async function decide(path: string): Promise<void> {
  await earn();
  const answer = await api.send('POST', path, { key: shop.key });
  expect(answer.status, path).toBe(200);
}

/** A store can promise only what it has. */
async function earn(): Promise<void> {
  const [paymentId, orderId] = [randomUUID(), randomUUID()];
  const paid = { paymentId, orderId, epoch: 0, amountSats: 100_000n, atMs: Date.now() };
  const args = { merchantId: shop.id, ...paid };
  const settled = orderSettled({ ...args, dueSats: args.amountSats, excessSats: 0n });
  await api.database.asSystem((tx) =>
    postTransfers(tx, [paymentSeen(args), paymentConfirmed(args), settled]),
  );
}

async function raiseSome(): Promise<string> {
  const deps = {
    clock: systemClock,
    ids: uuidV7Ids(systemClock, (target) => randomFillSync(target)),
    readAudience: async () => ({ store: 'S', locale: 'en', emails: [] }) as const,
  };
  const { id } = await api.database.asSystem((tx) =>
    raiseAlert(tx, deps, {
      merchantId: shop.id,
      kind: 'signer_unavailable',
      subject: 'signer',
      severity: 'critical',
      facts: { reason: 'no answer' },
    }),
  );
  return id;
}

async function stateHash(): Promise<string> {
  const rows = await api.database.asSystem((tx) =>
    tx.query<{ row: string }>(
      `SELECT o::text AS row FROM orders o UNION ALL SELECT e::text FROM event e
       UNION ALL SELECT a::text FROM audit_entry a UNION ALL SELECT w::text FROM receiving_wallet w
       UNION ALL SELECT h::text FROM webhook_endpoint h UNION ALL SELECT i::text FROM idempotency_key i
       UNION ALL SELECT l::text FROM alert l
       ORDER BY row`,
    ),
  );
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

function otherDescriptor(): string {
  return regtestDescriptor(60_000);
}

test('float-money: the classic amount is taken as its digits say, text or number', async () => {
  for (const [amount, dueBtc] of [
    ['0.29', '0.29000000'],
    ['"0.29"', '0.29000000'],
    ['0.00000547', '0.00000547'],
    ['0.1', '0.10000000'],
  ]) {
    const response = await fetch(`${api.baseUrl}/api/payment/create`, {
      method: 'POST',
      headers: { authorization: `Bearer ${shop.key}`, 'content-type': 'application/json' },
      body: `{"merchantId":"${shop.id}","amount":${amount},"currency":"BTC"}`,
    });
    const body = JSON.parse(await response.text());
    expect(body.amount, JSON.stringify(body)).toBe(dueBtc);
    expect(body.qrCode).toMatch(/^data:image\/png;base64,iVBOR/);
    const status = await api.send('GET', `/api/payment/status/${body.orderId}`);
    expect(status.body).toEqual({ orderId: body.orderId, status: 'PENDING' });
  }
  const stranger = await api.createMerchant('Stranger');
  const forged = { merchantId: shop.id, amount: '1', currency: 'EUR' };
  const refused = await api.send('POST', '/api/payment/create', {
    key: stranger.key,
    body: forged,
  });
  expect(refused.status).toBe(403);
  expect((await api.send('GET', `/api/payment/status/${randomUUID()}`)).status).toBe(404);
});

test('the OpenAPI document names every route, its scope and a schema for each answer', async () => {
  const { body: document } = await api.send('GET', '/v1/openapi.json');
  expect(document.openapi).toBe('3.1.0');
  const documented = new Set<string>();
  const names = new Set<string>();
  for (const [path, methods] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      documented.add(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
      expect(names.has(operation.operationId), operation.operationId).toBe(false);
      names.add(operation.operationId);
      expect(Object.keys(operation.responses).length).toBeGreaterThanOrEqual(3);
    }
  }
  const routes = api.api.http.routes
    .filter(({ method, url }) => method !== 'HEAD' && /^\/(v1|api)\//.test(url))
    .map(({ method, url }) => `${method} ${url}`)
    .filter((route) => route !== 'GET /v1/openapi.json');
  expect([...documented].sort()).toEqual(routes.sort());
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    expect(document.components.schemas, `${name}`).toHaveProperty([name ?? '']);
  }
});
type Operation = { operationId: string; responses: Record<string, unknown> };
