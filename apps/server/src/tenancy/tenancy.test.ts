import { randomFillSync } from 'node:crypto';
import { complianceScopes, firstKeyScopes, merchantScopes } from '@quittance/contract';
import { manualClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../platform/db/index.ts';
import { buildHttp, type Http } from '../platform/http/index.ts';
import { addAuditRoutes } from './audit/index.ts';
import { addKeyRoutes, ensureAdminKey, type KeyRing, openKeyRing } from './keys/index.ts';
import { addMerchantRoutes } from './merchants/index.ts';

let testDatabase: TestDatabase;
let database: Database;
let ring: KeyRing;
let http: Http;
let adminKey: string;
const clock = manualClock(Date.UTC(2026, 0, 31, 12));
const random = (target: Uint8Array) => randomFillSync(target);
const deps = { clock, random, ids: uuidV7Ids(clock, random) };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  const made = await Promise.all(Array.from({ length: 5 }, () => ensureAdminKey(database, deps)));
  expect(made.filter((key) => key !== null)).toHaveLength(1);
  adminKey = made.find((key) => key !== null)?.secret ?? '';
  await start();
});
afterAll(async () => {
  await http.close();
  await ring.close();
  await database.close();
  await testDatabase.drop();
});

async function start(): Promise<void> {
  ring = await openKeyRing({ database, clock, onError: (error) => expect.fail(String(error)) });
  http = await buildHttp({
    authenticate: ring.authenticate,
    log: { error: (details) => console.error(details) },
    version: '0',
    publicUrl: 'http://localhost',
    instanceTag: 't',
    checkAnswers: true,
  });
  const all = { ...deps, database, forgetKey: ring.forget };
  addKeyRoutes(http.app, all);
  addAuditRoutes(http.app, all);
  addMerchantRoutes(http.app, {
    ...all,
    addWallet: () => Promise.reject(new Error('no descriptor is sent here')),
  });
}

