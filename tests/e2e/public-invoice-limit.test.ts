import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { defaultRateLimits } from '../../apps/server/src/platform/http/index.ts';

/** What exhausted a rival's processor in a day (btcpayserver#744). */
const ORDERS = 800;
const AT_ONCE = 16;

/** The default is twenty times that, which only takes longer to reach. */
const PUBLIC_LIMIT = 300;

let testDatabase: TestDatabase;
let api: TestApi;
let merchant: TestMerchant;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const limits = { ...defaultRateLimits, public: PUBLIC_LIMIT };
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, limits });
  merchant = await api.createMerchant('Busy shop');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

test('public-invoice-limit: a busy shop makes 800 orders in one go, none refused, each its own address', async () => {
  const body = { amount: '12.50', currency: 'EUR' };
  const addresses = new Set<string>();
  const statuses = new Set<number>();
  async function client(): Promise<void> {
    for (let n = 0; n < ORDERS / AT_ONCE; n++) {
      const answer = await api.send('POST', '/v1/orders', { key: merchant.key, body });
      statuses.add(answer.status);
      addresses.add(String(answer.body.address));
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  expect([...statuses]).toEqual([201]);
  expect(addresses.size).toBe(ORDERS);
}, 60_000);

test('public-invoice-limit: a stranger who floods the public routes is slowed down, and the shop is not', async () => {
  const order = await api.send('POST', '/v1/orders', {
    key: merchant.key,
    body: { amount: '12.50', currency: 'EUR' },
  });
  const path = `/api/payment/status/${order.body.id}`;
  let refused = 0;
  for (let n = 0; n <= PUBLIC_LIMIT && refused === 0; n += AT_ONCE) {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE * 4 }, () => api.send('GET', path)),
    );
    refused += answers.filter(({ status }) => status === 429).length;
  }
  expect(refused).toBeGreaterThan(0);
  const shop = await api.send('GET', `/v1/orders/${order.body.id}`, { key: merchant.key });
  expect(shop.status).toBe(200);
}, 60_000);
