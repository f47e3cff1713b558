import { randomFillSync } from 'node:crypto';
import { createClient } from '@quittance/client';
import { systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPayerPages } from '../../apps/server/src/wiring/payer-pages.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const CUSTOMER = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const CLAIMS_A_MINUTE = 40;

let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;
const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    ownerUrl: testDatabase.ownerUrl,
    limits: { claim: CLAIMS_A_MINUTE },
    addRoutes: (http, database) =>
      addPayerPages(http.app, {
        ...{ database, ids, clock: systemClock, network: 'regtest', socketsPerAddress: 10 },
        random: (target) => randomFillSync(target),
        log: { warn: () => undefined },
      }),
  });
  shop = await api.createMerchant('Corner Coffee');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

/** A refund of an order that was paid, with the path of its claim link. */
async function promised(wish: object = { mode: 'full' }) {
  const { key } = shop;
  const body = { amount: '0.001', currency: 'BTC', externalId: 'cart-7781' };
  const order = (await api.send('POST', '/v1/orders', { key, body })).body;
  await payOrder(api.database, { id: order.id, amountSats: 100_000n }, ids);
  const path = `/v1/orders/${order.id}/refunds`;
  const refund = (await api.send('POST', path, { key, body: wish })).body;
  return { order, refund, link: new URL(refund.claimUrl).pathname };
}

async function get(path: string) {
  const response = await fetch(api.baseUrl + path, { headers: { 'accept-language': 'en' } });
  return { status: response.status, headers: response.headers, html: await response.text() };
}

async function post(path: string, form: Record<string, string>, headers = {}) {
  const response = await fetch(api.baseUrl + path, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  });
  return { status: response.status, headers: response.headers, html: await response.text() };
}

const read = (id: string) => api.send('GET', `/v1/refunds/${id}`, { key: shop.key });

test('a customer opens the link, puts an address in, checks it and sends it', async () => {
  const { order, refund, link } = await promised();
  const opened = await get(link);
  expect(opened.status).toBe(200);
  expect(opened.html).toContain('Get your refund');
  expect(opened.html).toContain('cart-7781');
  const wrong = await post(link, { step: 'check', address: order.address });
  expect(wrong.status).toBe(422);
  expect(wrong.html).toContain('an address of the store itself');
  const checked = await post(link, { step: 'check', address: ` ${CUSTOMER.toUpperCase()} ` });
  expect(checked.status).toBe(200);
  expect(checked.html).toContain('Refund 0.00100000');
  expect(checked.html).toContain(`value="${CUSTOMER}"`);
  expect((await read(refund.id)).body.address).toBeNull();
  const sent = await post(`${link}?lang=zh-TW`, { step: 'claim', address: CUSTOMER });
  expect({ status: sent.status, location: sent.headers.get('location') }).toEqual({
    ...{ status: 303, location: `${link}?lang=zh-TW` },
  });
  expect((await get(link)).html).toContain('Waiting for the store');
  expect((await read(refund.id)).body).toMatchObject({
    ...{ state: 'PENDING', reason: 'awaiting_approval', address: CUSTOMER },
  });
  const again = await post(link, { step: 'claim', address: CUSTOMER });
  expect(again.status).toBe(303);
  const payouts = (await api.send('GET', '/v1/payouts', { key: shop.key })).body.data;
  expect(payouts).toHaveLength(1);
  expect(payouts[0]).toMatchObject({ source: 'refund', refundId: refund.id, amountSats: '100000' });
});

