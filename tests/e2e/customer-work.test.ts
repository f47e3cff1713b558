import { randomFillSync } from 'node:crypto';
import { uuidV7Ids } from '@quittance/kernel';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  askDue,
  createCustomerRescreener,
  eraseDue,
  openProviderClient,
  type PartyScreener,
  passTime,
  type ProviderClient,
  screenDue,
  type WorkDeps,
} from '../../apps/server/src/compliance/customers/index.ts';
import { signCallback } from '../../apps/server/src/compliance/customers/provider/callback.ts';
import type { RescreenPage, Screener } from '../../apps/server/src/compliance/screening/index.ts';
import { customerDeps } from '../../apps/server/src/wiring/compliance/routes.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import {
  customerBody,
  customerSettingsBody,
  listed,
  pdfBody,
  screenCustomers,
  testScreener,
} from '../support/customers.ts';
import { answerOf, startTestProvider, type TestProvider } from '../support/identity-provider.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const DAY_MS = 86_400_000;
const PATH = '/v1/compliance/customers';
const policy = { allowPrivateAddresses: true, allowInsecureHttp: true };
let shiftMs = 0;
const clock = { nowMs: () => Date.now() + shiftMs };
const random = (target: Uint8Array) => randomFillSync(target);
const ids = uuidV7Ids(clock, random);
const calm = new AbortController().signal;
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
let second: string;
let provider: TestProvider;
let client: ProviderClient;
let secret: string;
let failures: unknown[];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const nobody = await testScreener([]);
  api = await startTestApi({
    ...{ ownerUrl: testDatabase.ownerUrl, clock, urlPolicy: policy, screener: nobody },
  });
  client = openProviderClient({ policy, totalMs: 700 });
});
afterAll(async () => {
  await client.close();
  await api.close();
  await testDatabase.drop();
});
beforeEach(async () => {
  failures = [];
  provider = await startTestProvider();
  store = await api.createMerchant('Store');
  second = await api.keyFor(store.id);
  await screenCustomers(api, store);
  const { url, apiKey } = provider;
  const put = await send('PUT', '/v1/compliance/customer-provider', {
    ...{ url, enabled: true, apiKey },
  });
  secret = put.callbackSecret;
});
afterEach(async () => {
  expect(failures).toEqual([]);
  await provider.close();
});

async function send(method: string, path: string, body?: unknown, key = store.key) {
  const answer = await api.send(method, path, { key, ...(body === undefined ? {} : { body }) });
  expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}
async function create(name = 'Anna Muster') {
  const names = [{ text: name, kind: 'primary' }];
  return (await send('POST', PATH, { ...customerBody, names })).id as string;
}
const read = async (id: string) => await send('GET', `${PATH}/${id}`);
async function verificationOf(id: string) {
  return (await send('GET', `${PATH}/${id}/verifications`)).data[0];
}
async function start(id: string, level = 'standard') {
  return (await send('POST', `${PATH}/${id}/verifications`, { level })).id as string;
}
function work(screener?: PartyScreener): WorkDeps {
  const { database, sealer } = api;
  return {
    ...customerDeps({ clock, ids, random, sealer, screener }),
    ...{ database, onError: (error) => void failures.push(error) },
  };
}
async function ask(afterMs = 0) {
  shiftMs += afterMs;
  await askDue({ ...work(), client, publicUrl: api.baseUrl }, calm);
}
async function rulesTold(): Promise<string[]> {
  const { data } = await send('GET', '/v1/compliance/alerts?limit=100');
  return data.map(({ rule }: { rule: string }) => rule);
}
async function callBack(id: string, body: object, more: { secret?: string; id?: string } = {}) {
  const text = JSON.stringify(body);
  const message = { id: more.id ?? ids.next(), nowMs: clock.nowMs(), body: text };
  return await fetch(provider.known.get(id)?.callbackUrl ?? `${api.baseUrl}/kyc/callbacks/${id}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...signCallback(more.secret ?? secret, message),
    },
    body: text,
  });
}

test('a verification is handed over, watched, and in force once the provider says so', async () => {
  const customer = await create();
  const id = await start(customer);
  expect(await verificationOf(customer)).toMatchObject({ state: 'starting', link: null });
  await ask();
  expect(await verificationOf(customer)).toMatchObject({
    ...{ state: 'running', link: `https://provider.example/go/${id}` },
  });
  expect(provider.known.get(id)).toMatchObject({ level: 'standard', name: 'Anna Muster' });
  const expires = new Date(clock.nowMs() + 100 * DAY_MS).toISOString().slice(0, 10);
  Object.assign(provider.known.get(id) ?? {}, { state: 'passed', documentsExpireOn: expires });
  await ask(61_000);
  expect(await verificationOf(customer)).toMatchObject({
    state: 'approved',
    decidedBy: 'provider',
  });
  const after = await read(customer);
  expect(after).toMatchObject({ state: 'verified', level: 'standard' });
  expect(Date.parse(after.validUntil)).toBe(Date.parse(`${expires}T00:00:00Z`) + DAY_MS);
});

