import type { Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { readMerchant } from '../../tenancy/merchants/index.ts';
import { audienceReader } from './audience.ts';
import { raiseAlert } from './raise-alert.ts';
import { resolveAlert } from './resolve-alert.ts';
import { alertDeps, lowWallet } from './test-support.ts';

let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;
const deps = {
  ...alertDeps(),
  readAudience: audienceReader({ readMerchant, operatorEmails: ['ops@pay.example'] }),
};
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
  shop = await api.createMerchant('Corner Coffee');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const raise = (subject: string, merchantId: Uuid | null = shop.id) =>
  api.database.asSystem((tx) => raiseAlert(tx, deps, lowWallet(merchantId, { subject })));
const set = (settings: object) =>
  api.send('PATCH', `/v1/merchants/${shop.id}`, { key: shop.key, body: { settings } });

test('an alert is listed, read with its e-mails in the language of the store, and acknowledged once', async () => {
  await set({ alertEmails: ['till@shop.example'], defaultLocale: 'zh-TW', storeName: '街角咖啡' });
  const { id } = await raise('wallet 1');
  const listed = await api.send('GET', '/v1/alerts?state=open&kind=hot_wallet_low', {
    key: shop.key,
  });
  expect(listed.body).toMatchObject({
    data: [{ id, count: 1, resolvedAt: null }],
    has_more: false,
  });
  const read = await api.send('GET', `/v1/alerts/${id}`, { key: shop.key });
  expect(read.body).toMatchObject({
    severity: 'warning',
    title: 'The wallet that pays out runs low',
    emails: [{ recipient: 'till@shop.example', state: 'pending', attempts: 0, cause: 'opened' }],
  });
  const [email] = await api.database.asTenant(shop.id, (tx) =>
    tx.query<{ subject: string; body: string }>('SELECT subject, body FROM alert_email'),
  );
  expect(email?.subject).toBe('[警告] 付款錢包餘額不足 – 街角咖啡');
  expect(email?.body).toContain('處理辦法：');

  const acknowledge = () =>
    api.send('POST', `/v1/alerts/${id}/acknowledge`, {
      key: shop.key,
      headers: { 'idempotency-key': 'ack-1' },
    });
  const [first, again] = [await acknowledge(), await acknowledge()];
  expect(first.status).toBe(200);
  expect(first.body.acknowledgedBy).toMatch(/^key:/);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  const later = await api.send('POST', `/v1/alerts/${id}/acknowledge`, { key: shop.key });
  expect(later.body).toEqual(first.body);
  const audit = await api.send('GET', '/v1/audit', { key: shop.key });
  const noted = audit.body.data.filter(
    ({ action }: { action: string }) => action === 'alert.acknowledged',
  );
  expect(noted).toMatchObject([{ subject: id, detail: { kind: 'hot_wallet_low' } }]);
});

test('a resolved alert can not be acknowledged', async () => {
  const { id } = await raise('wallet 2');
  const over = { merchantId: shop.id, kind: 'hot_wallet_low', subject: 'wallet 2' } as const;
  await api.database.asSystem((tx) => resolveAlert(tx, deps, over));
  const answer = await api.send('POST', `/v1/alerts/${id}/acknowledge`, { key: shop.key });
  expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const listed = await api.send('GET', '/v1/alerts?state=resolved', { key: shop.key });
  expect(listed.body.data.map((one: { id: string }) => one.id)).toEqual([id]);
});

test('the administrator sees and acknowledges the alerts of the instance, and no others', async () => {
  const theirs = await raise('wallet 3');
  const { id } = await raise('wallet of the instance', null);
  const listed = await api.send('GET', '/v1/alerts', { key: api.adminKey });
  expect(listed.body.data.map((one: { id: string }) => one.id)).toEqual([id]);
  const read = await api.send('GET', `/v1/alerts/${id}`, { key: api.adminKey });
  expect(read.body.emails).toMatchObject([{ recipient: 'ops@pay.example' }]);
  for (const [which, key] of [
    [theirs.id, api.adminKey],
    [id, shop.key],
  ]) {
    expect((await api.send('GET', `/v1/alerts/${which}`, { key })).status).toBe(404);
    const path = `/v1/alerts/${which}/acknowledge`;
    expect((await api.send('POST', path, { key })).status).toBe(404);
  }
  const answer = await api.send('POST', `/v1/alerts/${id}/acknowledge`, { key: api.adminKey });
  expect(answer.status).toBe(200);
});

test('who may only read alerts acknowledges none', async () => {
  const { id } = await raise('wallet 4');
  const body = { name: 'reader', scopes: ['alerts:read'] };
  const { secret } = (await api.send('POST', '/v1/api-keys', { key: shop.key, body })).body;
  expect((await api.send('GET', `/v1/alerts/${id}`, { key: secret })).status).toBe(200);
  const answer = await api.send('POST', `/v1/alerts/${id}/acknowledge`, { key: secret });
  expect(answer.status).toBe(403);
});

test('alertEmails takes ten different addresses, and nothing that is more than an address', async () => {
  const many = Array.from({ length: 11 }, (_, i) => `a${i}@shop.example`);
  expect((await set({ alertEmails: many.slice(1) })).status).toBe(200);
  for (const alertEmails of [
    many,
    ['a@shop.example', 'A@shop.example'],
    ['a@shop.example, b@shop.example'],
    ['Till <a@shop.example>'],
    ['a@shop.example\r\nBcc: b@shop.example'],
    ['"a b"@shop.example'],
    ['a@localhost'],
    ['ä@shop.example'],
    [`${'a'.repeat(250)}@shop.example`],
  ]) {
    const answer = await set({ alertEmails });
    expect(answer.status, JSON.stringify(alertEmails)).toBe(400);
  }
});

test('without a mail server nobody is e-mailed', async () => {
  await set({ alertEmails: ['till@shop.example'] });
  const readAudience = audienceReader({ readMerchant, operatorEmails: undefined });
  const seen = lowWallet(shop.id, { subject: 'wallet 5' });
  const { id } = await api.database.asSystem((tx) =>
    raiseAlert(tx, { ...deps, readAudience }, seen),
  );
  const read = await api.send('GET', `/v1/alerts/${id}`, { key: shop.key });
  expect(read.body.emails).toEqual([]);
});