type Sent = { key?: string; body?: unknown; idempotencyKey?: string };
async function send(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, sent: Sent = {}) {
  const response = await http.app.inject({
    method,
    url,
    headers: {
      ...(sent.key === undefined ? {} : { authorization: `Bearer ${sent.key}` }),
      ...(sent.idempotencyKey === undefined ? {} : { 'idempotency-key': sent.idempotencyKey }),
      ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(sent.body === undefined ? {} : { payload: JSON.stringify(sent.body) }),
  });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

async function createMerchant(name = 'Corner Coffee') {
  const { status, body } = await send('POST', '/v1/merchants', { key: adminKey, body: { name } });
  expect(status).toBe(201);
  return { id: body.merchant.id as string, key: body.apiKey.secret as string, body };
}

test('a merchant is made with complete settings and a key that works', async () => {
  const { id, key, body } = await createMerchant();
  expect(body.merchant.settings).toMatchObject({ toleranceBelowBps: 100, confirmationsAbove: 12 });
  expect(body.apiKey.scopes).toEqual([...firstKeyScopes]);
  const own = await send('GET', '/v1/merchant', { key });
  expect(own).toMatchObject({ status: 200, body: { id } });
});

test("a store's first key may do all but compliance, and nobody but the administrator gives that", async () => {
  const { id, key } = await createMerchant();
  expect([...firstKeyScopes, ...complianceScopes]).toEqual([...merchantScopes]);
  for (const scope of complianceScopes) {
    const body = { name: 'officer', scopes: [scope] };
    const own = await send('POST', '/v1/api-keys', { key, body });
    expect(own).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const admins = { key: adminKey, body };
    const made = await send('POST', `/v1/merchants/${id}/api-keys`, admins);
    expect(made).toMatchObject({ status: 201, body: { scopes: [scope] } });
  }
});

test('a retry of making a merchant gives the same key, which the database does not hold', async () => {
  const request = { key: adminKey, body: { name: 'Twice' }, idempotencyKey: 'merchant-1' };
  const first = await send('POST', '/v1/merchants', request);
  const second = await send('POST', '/v1/merchants', request);
  expect(second.body).toEqual(first.body);
  expect(second.headers['idempotency-replayed']).toBe('true');
  const secret: string = first.body.apiKey.secret;
  const dump = await database.asSystem((tx) =>
    tx.query<{ row: string }>(
      `SELECT row::text FROM (SELECT k FROM api_key k) AS row
       UNION ALL SELECT response::text FROM idempotency_key`,
    ),
  );
  expect(dump.length).toBeGreaterThan(1);
  for (const { row } of dump) expect(row).not.toContain(secret.slice(-20));
});

test('a change of settings keeps the others, is bounded and is noted with old and new value', async () => {
  const { id, key } = await createMerchant();
  const change = { settings: { toleranceBelowBps: 0, storeName: 'Café' } };
  const changed = await send('PATCH', `/v1/merchants/${id}`, { key, body: change });
  expect(changed.body.settings).toMatchObject({ ...change.settings, toleranceAboveBps: 100 });
  const again = await send('PATCH', `/v1/merchants/${id}`, { key, body: change });
  expect(again.body).toEqual(changed.body);
  const audit = await send('GET', '/v1/audit', { key });
  const entries = audit.body.data.filter(
    (entry: { action: string }) => entry.action === 'settings.updated',
  );
  expect(entries).toHaveLength(1);
  expect(entries[0].detail).toEqual({
    toleranceBelowBps: { from: 100, to: 0 },
    storeName: { from: null, to: 'Café' },
  });
  for (const settings of [
    { toleranceBelowBps: 5_001 },
    { confirmationsAbove: 0 },
    {
      confirmationTiers: [
        { belowSats: '2', confirmations: 1 },
        { belowSats: '1', confirmations: 1 },
      ],
    },
    { confirmationTiers: [{ belowSats: '-2', confirmations: 1 }] },
    { rateRule: { minSources: 0 } },
    { logoUrl: 'javascript:alert(1)' },
    { colour: '#ffffff' },
  ]) {
    const refused = await send('PATCH', `/v1/merchants/${id}`, { key, body: { settings } });
    expect(refused.status, JSON.stringify(settings)).toBe(400);
    expect(refused.body.fields[0].pointer).toMatch(/^\/settings\//);
  }
});

test('another merchant can neither be read nor changed: it does not exist', async () => {
  const { id } = await createMerchant('A');
  const { key } = await createMerchant('B');
  const path = `/v1/merchants/${id}`;
  expect((await send('GET', path, { key })).status).toBe(404);
  expect((await send('PATCH', path, { key, body: { name: 'mine' } })).status).toBe(404);
  expect((await send('GET', path, { key: adminKey })).body.name).toBe('A');
});

test('a key can not make a key that may do more than itself', async () => {
  const { key } = await createMerchant();
  const body = { name: 'narrow', scopes: ['keys:write', 'orders:read'] };
  const narrow = await send('POST', '/v1/api-keys', { key, body });
  expect(narrow.status).toBe(201);
  const ask = (scopes: string[]) =>
    send('POST', '/v1/api-keys', { key: narrow.body.secret, body: { name: 'x', scopes } });
  expect((await ask(['orders:write'])).status).toBe(403);
  expect((await ask(['keys:read', 'orders:read'])).status).toBe(201);
  expect((await ask(['instance:admin'])).status).toBe(400);
});

test('a revoked key stops working at once, here and in another process', async () => {
  const { key } = await createMerchant();
  const body = { name: 'short-lived', scopes: ['orders:read'] };
  const made = (await send('POST', '/v1/api-keys', { key, body })).body;
  const other = await openKeyRing({ database, clock, onError: () => {} });
  const atOther = async () => {
    const found = other.authenticate(made.secret);
    return typeof found === 'function' ? await found() : found;
  };
  expect(await atOther()).toMatchObject({ keyId: made.id });
  const current = () => send('GET', '/v1/api-keys/current', { key: made.secret });
  expect((await current()).status).toBe(200);
  expect((await send('DELETE', `/v1/api-keys/${made.id}`, { key })).body.revokedAt).not.toBeNull();
  expect((await current()).status).toBe(401);
  await expect.poll(atOther).toBeUndefined();
  await other.close();
});

test('a key is valid until its expiry and not a millisecond longer', async () => {
  const { key } = await createMerchant();
  const expiresAt = new Date(clock.nowMs() + 1_000).toISOString();
  const body = { name: 'until then', scopes: ['orders:read'], expiresAt };
  const { secret } = (await send('POST', '/v1/api-keys', { key, body })).body;
  const current = async () => (await send('GET', '/v1/api-keys/current', { key: secret })).status;
  clock.advance(999);
  expect(await current()).toBe(200);
  clock.advance(1);
  expect(await current()).toBe(401);
  expect((await send('POST', '/v1/api-keys', { key, body })).status).toBe(400);
});

test('a key with one wrong character is not valid', async () => {
  const { key } = await createMerchant();
  for (const at of [3, 10, 36, key.length - 1]) {
    const wrong = key.slice(0, at) + (key[at] === '1' ? '2' : '1') + key.slice(at + 1);
    expect((await send('GET', '/v1/merchant', { key: wrong })).status, wrong).toBe(401);
  }
});

test('last use is noted, once a minute at most', async () => {
  const { key } = await createMerchant();
  const lastUsed = async () => {
    const { body } = await send('GET', '/v1/api-keys', { key });
    return body.data[0].lastUsedAt as string | null;
  };
  await lastUsed();
  await expect.poll(lastUsed).toBe(new Date(clock.nowMs()).toISOString());
  const first = await lastUsed();
  clock.advance(59_000);
  await lastUsed();
  expect(await lastUsed()).toBe(first);
  clock.advance(1_000);
  await expect.poll(lastUsed).toBe(new Date(clock.nowMs()).toISOString());
});

test('lists come in pages without a gap or a double', async () => {
  const { key } = await createMerchant();
  for (let i = 0; i < 6; i++) {
    clock.advance(1);
    await send('POST', '/v1/api-keys', { key, body: { name: `${i}`, scopes: ['orders:read'] } });
  }
  const names: string[] = [];
  for (let after = ''; ; ) {
    const page = (await send('GET', `/v1/api-keys?limit=3${after}`, { key })).body;
    names.push(...page.data.map((item: { name: string }) => item.name));
    if (!page.has_more) break;
    after = `&starting_after=${page.data.at(-1).id}`;
  }
  expect(names).toEqual(['5', '4', '3', '2', '1', '0', 'first key']);
  expect((await send('GET', '/v1/api-keys?limit=101', { key })).status).toBe(400);
  expect((await send('GET', '/v1/api-keys?page=2', { key })).status).toBe(400);
});
