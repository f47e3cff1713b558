import { randomFillSync, randomUUID } from 'node:crypto';
import { uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import {
  customerBody,
  customerSettingsBody,
  pdfBody,
  screenCustomers,
  testScreener,
} from '../support/customers.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let shiftMs = 0;
const clock = { nowMs: () => Date.now() + shiftMs };
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
/** A key from the administrator: another person than the store's first one. */
let second: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const screener = await testScreener();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock, screener });
  store = await api.createMerchant('Store');
  second = await api.keyFor(store.id);
  await screenCustomers(api, store);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

const PATH = '/v1/compliance/customers';

async function post(path: string, body: unknown = {}, key = store.key) {
  return await api.send('POST', path, { key, body });
}
async function get(path: string, key = store.key) {
  return (await api.send('GET', path, { key })).body;
}
async function create(changed: Record<string, unknown> = {}) {
  const made = await post(PATH, { ...customerBody, ...changed });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body;
}
function named(text: string) {
  return { names: [{ text, kind: 'primary' }] };
}
async function verify(id: string, level = 'basic', more: Record<string, unknown> = {}) {
  return await post(`${PATH}/${id}/verify`, { level, reason: 'seen in person', ...more });
}
async function order(body: Record<string, unknown>) {
  return await post('/v1/orders', { amount: '10.00', currency: 'EUR', ...body });
}
async function putSettings(changed: Record<string, unknown>, key = store.key) {
  const body = { ...customerSettingsBody, ...changed };
  const put = await api.send('PUT', '/v1/compliance/customer-settings', { key, body });
  expect(put.status, JSON.stringify(put.body)).toBe(200);
}

/** Where in the whole database a text stands, in the clear, as hexadecimal or as base64. */
async function tablesWith(texts: readonly string[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')`,
    );
    const forms = texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      return [text, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
    });
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query(
        `SELECT 1 FROM ${client.escapeIdentifier(name)} t
          WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS f (form)
                         WHERE position(lower(f.form) IN lower(t::text)) > 0) LIMIT 1`,
        [forms],
      );
      if (rows.length > 0) found.push(name);
    }
    return found;
  } finally {
    await client.end();
  }
}

test('a customer is taken in, found by what is known exactly, changed and listed', async () => {
  const made = await create({
    names: [
      { text: 'Дмитрий Иванов', kind: 'original' },
      { text: 'Dmitri Ivanov-Probe', kind: 'primary' },
    ],
    email: 'Dmitri@shop.example',
    reference: 'cart-9',
    identifiers: [{ type: 'passport', country: 'CH', value: 'x 123-45' }],
  });
  expect(made).toMatchObject({ state: 'pending', level: 'none', risk: 'low', openHits: 0 });
  expect(made.screenedAt).not.toBeNull();
  expect(made.profile.names.map(({ script }: { script: string }) => script)).toEqual([
    'Cyrl',
    'Latn',
  ]);
  expect(await get(`${PATH}/${made.id}`)).toEqual(made);
  for (const wish of [
    { reference: 'cart-9' },
    { email: 'dmitri@SHOP.example' },
    { identifier: { type: 'passport', country: 'CH', value: 'X12345' } },
    { person: { name: 'ivanov-probe DMITRI', birthDate: '1985-05-20' } },
  ]) {
    const { body } = await post(`${PATH}/find`, wish);
    expect(
      body.data.map(({ id }: { id: string }) => id),
      JSON.stringify(wish),
    ).toEqual([made.id]);
  }
  const other = { person: { name: 'Dmitri Ivanov-Probe', birthDate: '1985-05-21' } };
  expect((await post(`${PATH}/find`, other)).body.data).toEqual([]);
  const patched = await api.send('PATCH', `${PATH}/${made.id}`, {
    ...{ key: store.key, body: { reference: 'cart-10' } },
  });
  expect(patched.body).toMatchObject({ version: 2, profile: { reference: 'cart-10' } });
  expect((await post(`${PATH}/find`, { reference: 'cart-9' })).body.data).toEqual([]);
  const listed = await get(`${PATH}?state=pending&kind=person&limit=100`);
  expect(listed.data.map(({ id }: { id: string }) => id)).toContain(made.id);
  expect(api.errors).toEqual([]);
});