test.each(['cut', 'silent', 'broken', 'garbled'] as const)(
  'a provider that is %s is asked again under the same key, and nothing is concluded from it',
  async (mood) => {
    const customer = await create();
    const id = await start(customer);
    provider.mood = mood;
    for (let round = 0; round < 3; round++) await ask(20_000);
    expect(await verificationOf(customer)).toMatchObject({ state: 'starting', endedAt: null });
    expect(await read(customer)).toMatchObject({ state: 'pending' });
    provider.mood = 'well';
    await ask(900_000);
    expect(await verificationOf(customer)).toMatchObject({ state: 'running' });
    expect(provider.posts).toHaveLength(4);
    expect(new Set(provider.posts)).toEqual(new Set([id]));
    expect([...provider.known.keys()]).toEqual([id]);
    // The same while it runs: silence neither passes nor fails anybody.
    provider.mood = mood;
    await ask(61_000);
    expect(await verificationOf(customer)).toMatchObject({ state: 'running' });
    expect(await rulesTold()).toEqual([]);
  },
);

test('a provider that never answers is given up in the end, which says nothing of the customer', async () => {
  const customer = await create();
  await start(customer);
  provider.mood = 'broken';
  await ask(31 * DAY_MS);
  expect(await verificationOf(customer)).toMatchObject({ state: 'abandoned', reason: 'no_answer' });
  expect(await read(customer)).toMatchObject({ state: 'pending' });
  expect(await rulesTold()).toEqual(['verification_abandoned']);
});

test('a refusal ends it at once; a verification that the provider has lost too', async () => {
  const [refused, lost] = [await create(), await create()];
  provider.mood = 'refusing';
  await start(refused);
  await ask();
  expect(await verificationOf(refused)).toMatchObject({ state: 'abandoned' });
  provider.mood = 'well';
  await start(lost);
  await ask();
  provider.known.clear();
  await ask(61_000);
  expect(await verificationOf(lost)).toMatchObject({ reason: 'unknown_to_provider' });
});

test('a failed identity is told to a person, and the customer is not rejected by itself', async () => {
  const customer = await create();
  const id = await start(customer);
  await ask();
  const one = provider.known.get(id);
  if (one === undefined) throw new Error('it was handed over');
  const answer = { ...answerOf(id, one), state: 'failed', reason: 'document_forged' };
  expect((await callBack(id, answer)).status).toBe(200);
  expect(await verificationOf(customer)).toMatchObject({
    ...{ state: 'failed', reason: 'document_forged' },
  });
  expect(await read(customer)).toMatchObject({ state: 'pending' });
  expect(await rulesTold()).toEqual(['verification_failed']);
});

test('a callback counts once and only with the right signature, and a contradiction is told', async () => {
  const customer = await create();
  const id = await start(customer);
  await ask();
  const one = provider.known.get(id);
  if (one === undefined) throw new Error('it was handed over');
  const passed = { ...answerOf(id, one), state: 'passed' };
  const forged = 'whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=';
  expect((await callBack(id, passed, { secret: forged })).status).toBe(404);
  const unsigned = await fetch(one.callbackUrl, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(passed),
  });
  expect(unsigned.status).toBe(404);
  expect((await callBack(ids.next(), passed)).status).toBe(404);
  shiftMs -= 600_000;
  const early = callBack(id, passed);
  shiftMs += 600_000;
  expect((await early).status).toBe(404);
  expect(await verificationOf(customer)).toMatchObject({ state: 'running' });
  expect((await callBack(id, { state: 'passed' })).status).toBe(400);
  expect((await callBack(id, passed, { id: 'm1' })).status).toBe(200);
  expect((await callBack(id, passed, { id: 'm1' })).status).toBe(200);
  expect(await verificationOf(customer)).toMatchObject({ state: 'approved' });
  const { version } = await read(customer);
  expect((await callBack(id, passed)).status).toBe(200);
  expect((await read(customer)).version).toBe(version);
  expect((await callBack(id, { ...passed, state: 'failed' })).status).toBe(200);
  expect(await read(customer)).toMatchObject({ state: 'verified', level: 'standard' });
  expect(await rulesTold()).toEqual(['verification_contradicted']);
});

