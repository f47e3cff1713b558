import { manualClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addPayerPages } from '../../apps/server/src/wiring/payer-pages.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let merchant: TestMerchant;
// It stands still: nothing that is remembered grows old.
const clock = manualClock(Date.UTC(2026, 0, 31, 12));

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    ownerUrl: testDatabase.ownerUrl,
    clock,
    addRoutes: (http, database) =>
      addPayerPages(http.app, {
        ...{ database, clock, network: 'regtest', socketsPerAddress: 10 },
        ids: uuidV7Ids(clock, (target) => target),
        random: (target) => target,
        log: { warn: () => undefined },
      }),
  });
  merchant = await api.createMerchant('Corner Coffee');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function change(settings: object): Promise<void> {
  const sent = { key: merchant.key, body: { settings } };
  expect((await api.send('PATCH', `/v1/merchants/${merchant.id}`, sent)).status).toBe(200);
}

async function order() {
  const body = { amount: '0.001', currency: 'BTC' };
  return (await api.send('POST', '/v1/orders', { key: merchant.key, body })).body;
}

test('a change of the settings holds for new orders at once', async () => {
  expect((await order()).latePolicy).toBe('hold');
  await change({ latePolicy: 'accept' });
  await expect.poll(async () => (await order()).latePolicy).toBe('accept');
});

test("the checkout speaks the store's language to whoever asks for none of ours", async () => {
  const { id } = await order();
  const languageOf = async (path: string, wished: string) =>
    (await fetch(api.baseUrl + path, { headers: { 'accept-language': wished } })).headers.get(
      'content-language',
    );
  await change({ defaultLocale: 'zh-TW' });
  expect(await languageOf(`/i/${id}`, 'de')).toBe('zh-TW');
  expect(await languageOf(`/i/${id}/receipt`, 'fr')).toBe('zh-TW');
  expect(await languageOf(`/i/${id}`, 'en')).toBe('en');
  expect(await languageOf(`/i/${id}?lang=zh-CN`, 'de')).toBe('zh-CN');
});