test('what a verification proves can not be changed under it', async () => {
  const { id } = await create(named('Vera Wandel'));
  expect((await verify(id)).body).toMatchObject({ state: 'approved', level: 'basic' });
  expect(await get(`${PATH}/${id}`)).toMatchObject({ state: 'verified', level: 'basic' });
  const patch = (body: unknown) => api.send('PATCH', `${PATH}/${id}`, { key: store.key, body });
  expect((await patch({ phone: '+41791234567' })).body).toMatchObject({ state: 'verified' });
  expect((await patch({ birthDate: '1985-05-21' })).body).toMatchObject({
    ...{ state: 'pending', level: 'none', verifiedAt: null },
  });
});

test('enhanced takes two persons, and two keys of one person are one', async () => {
  const { id } = await create(named('Gerda Zweimal'));
  const proposed = (await verify(id, 'enhanced')).body;
  expect(proposed).toMatchObject({ state: 'proposed', endedAt: null });
  expect(await get(`${PATH}/${id}`)).toMatchObject({ state: 'pending', level: 'none' });
  const { body: own } = await post('/v1/api-keys', { name: 'k', scopes: ['compliance:decide'] });
  const path = `/v1/compliance/customer-verifications/${proposed.id}/approve`;
  for (const key of [store.key, own.secret]) {
    expect((await post(path, { reason: 'me again' }, key)).status).toBe(403);
  }
  expect((await post(path, { reason: 'agreed' }, second)).body).toMatchObject({
    ...{ state: 'approved', decidedBy: expect.stringContaining('key:') },
  });
  expect(await get(`${PATH}/${id}`)).toMatchObject({ state: 'verified', level: 'enhanced' });
});

test('a verification ends when the first of its documents runs out', async () => {
  const { id } = await create(named('Otto Ablauf'));
  const tomorrow = new Date(clock.nowMs() + 86_400_000).toISOString().slice(0, 10);
  const { body: paper } = await post(`${PATH}/${id}/documents`, {
    ...pdfBody,
    expiresOn: tomorrow,
  });
  await verify(id, 'standard', { documentIds: [paper.id] });
  expect(await get(`${PATH}/${id}`)).toMatchObject({ level: 'standard' });
  shiftMs += 3 * 86_400_000;
  expect(await get(`${PATH}/${id}`)).toMatchObject({ state: 'verified', level: 'none' });
  const expired = { ...pdfBody, expiresOn: tomorrow };
  const { body: old } = await post(`${PATH}/${id}/documents`, expired);
  expect((await verify(id, 'basic', { documentIds: [old.id] })).status).toBe(409);
  const strange = await verify(id, 'basic', { documentIds: [randomUUID()] });
  expect(strange).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
});

test('a document is what its bytes say; who reads it is noted; it comes back as it was', async () => {
  const { id } = await create(named('Dora Papier'));
  const path = `${PATH}/${id}/documents`;
  const script = Buffer.from('<svg onload="alert(1)">').toString('base64');
  for (const content of [script, 'AAAA====', '%%%%', 'QQ=']) {
    const refused = await post(path, { type: 'passport', content });
    expect([400, 422], content).toContain(refused.status);
  }
  const bytes = Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(300_000, 7)]);
  const content = bytes.toString('base64');
  const { body: paper } = await post(path, { type: 'passport', content });
  expect(paper).toMatchObject({ mediaType: 'application/pdf', sizeBytes: bytes.length });
  const url = `${api.baseUrl}/v1/compliance/customer-documents/${paper.id}/content`;
  const { body: auditor } = await post('/v1/api-keys', { name: 'a', scopes: ['compliance:read'] });
  const asAuditor = await fetch(url, { headers: { authorization: `Bearer ${auditor.secret}` } });
  expect(asAuditor.status).toBe(403);
  const read = await fetch(url, { headers: { authorization: `Bearer ${store.key}` } });
  expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
  expect(read.headers.get('content-type')).toBe('application/pdf');
  expect(read.headers.get('content-disposition')).toMatch(/^attachment; filename="passport-/);
  const log = await get(`${PATH}/${id}/log`);
  expect(log.data[0]).toMatchObject({ action: 'document_read', detail: { documentId: paper.id } });
  expect(log.data.map(({ action }: { action: string }) => action)).toEqual([
    ...['document_read', 'document_added', 'created'],
  ]);
});