test('enhanced waits for a person whatever the provider says; a changed customer is not verified', async () => {
  const [customer, changed] = [await create(), await create()];
  const [id, other] = [await start(customer, 'enhanced'), await start(changed)];
  await ask();
  await send('PATCH', `${PATH}/${changed}`, { birthDate: '1990-01-01' });
  for (const each of [id, other]) {
    Object.assign(provider.known.get(each) ?? {}, { state: 'passed' });
  }
  await ask(61_000);
  expect(await verificationOf(customer)).toMatchObject({ state: 'proposed' });
  const path = `/v1/compliance/customer-verifications/${id}/approve`;
  const own = await api.send('POST', path, { key: store.key, body: { reason: 'x' } });
  expect(own.status).toBe(403);
  await send('POST', path, { reason: 'x' }, second);
  expect(await read(customer)).toMatchObject({ level: 'enhanced' });
  expect(await verificationOf(changed)).toMatchObject({
    ...{ state: 'abandoned', reason: 'customer_changed' },
  });
  expect(await read(changed)).toMatchObject({ state: 'pending' });
});

/** Screens everybody as after a switch of lists. */
async function switchTo(screener: Screener) {
  const rescreener = createCustomerRescreener(work());
  let position: string | null = null;
  do {
    const page: RescreenPage = { screener, epoch: 1n, position, limit: 2, signal: calm };
    position = (await rescreener.rescreen(page)).next;
  } while (position !== null);
}
const hitsOf = async (id: string) => (await send('GET', `${PATH}/${id}/hits`)).data;

test('after a switch of lists everybody is screened; what was dismissed comes back only changed', async () => {
  const name = 'Ignatius Vorbehalt-Probe';
  const [customer, other] = [await create(name), await create('Hans Niemand')];
  await switchTo(await testScreener([listed('x1', name)]));
  const [hit] = await hitsOf(customer);
  expect(hit).toMatchObject({ state: 'open', entryId: 'x1' });
  expect(await hitsOf(other)).toEqual([]);
  const decide = `/v1/compliance/customer-hits/${hit.id}/decide`;
  await send('POST', decide, { decision: 'dismissed', reason: 'another man' });
  // Another version of the list, in which others have come: the same entry is the same question.
  const grown = [listed('x1', name), listed('x2', 'Wilhelmina Ganzanders')];
  await switchTo(await testScreener(grown));
  expect(await hitsOf(customer)).toHaveLength(1);
  expect(await read(customer)).toMatchObject({ openHits: 0 });
  // Gone and back again: still dismissed.
  await switchTo(await testScreener([]));
  expect((await hitsOf(customer))[0].goneAt).not.toBeNull();
  await switchTo(await testScreener(grown));
  expect(await hitsOf(customer)).toMatchObject([{ state: 'dismissed', goneAt: null }]);
  // The list says more of him now.
  const born = [{ from: '1985-05-20', to: '1985-05-20' }];
  await switchTo(await testScreener([listed('x1', name, { birthDates: born })]));
  expect(await hitsOf(customer)).toMatchObject([{ state: 'open' }, { state: 'dismissed' }]);
  expect((await rulesTold()).filter((rule) => rule === 'customer_sanctions')).toHaveLength(2);
});

test('a customer is screened every day, and twice in a day changes nothing', async () => {
  const name = 'Ulrike Alltag-Probe';
  const customer = await create(name);
  const screener = await testScreener([listed('y1', name)]);
  await send('POST', `${PATH}/${customer}/verify`, { level: 'basic', reason: 'x' });
  const before = await read(customer);
  await screenDue(work(screener), calm);
  expect(await hitsOf(customer)).toEqual([]);
  shiftMs += DAY_MS;
  while (await screenDue(work(screener), calm));
  expect(await hitsOf(customer)).toHaveLength(1);
  // Verified still, and allowed nothing while somebody has to look.
  expect(await read(customer)).toMatchObject({ state: 'verified', level: 'none', openHits: 1 });
  expect(Date.parse((await read(customer)).screenedAt)).toBeGreaterThan(
    Date.parse(before.screenedAt),
  );
  await send('POST', `${PATH}/${customer}/screen`);
  while (await screenDue(work(screener), calm));
  // This process has lists without her: the hit is gone, and counts no more.
  expect(await read(customer)).toMatchObject({ openHits: 0, level: 'basic' });
});