test('the page is nobody’s to find, to frame, to keep or to send from elsewhere', async () => {
  const { link, refund } = await promised();
  const { headers, html } = await get(link);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-robots-tag')).toContain('noindex');
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(headers.get('content-security-policy')).toContain("form-action 'self'");
  expect(html).toContain('<meta name="robots" content="noindex,nofollow">');
  for (const secret of [refund.id, shop.id, refund.orderId]) expect(html).not.toContain(secret);
  const forged = { 'sec-fetch-site': 'cross-site' };
  expect((await post(link, { step: 'claim', address: CUSTOMER }, forged)).status).toBe(403);
  expect((await read(refund.id)).body.address).toBeNull();
  // The secret of the link is not in the database, and no answer shows it again.
  const secret = link.split('/')[2] ?? '';
  expect(secret).toHaveLength(43);
  const rows = await api.database.asSystem((tx) =>
    tx.query<{ row: string }>(
      `SELECT r::text AS row FROM refund r UNION ALL SELECT k::text FROM idempotency_key k
        UNION ALL SELECT e::text FROM event e`,
    ),
  );
  expect(rows.some(({ row }) => row.includes(secret))).toBe(false);
  expect(JSON.stringify((await read(refund.id)).body)).not.toContain(secret);
});

test('a link that is unknown, old, malformed or over says so and nothing else', async () => {
  const { refund, link } = await promised();
  for (const path of [`/refund/${'A'.repeat(43)}`, '/refund/short', '/refund/%00', `${link}x`]) {
    const { status, html } = await get(path);
    expect(status, path).toBe(404);
    expect(html, path).not.toContain('Corner Coffee');
  }
  const { key } = shop;
  const path = `/v1/refunds/${refund.id}/new-claim-link`;
  const renewed = new URL((await api.send('POST', path, { key })).body.claimUrl).pathname;
  expect((await get(link)).status).toBe(404);
  expect((await get(renewed)).status).toBe(200);
  await api.send('POST', `/v1/refunds/${refund.id}/cancel`, { key });
  expect((await get(renewed)).html).toContain('The refund was taken back');
  expect((await post(renewed, { step: 'claim', address: CUSTOMER })).status).toBe(303);
  expect((await read(refund.id)).body).toMatchObject({ state: 'CANCELLED', address: null });
});

test('what the store can not pay now is no fault of the customer’s and tells nothing of the store', async () => {
  const { key } = shop;
  await api.send('PATCH', '/v1/payout-policy', { key, body: { perPayoutMaxSats: '1234' } });
  const { link, refund } = await promised();
  const refused = await post(link, { step: 'claim', address: CUSTOMER });
  await api.send('PATCH', '/v1/payout-policy', { key, body: { perPayoutMaxSats: null } });
  expect(refused.status).toBe(409);
  expect(refused.html).toContain('can’t take your address at the moment');
  expect(refused.html).not.toMatch(/1234|policy|limit/i);
  expect((await read(refund.id)).body.address).toBeNull();
});

test('a retried request gets the same link; another key does not get to read it', async () => {
  const { order } = await promised({ mode: 'partial', amount: '0.0001' });
  const headers = { 'idempotency-key': 'refund-once' };
  const sent = { key: shop.key, headers, body: { mode: 'partial', amount: '0.0002' } };
  const path = `/v1/orders/${order.id}/refunds`;
  const first = await api.send('POST', path, sent);
  expect(first.status).toBe(201);
  expect((await api.send('POST', path, sent)).body).toEqual(first.body);
  const made = await api.send('GET', path, { key: shop.key });
  expect(made.body.data).toHaveLength(2);
  const over = { mode: 'partial', amount: '0.0008' };
  expect(await api.send('POST', path, { key: shop.key, body: over })).toMatchObject({
    ...{ status: 409, body: { code: 'refund_exceeds_received' } },
  });
});

test('an order in euros is refunded at the rate of its price, or at today’s', async () => {
  const { key } = shop;
  const body = { amount: '60.00', currency: 'EUR' };
  const order = (await api.send('POST', '/v1/orders', { key, body })).body;
  await payOrder(api.database, { id: order.id, amountSats: 100_000n }, ids);
  const path = `/v1/orders/${order.id}/refunds`;
  const wish = { mode: 'partial', amount: '30.00', rate: 'current', deductionBps: 1_000 };
  const preview = await api.send('POST', `${path}/preview`, { key, body: wish });
  expect(preview).toMatchObject({
    status: 200,
    body: {
      ...{ basisSats: '50000', grossSats: '50000', deductionSats: '5000', payoutSats: '45000' },
      ...{ valueCurrency: 'EUR', valueAmount: '27.00', refundableSats: '100000' },
      ...{ rateMode: 'current', aboveReceived: false },
      sourceWarnings: [{ code: 'not_proven' }],
    },
  });
});