test('owners make risk and refuse circles; the persons behind are named with exact parts', async () => {
  const anna = await create(named('Anna Eigner'));
  const bert = await create({ ...named('Bert Eigner'), nationalities: ['IR'] });
  const entity = (text: string) =>
    create({ ...named(text), kind: 'entity', birthDate: null, nationalities: [] });
  const [holding, shop] = [await entity('Holding AG'), await entity('Laden GmbH')];
  const put = (id: string, owners: unknown[]) =>
    api.send('PUT', `${PATH}/${id}/owners`, { key: store.key, body: { owners } });
  const part = (customerId: string, shareBps: number) => ({ customerId, shareBps });
  expect((await put(holding.id, [part(anna.id, 6_000), part(bert.id, 4_000)])).status).toBe(200);
  const owned = await put(shop.id, [part(holding.id, 5_000), part(anna.id, 1_000)]);
  expect(owned.body).toMatchObject({
    beneficialOwners: [{ customerId: anna.id, sharePercent: '40.000000', controls: false }],
    unknownPercent: '40.000000',
  });
  expect(await get(`${PATH}/${shop.id}`)).toMatchObject({
    ...{ risk: 'high', riskReasons: ['high_risk_owner'] },
  });
  const circle = await put(holding.id, [part(shop.id, 100)]);
  expect(circle.body.fields[0].detail).toBe('ownership would go round in a circle');
  expect((await get(`${PATH}/${holding.id}/owners`)).owners).toHaveLength(2);
  // Bert is blocked: of the holding he has too little, until he has half.
  await post(`${PATH}/${bert.id}/block`, { reason: 'court order' });
  expect(await get(`${PATH}/${holding.id}`)).toMatchObject({ blockedByOwners: false });
  await put(holding.id, [part(anna.id, 5_000), part(bert.id, 5_000)]);
  for (const id of [holding.id, shop.id]) {
    expect(await get(`${PATH}/${id}`), id).toMatchObject({ blockedByOwners: true, level: 'none' });
  }
  const alone = await post(`${PATH}/${bert.id}/unblock`, { reason: 'lifted' });
  expect(alone.status).toBe(403);
  await post(`${PATH}/${bert.id}/unblock`, { reason: 'lifted' }, second);
  expect(await get(`${PATH}/${shop.id}`)).toMatchObject({ blockedByOwners: false });
});