test('the decision of a case is the decision of its hits: frozen blocks, dismissed lets go', async () => {
  const name = 'Theodora Fallweise-Probe';
  const [frozen, free] = [await create(name), await create(name)];
  await switchTo(await testScreener([listed('z1', name)]));
  for (const [customer, outcome] of [
    [frozen, 'freeze'],
    [free, 'dismiss'],
  ] as const) {
    const [{ caseId }] = await hitsOf(customer);
    const path = `/v1/compliance/cases/${caseId}`;
    const { proposal } = await send('POST', `${path}/proposal`, { outcome, reason: 'x' });
    await send('POST', `${path}/approve`, { proposalId: proposal.id, outcome }, second);
  }
  expect(await hitsOf(frozen)).toMatchObject([{ state: 'confirmed' }]);
  expect(await read(frozen)).toMatchObject({ blockedBecause: 'sanctions' });
  expect(await hitsOf(free)).toMatchObject([{ state: 'dismissed' }]);
  expect(await read(free)).toMatchObject({ blockedAt: null, openHits: 0 });
});

test('reviews are told once when due and end the verification when late; documents end it too', async () => {
  const [late, expired] = [await create(), await create()];
  await send('POST', `${PATH}/${late}/verify`, { level: 'basic', reason: 'x' });
  const day = new Date(clock.nowMs() + 10 * DAY_MS).toISOString().slice(0, 10);
  const paper = await send('POST', `${PATH}/${expired}/documents`, { ...pdfBody, expiresOn: day });
  await send('POST', `${PATH}/${expired}/verify`, {
    ...{ level: 'basic', reason: 'x', documentIds: [paper.id] },
  });
  while (await passTime(work(), calm));
  expect(await rulesTold()).toEqual([]);
  shiftMs += 12 * DAY_MS;
  while (await passTime(work(), calm));
  expect(await read(expired)).toMatchObject({ state: 'expired', level: 'none' });
  const { reviewDueAt } = await read(late);
  shiftMs += Date.parse(reviewDueAt) - clock.nowMs() + 1_000;
  for (let round = 0; round < 3; round++) while (await passTime(work(), calm));
  expect(await rulesTold()).toEqual(['review_due', 'verification_expired']);
  expect(await read(late)).toMatchObject({ state: 'verified' });
  shiftMs += (customerSettingsBody.reviewGraceDays + 1) * DAY_MS;
  while (await passTime(work(), calm));
  expect(await read(late)).toMatchObject({ state: 'expired' });
});

test('who has left goes by himself when the time is over, and not a moment sooner', async () => {
  const [known, fleeting, owner] = [await create(), await create(), await create()];
  await send('POST', `${PATH}/${known}/verify`, { level: 'basic', reason: 'x' });
  const entity = await send('POST', PATH, {
    ...{ kind: 'entity', names: [{ text: 'Laden GmbH', kind: 'primary' }] },
  });
  const owners = [{ customerId: owner, shareBps: 10_000 }];
  await send('PUT', `${PATH}/${entity.id}/owners`, { owners });
  for (const id of [known, fleeting, owner]) {
    await send('POST', `${PATH}/${id}/end`, { reason: 'moved away' });
  }
  const erasedOf = async () =>
    await Promise.all(
      [known, fleeting, owner].map(async (id) => (await read(id)).erasedAt !== null),
    );
  while (await eraseDue(work(), calm));
  expect(await erasedOf()).toEqual([false, false, false]);
  shiftMs += 35 * DAY_MS;
  while (await eraseDue(work(), calm));
  // The owner of an entity that is still a customer is part of that one's file.
  expect(await erasedOf()).toEqual([false, true, false]);
  const [{ dueAt }] = (await send('GET', `${PATH}/${known}/erasure`)).data;
  shiftMs += Date.parse(dueAt) - clock.nowMs() - 60_000;
  while (await eraseDue(work(), calm));
  expect(await erasedOf()).toEqual([false, true, false]);
  shiftMs += 120_000;
  while (await eraseDue(work(), calm));
  expect(await erasedOf()).toEqual([true, true, false]);
});