test('refund-to-first-input: never without the merchant’s word, and not to an address that is unknown', async () => {
  const { order } = await promised({ mode: 'partial', amount: '0.0001' });
  const path = `/v1/orders/${order.id}/refunds`;
  const wish = { mode: 'full', destination: 'source' };
  const asked = await api.send('POST', path, { key: shop.key, body: wish });
  expect(asked).toMatchObject({ status: 409, body: { code: 'source_risk_not_accepted' } });
  expect(JSON.stringify(asked.body)).toContain('not_proven');
  const accepted = { ...wish, acceptSourceRisk: true, address: CUSTOMER };
  const refused = await api.send('POST', path, { key: shop.key, body: accepted });
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_destination' } });
});

test('guessing and flooding are held back', async () => {
  const { link } = await promised();
  const answers: number[] = [];
  for (let i = 0; i < CLAIMS_A_MINUTE + 5; i++) {
    answers.push((await post(link, { step: 'check', address: 'x' })).status);
  }
  expect(answers.at(-1)).toBe(429);
  expect(api.errors).toEqual([]);
});

test('the report of orders is answered in pages and as a file', async () => {
  const { key } = shop;
  const query = `from=2020-01-01T00:00:00Z&to=2020-06-01T00:00:00Z`;
  const empty = await api.send('GET', `/v1/reports/orders?${query}`, { key });
  expect(empty).toMatchObject({ status: 200, body: { data: [], totals: { orders: 0 } } });
  const year = new Date().getUTCFullYear();
  const now = `from=${year}-01-01T00:00:00Z&to=${year}-12-31T00:00:00Z`;
  const page = await api.send('GET', `/v1/reports/orders?${now}&limit=2`, { key });
  expect(page.body.data).toHaveLength(2);
  expect(page.body.has_more).toBe(true);
  const after = page.body.data[1].orderId;
  const next = await api.send('GET', `/v1/reports/orders?${now}&starting_after=${after}`, { key });
  expect(next.body.data.map((line: { orderId: string }) => line.orderId)).not.toContain(after);
  expect(page.body.totals.orders).toBe(2 + next.body.data.length);
  const file = await fetch(`${api.baseUrl}/v1/reports/orders.csv?${now}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  expect(file.status).toBe(200);
  expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(file.headers.get('content-disposition')).toContain('attachment');
  expect((await file.text()).trimEnd().split('\r\n')).toHaveLength(1 + page.body.totals.orders);
});

test('through the typed client a refund is reckoned, made, listed, renewed and cancelled', async () => {
  const client = createClient({ baseUrl: api.baseUrl, apiKey: shop.key });
  const { order } = await promised({ mode: 'partial', amount: '0.0001' });
  const wish = { mode: 'custom', amount: '0.0002' } as const;
  expect(await client.refunds.preview(order.id, wish)).toMatchObject({ payoutSats: '20000' });
  const made = await client.refunds.create(order.id, wish, { idempotencyKey: 'typed' });
  expect(made).toMatchObject({ state: 'PENDING', basisSats: '20000' });
  const listed = await client.refunds.listOfOrder(order.id, { state: 'PENDING' });
  expect(listed.data).toHaveLength(2);
  expect((await client.refunds.newClaimLink(made.id)).claimUrl).not.toBe(made.claimUrl);
  expect(await client.refunds.cancel(made.id)).toMatchObject({ state: 'CANCELLED' });
  expect(await client.refunds.read(made.id)).toMatchObject({ reason: 'by_merchant' });
  const cancelled = await client.refunds.list({ state: 'CANCELLED' });
  expect(cancelled.data.map(({ id }) => id)).toContain(made.id);
  const period = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 60_000) };
  expect((await client.reports.orders(period)).totals.orders).toBeGreaterThan(0);
});