test('two changes of owners at once close no circle between them', async () => {
  const entity = (text: string) =>
    create({ ...named(text), kind: 'entity', birthDate: null, nationalities: [] });
  for (let round = 0; round < 5; round++) {
    const [one, two] = [await entity(`Eins ${round}`), await entity(`Zwei ${round}`)];
    const put = (id: string, owner: string) =>
      api.send('PUT', `${PATH}/${id}/owners`, {
        ...{ key: store.key, body: { owners: [{ customerId: owner, shareBps: 10_000 }] } },
      });
    const both = await Promise.all([put(one.id, two.id), put(two.id, one.id)]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
  }
});

test('a hit keeps from being verified until it is dismissed; confirmed, it blocks and says no more', async () => {
  const made = await create({ ...named('Boris Yakovlevich Grozny-Testov'), nationalities: ['CH'] });
  expect(made).toMatchObject({ openHits: 1, level: 'none' });
  expect((await verify(made.id)).status).toBe(409);
  const [hit] = (await get(`${PATH}/${made.id}/hits`)).data;
  expect(hit).toMatchObject({ list: 'sanctions', entryId: 's1', category: 'sanctions' });
  const { parts } = hit.explanation;
  const sum = parts.reduce((all: number, part: { points: number }) => all + part.points, 0);
  expect((sum / 10_000).toFixed(4)).toBe(hit.score);
  const told = JSON.stringify([
    await get('/v1/compliance/alerts?limit=100'),
    await get(`/v1/compliance/cases/${hit.caseId}`),
  ]);
  expect(told).toContain(hit.id);
  // What a case keeps for ever does not name the customer.
  expect(told).not.toMatch(/Grozny/i);
  const path = `/v1/compliance/customer-hits/${hit.id}/decide`;
  const { body: reviewer } = await post('/v1/api-keys', {
    name: 'r',
    scopes: ['compliance:review'],
  });
  const decision = { decision: 'dismissed', reason: 'another birth date' };
  expect((await post(path, decision, reviewer.secret)).status).toBe(403);
  const once = { key: store.key, body: decision, headers: { 'idempotency-key': 'dismissed once' } };
  const dismissed = await api.send('POST', path, once);
  expect(dismissed.body).toMatchObject({ state: 'dismissed', reason: 'another birth date' });
  const replayed = await api.send('POST', path, once);
  expect(replayed.headers.get('idempotency-replayed')).toBe('true');
  expect(replayed.body).toEqual(dismissed.body);
  expect((await post(`${PATH}/${made.id}/screen`)).body).toMatchObject({ openHits: 0 });
  expect((await verify(made.id)).status).toBe(201);
  // The customer changes: it is asked again.
  await api.send('PATCH', `${PATH}/${made.id}`, { key: store.key, body: { gender: 'male' } });
  const [again] = (await get(`${PATH}/${made.id}/hits`)).data;
  expect(again).toMatchObject({ state: 'open' });
  expect(again.id).not.toBe(hit.id);
  const confirmed = { decision: 'confirmed', reason: 'the same passport' };
  await post(`/v1/compliance/customer-hits/${again.id}/decide`, confirmed);
  expect(await get(`${PATH}/${made.id}`)).toMatchObject({ blockedBecause: 'sanctions' });
  const refused = await order({ customerId: made.id });
  const left = await create(named('Lea Gegangen'));
  await post(`${PATH}/${left.id}/end`, { reason: 'moved away' });
  const refusedToo = await order({ customerId: left.id });
  // Whoever makes orders can not tell a listed customer from one who has left.
  const { requestId: _, ...body } = refused.body;
  expect(refusedToo.body).toMatchObject(body);
  expect(refused).toMatchObject({ status: 422, body: { code: 'customer_not_accepted' } });
});

test('an order of a blocked customer is not refunded, in the words of any refund that waits', async () => {
  const { id } = await create(named('Ruth Rueckzahl'));
  const { body: made } = await post('/v1/orders', {
    ...{ amount: '0.001', currency: 'BTC', customerId: id },
  });
  const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
  await payOrder(api.database, { id: made.id, amountSats: 100_000n }, ids);
  const refund = (amount: string) =>
    post(`/v1/orders/${made.id}/refunds`, {
      ...{ mode: 'partial', amount, destination: 'address' },
      address: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
    });
  expect((await refund('0.0002')).status).toBe(201);
  await post(`${PATH}/${id}/block`, { reason: 'order of a court' });
  expect(await refund('0.0002')).toMatchObject({
    status: 409,
    body: { code: 'payout_not_payable' },
  });
});

test('a confirmed politically exposed person is of high risk and needs enhanced', async () => {
  const made = await create(named('Honoria Quartermaine Peplington'));
  const [hit] = (await get(`${PATH}/${made.id}/hits`)).data;
  const body = { decision: 'confirmed', reason: 'she is' };
  await post(`/v1/compliance/customer-hits/${hit.id}/decide`, body);
  await verify(made.id, 'standard');
  expect(await get(`${PATH}/${made.id}`)).toMatchObject({
    ...{ politicallyExposed: true, risk: 'high', verifiedLevel: 'standard', level: 'none' },
  });
});

test('orders name their customer; by default nothing is asked of anybody', async () => {
  const { id } = await create(named('Olga Bestell'));
  const made = await order({ customerId: id });
  expect(made).toMatchObject({ status: 201, body: { customerId: id } });
  expect((await order({})).body).toMatchObject({ customerId: null });
  const listed = await get(`/v1/orders/${made.body.id}`);
  expect(listed).toMatchObject({ customerId: id });
  const unknown = await order({ customerId: randomUUID() });
  expect(unknown).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
});

test('rules of a store: who must be known from which amount on, and how much in which time', async () => {
  const shop = await api.createMerchant('Strict');
  const key = shop.key;
  const make = async (name: string) =>
    (await post(PATH, { ...customerBody, ...named(name) }, key)).body.id as string;
  const [known, fresh] = [await make('Karl Bekannt'), await make('Frieda Neu')];
  await post(`${PATH}/${known}/verify`, { level: 'standard', reason: 'x' }, key);
  await putSettings(
    {
      requirements: [{ aboveAmount: '100', level: 'standard' }],
      limits: [
        { level: 'standard', hours: 24, amount: '500.00' },
        { level: 'none', hours: 24, amount: '50.00' },
      ],
    },
    key,
  );
  const buy = (amount: string, more: Record<string, unknown> = {}) =>
    post('/v1/orders', { amount, currency: 'EUR', ...more }, key);
  expect((await buy('100.00')).status).toBe(201);
  expect(await buy('100.01')).toMatchObject({ status: 422, body: { code: 'customer_required' } });
  expect((await buy('100.01', { customerId: fresh })).body.code).toBe('customer_not_verified');
  expect((await buy('50.00', { customerId: fresh })).status).toBe(201);
  expect((await buy('0.50', { customerId: fresh })).body.code).toBe('customer_limit_exceeded');
  // The price is in another currency: what is due counts at the rate, 60,000 EUR for a bitcoin.
  expect((await buy('0.005', { customerId: known, currency: 'BTC' })).status).toBe(201);
  // Five at once: only two more fit under what is left, however they are grouped.
  const crowd = await Promise.all(
    Array.from({ length: 5 }, () => buy('100.00', { customerId: known })),
  );
  expect(crowd.filter(({ status }) => status === 201)).toHaveLength(2);
  expect(crowd.filter(({ body }) => body.code === 'customer_limit_exceeded')).toHaveLength(3);
  shiftMs += 25 * 3_600_000;
  expect((await buy('500.00', { customerId: known })).status).toBe(201);
});

test('nothing that says who a customer is stands anywhere in the database in the clear', async () => {
  const secret = 'Xaverius-Kennwort';
  const { id } = await create({
    names: [{ text: `${secret} Einzig`, kind: 'primary' }],
    email: 'xaverius.kennwort@shop.example',
    reference: `${secret}-ref`,
    identifiers: [{ type: 'passport', country: 'CH', value: `${secret}-77` }],
    addresses: [
      {
        ...{ kind: 'residence', lines: [`${secret}weg 1`], city: 'Bern', region: null },
        ...{ postalCode: null, country: 'CH' },
      },
    ],
  });
  const content = Buffer.from(`%PDF-1.4 ${secret}`).toString('base64');
  await post(`${PATH}/${id}/documents`, { type: 'passport', content });
  await verify(id, 'basic', { reason: `${secret} was here` });
  await post(`${PATH}/${id}/review`, { reason: `${secret} called` });
  const { body: made } = await order({ customerId: id });
  expect((await get(`${PATH}/${id}`)).profile.names[0].text).toContain(secret);
  expect(await tablesWith([secret, 'xaverius.kennwort'])).toEqual([]);
  // The search itself finds what is there.
  expect(await tablesWith([made.id])).toContain('orders');
});

test('a request for erasure waits for the retention, then all is gone but that there was somebody', async () => {
  const secret = 'Melchiora-Vergessen';
  const { id } = await create(named(`${secret} Muster`));
  await post(`${PATH}/${id}/documents`, pdfBody);
  await verify(id, 'basic', { reason: `${secret} note` });
  await post(`${PATH}/${id}/review`, { reason: `${secret} came by` });
  const { body: made } = await order({ customerId: id });
  const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
  await payOrder(api.database, { id: made.id, amountSats: BigInt(made.dueSats) }, ids);
  const { body: kept } = await post(`${PATH}/${id}/erasure`);
  expect(kept).toMatchObject({ rule: 'retention_period', doneAt: null, cause: 'request' });
  expect(Date.parse(kept.dueAt)).toBeGreaterThan(clock.nowMs() + 59 * 30 * 86_400_000);
  expect(await get(`${PATH}/${id}`)).toMatchObject({ erasedAt: null, level: 'none' });
  expect((await order({ customerId: id })).body.code).toBe('customer_not_accepted');
  const before = await get(`${PATH}/${id}/log`);
  expect(JSON.stringify(before)).toContain(`${secret} came by`);
  shiftMs += Date.parse(kept.dueAt) - clock.nowMs() + 1_000;
  const { body: done } = await post(`${PATH}/${id}/erasure`);
  expect(done).toMatchObject({ id: kept.id, rule: 'retention_over', dueAt: null });
  const gone = await get(`${PATH}/${id}`);
  expect(gone).toMatchObject({ profile: null, verifiedLevel: 'none' });
  expect(gone.erasedAt).not.toBeNull();
  expect((await get(`${PATH}/${id}/documents`)).data).toEqual([]);
  expect((await get(`${PATH}/${id}/verifications`)).data).toEqual([]);
  const log = await get(`${PATH}/${id}/log`);
  expect(log.data[0]).toMatchObject({ action: 'erased', note: null });
  expect(log.data.every(({ note }: { note: string | null }) => note === null)).toBe(true);
  const found = { person: { name: `${secret} Muster`, birthDate: '1985-05-20' } };
  expect((await post(`${PATH}/find`, found)).body.data).toEqual([]);
  expect(await get(`/v1/orders/${made.id}`)).toMatchObject({ customerId: id });
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  const { rows } = await client.query(
    'SELECT sealed_key, sealed_profile FROM customer WHERE id = $1',
    [id],
  );
  await client.end();
  expect(rows).toEqual([{ sealed_key: null, sealed_profile: null }]);
  expect(await tablesWith([secret])).toEqual([]);
});

test('without any duty a request erases at once; an open case, a hit or a block keeps', async () => {
  const { id } = await create(named('Kurt Sofort'));
  expect((await post(`${PATH}/${id}/erasure`)).body).toMatchObject({ rule: 'no_duty' });
  expect(await get(`${PATH}/${id}`)).toMatchObject({ profile: null });
  expect((await post(`${PATH}/${id}/erasure`)).status).toBe(409);
  const blocked = await create(named('Bodo Gesperrt'));
  await post(`${PATH}/${blocked.id}/block`, { reason: 'order of a court' });
  expect((await post(`${PATH}/${blocked.id}/erasure`)).body).toMatchObject({ rule: 'blocked' });
  const hit = await create(named('Boris Yakovlevich Grozny-Testov'));
  expect((await post(`${PATH}/${hit.id}/erasure`)).body).toMatchObject({ rule: 'open_case' });
  expect((await get(`${PATH}/${hit.id}`)).profile).not.toBeNull();
});

test('the application can neither change nor remove what the log says', async () => {
  await create(named('Luise Protokoll'));
  for (const change of [
    `UPDATE customer_log SET actor = 'nobody'`,
    'DELETE FROM customer_log',
    'DELETE FROM customer',
    'DELETE FROM customer_erasure',
    'UPDATE customer_vault SET sealed_key = sealed_key',
  ]) {
    const asApp = api.database.asTenant(store.id, (tx) => tx.query(change));
    await expect(asApp, change).rejects.toThrow('permission denied');
    const asSystem = api.database.asSystem((tx) => tx.query(change));
    await expect(asSystem, change).rejects.toThrow('permission denied');
  }
});

test('what a store’s own log and other routes tell says nothing of hits, blocks and cases', async () => {
  const audit = JSON.stringify(await get('/v1/audit?limit=100'));
  expect(audit).toContain('compliance_settings.updated');
  expect(audit).not.toMatch(/hit|block|sanction|verif/);
  const events = JSON.stringify(await get('/v1/events?limit=100'));
  expect(events).not.toMatch(/sanction|blocked|customer_/);
});
