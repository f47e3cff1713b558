import { randomBytes, randomFillSync, randomUUID } from 'node:crypto';
import { defaultComplianceSettings } from '@quittance/contract';
import { manualClock, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { addPayerPages } from '../../apps/server/src/wiring/payer-pages.ts';
import type { RouteFact } from '../../apps/server/src/platform/http/index.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  findIds,
  isComplianceRoute,
  listOf,
  readRoutes,
  type RouteBook,
} from '../support/route-walk.ts';

vi.setConfig({ testTimeout: 120_000 });

// It stands still, so that answers differ by what happened and not by when they were asked for.
const clock = manualClock(Date.UTC(2026, 0, 31, 12));
const random = (target: Uint8Array) => randomFillSync(target);
const ids = uuidV7Ids(clock, random);
/** In every text of the cases: what must never be seen elsewhere. */
const MARK = `tipped${randomBytes(6).toString('hex')}`;

let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
/** All that a store's key can have but compliance; nothing but compliance; another person's. */
let merchantKey: string;
let reviewer: string;
let officer: string;
let book: RouteBook;
/** Whoever knows these links sees their pages: by the first step of the path. */
let secretOf: Record<string, string>;
let orderId: string;
/** Something of the store in each list, by the list's path. */
let things: Map<string, string>;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({
    ownerUrl: testDatabase.ownerUrl,
    clock,
    addRoutes: (http, database) =>
      addPayerPages(http.app, {
        ...{ database, clock, ids, network: 'regtest', socketsPerAddress: 10 },
        // The pages' nonces are all alike, so that pages can be compared.
        random: (target) => target.fill(1),
        log: { warn: () => undefined },
        drawing: {
          publicUrl: 'http://localhost',
          rates: { quote: () => Promise.reject(new Error('no price is asked for')) },
        },
      }),
  });
  store = await api.createMerchant('Store');
  const make = async (scopes: readonly string[]) => {
    const sent = { key: api.adminKey, body: { name: 'k', scopes } };
    return (await api.send('POST', `/v1/merchants/${store.id}/api-keys`, sent)).body
      .secret as string;
  };
  merchantKey = store.firstKey;
  reviewer = await make(['compliance:review']);
  officer = await make(['compliance:decide']);
  const sent = { key: officer, body: { ...defaultComplianceSettings, risk: 'shadow' } };
  expect((await api.send('PUT', '/v1/compliance/settings', sent)).status).toBe(200);
  book = await readRoutes(api);
  await fillStore();
  things = await findIds(api, othersRoutes(), merchantKey);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function make(path: string, body: unknown, key = merchantKey) {
  const made = await api.send('POST', path, { key, body });
  expect(made.status, `${path} ${JSON.stringify(made.body)}`).toBeLessThan(300);
  return made.body;
}

/** One of everything that a case can be about, and of what tells of it. */
async function fillStore(): Promise<void> {
  await make('/v1/webhook-endpoints', { url: 'https://shop.example/hook' });
  await make('/v1/api-keys', { name: 'one to be revoked', scopes: ['orders:read'] });
  await make('/v1/orders', { amount: '1', currency: 'EUR' });
  const paid = await make('/v1/orders', { amount: '0.001', currency: 'BTC' });
  orderId = paid.id;
  await payOrder(api.database, { id: paid.id, amountSats: 100_000n }, ids);
  const refund = await make(`/v1/orders/${paid.id}/refunds`, { mode: 'partial', amount: '0.0001' });
  const destination = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  await make('/v1/payouts', { destination, amount: '0.0001', currency: 'BTC' });
  const limit = { amount: '1000', currency: 'SAT' };
  const pull = await make('/v1/pull-payments', { name: 'p', ...limit });
  const card = await make('/v1/cards', { name: 'c', balance: limit });
  await make('/v1/lightning-addresses', { name: 'till' });
  await make('/v1/reconciliations', {});
  const lastStep = (url: string) => new URL(url).pathname.split('/').at(-1) ?? '';
  const link = await make(`/v1/refunds/${refund.id}/new-claim-link`, undefined);
  secretOf = { refund: lastStep(link.claimUrl), pull: lastStep(pull.links.url) };
  expect(card.card.id).toBeDefined();
}

function othersRoutes(): RouteFact[] {
  return book.routes.filter(
    (route) => !isComplianceRoute(route) && !/^\/docs|openapi\.json$/.test(route.url),
  );
}

/** A path of the store's own things. @param id in place of the route's own, to look for a case */
function pathOf(url: string, id?: string): string {
  const [, first = ''] = url.split('/');
  return url
    .replace(/:(id|orderId)/, id ?? things.get(listOf(url)) ?? orderId)
    .replace(':currency', 'EUR')
    .replace(':name', 'till')
    .replace(':secret', secretOf[first] ?? 'x'.repeat(43))
    .replace(/:issuer|\*/, 'x');
}

/** Headers that are about the request and not about what was asked for. */
const OF_EACH_REQUEST = /^(date|x-request-id|x-ratelimit-.*|content-length)$/;
type Said = { status: number; text: string };

async function ask(route: RouteFact, path: string, key: string | undefined): Promise<Said> {
  const body = route.method === 'GET' ? undefined : book.bodyOf(route);
  const response = await fetch(api.baseUrl + path, {
    method: route.method,
    redirect: 'manual',
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = (await response.text()).replace(/"requestId":"[^"]*"/, '');
  const headers = [...response.headers].filter(([name]) => !OF_EACH_REQUEST.test(name));
  return { status: response.status, text: `${JSON.stringify(headers)}${text}` };
}

/** What a key may send. A socket is asked elsewhere. */
function keysFor({ access, url }: RouteFact): (string | undefined)[] {
  if (url.startsWith('/ws/')) return [];
  if (access === 'public') return [undefined];
  const isAdmins = access.anyOf.includes('instance:admin');
  return isAdmins ? [merchantKey, api.adminKey] : [merchantKey];
}

async function askAll(methods: readonly string[]): Promise<Map<string, Said>> {
  const said = new Map<string, Said>();
  for (const route of othersRoutes()) {
    if (!methods.includes(route.method)) continue;
    for (const [i, key] of keysFor(route).entries()) {
      const answer = await ask(route, pathOf(route.url), key);
      said.set(`${route.method} ${route.url} #${i}`, answer);
    }
  }
  return said;
}

const secrets = new Set<string>();

function keepIds(body: unknown): void {
  const uuids = JSON.stringify(body).match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? [];
  const known = new Set([orderId, ...things.values(), ...subjectIds]);
  for (const id of uuids) if (!known.has(id)) secrets.add(id);
}

const subjectIds = new Set<string>();
let caseId: string;
let alertId: string;

/** Cases about the store's own things, in every state a case can have. */
async function workOnCases(): Promise<void> {
  const order = await api.send('GET', `/v1/orders/${orderId}`, { key: merchantKey });
  const payout = (await api.send('GET', '/v1/payouts', { key: merchantKey })).body.data[0];
  const subjects = [
    { type: 'order', id: orderId },
    { type: 'payment', id: order.body.payments[0].id as string },
    { type: 'payout', id: payout.id as string },
    { type: 'customer', id: randomUUID() },
    ...['in_review', 'closed', 'reopened'].map((state) => ({
      type: 'party',
      id: `${MARK} ${state}`,
    })),
  ];
  for (const subject of subjects) {
    subjectIds.add(subject.id);
    const told = { subject, severity: 'high', summary: MARK, facts: { [MARK]: [MARK] } };
    const alert = await make('/v1/compliance/alerts', told, reviewer);
    const path = `/v1/compliance/cases/${alert.caseId}`;
    [caseId, alertId] = [alert.caseId, alert.id];
    await make(`${path}/comments`, { text: MARK }, reviewer);
    await make(`${path}/evidence`, { title: MARK, data: { [MARK]: 1 } }, reviewer);
    if (subject.id.endsWith('in_review')) continue;
    const proposal = { outcome: 'dismiss', reason: MARK };
    const proposed = await make(`${path}/proposal`, proposal, reviewer);
    if (subject.type !== 'party') continue;
    const approval = { proposalId: proposed.proposal.id, outcome: 'dismiss' };
    await make(`${path}/approve`, approval, officer);
    if (subject.id.endsWith('reopened')) await make(`${path}/reopen`, { reason: MARK }, officer);
  }
  for (const list of ['alerts', 'cases']) {
    const { body } = await api.send('GET', `/v1/compliance/${list}?limit=100`, { key: officer });
    expect(body.data.length).toBeGreaterThanOrEqual(subjects.length);
    for (const each of body.data) secrets.add(each.id);
    keepIds(list === 'cases' ? body.data.map((each: object) => ({ ...each, subject: 0 })) : []);
  }
  // The keys that work on cases are no secret: whoever reads the list of keys sees them.
  for (const key of [reviewer, officer]) {
    const { body } = await api.send('GET', '/v1/api-keys/current', { key });
    secrets.delete(body.id);
  }
}

function expectSilence(said: ReadonlyMap<string, Said>): void {
  for (const [what, { text }] of said) {
    expect(text.includes(MARK), `${what} tells a text of a case: ${text}`).toBe(false);
    for (const secret of secrets)
      expect(text.includes(secret), `${what} tells ${secret}`).toBe(false);
  }
}

/** Events wait until no older transaction of the database server is open. */
async function untilEventsRest(): Promise<void> {
  const count = async () =>
    (await api.send('GET', '/v1/events?limit=100', { key: merchantKey })).body.data
      .length as number;
  await vi.waitFor(async () => expect(await count()).toBeGreaterThan(3), { timeout: 20_000 });
  let last = -1;
  await vi.waitFor(
    async () => {
      const before = last;
      last = await count();
      expect(last).toBe(before);
    },
    { timeout: 20_000, interval: 500 },
  );
}

test('no-tipping-off: cases that are opened, worked on and decided change no answer of any other route', async () => {
  await untilEventsRest();
  const socket = new WebSocket(
    `${api.baseUrl.replace('http', 'ws')}/ws/payment?orderId=${orderId}`,
  );
  const frames: string[] = [];
  socket.on('message', (data: Buffer) => frames.push(data.toString('utf8')));
  await vi.waitFor(() => expect(frames).toHaveLength(1));
  // Asked twice: what differs by itself, such as a fresh link, can not be compared.
  // A key's first use is seen in the list of keys; that somebody is an officer is no case.
  for (const key of [reviewer, officer]) await api.send('GET', '/v1/api-keys/current', { key });
  const first = await askAll(['GET']);
  const before = await askAll(['GET']);
  await workOnCases();
  const after = await askAll(['GET']);
  const moving: string[] = [];
  for (const [what, said] of after) {
    if (before.get(what)?.text !== first.get(what)?.text) moving.push(what);
    else expect(said, what).toEqual(before.get(what));
  }
  expect(moving.length, `${moving.join()} do not stand still by themselves`).toBeLessThan(4);
  expect(after.size).toBeGreaterThan(60);
  expectSilence(after);
  await untilEventsRest();
  expect(frames, 'an open page heard nothing').toHaveLength(1);
  socket.terminate();
});

test('no-tipping-off: a case can not be looked for: its ids are answered like ids of nothing', async () => {
  // As old as the case, so that a list that goes on from it begins at the same place.
  const nothing = (id: string) => `${id.slice(0, -8)}${randomBytes(4).toString('hex')}`;
  const asked = othersRoutes().filter(({ url }) => /:(id|orderId)/.test(url));
  expect(asked.length).toBeGreaterThan(40);
  for (const route of asked) {
    for (const key of keysFor(route)) {
      for (const id of [caseId, alertId]) {
        const other = nothing(id);
        const said = await ask(route, pathOf(route.url, id), key);
        const expected = await ask(route, pathOf(route.url, other), key);
        const text = said.text.replaceAll(id, 'ID');
        const what = `${route.method} ${route.url}`;
        expect({ ...said, text }, what).toEqual({
          ...{ status: expected.status, text: expected.text.replaceAll(other, 'ID') },
        });
        // LUD-01: wallets read 200 with a reason in it.
        if (!route.url.startsWith('/lnurl/')) expect(said.status, what).toBeGreaterThanOrEqual(400);
      }
    }
  }
  for (const { method, url } of othersRoutes()) {
    if (method !== 'GET' || url.includes(':') || !url.startsWith('/v1/')) continue;
    const listAfter = async (id: string) =>
      (await api.send('GET', `${url}?starting_after=${id}`, { key: merchantKey })).body.data;
    expect(await listAfter(caseId), url).toEqual(await listAfter(nothing(caseId)));
  }
});

test('no-tipping-off: no table but those of compliance holds a text or an id of a case', async () => {
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'p') AND relname NOT LIKE 'compliance\\_%'`,
  );
  expect(rows.length).toBeGreaterThan(40);
  for (const { name } of rows) {
    // The answers that are kept for retries are given to who can read them anyway.
    if (name === 'idempotency_key') continue;
    const found = await client.query(
      `SELECT t::text AS row FROM ${client.escapeIdentifier(name)} t
        WHERE t::text ~ ANY ($1::text[]) LIMIT 1`,
      [[MARK, ...secrets]],
    );
    expect(found.rows, name).toEqual([]);
  }
  await client.end();
});

test('no-tipping-off: what a merchant’s key does to the things of cases tells nothing of them', async () => {
  const said = await askAll(['POST', 'PUT', 'PATCH']);
  expect(said.size).toBeGreaterThan(50);
  const done = [...said.values()].filter(({ status }) => status < 300);
  expect(done.length, 'some of it is really done').toBeGreaterThan(15);
  expectSilence(said);
  await untilEventsRest();
  expectSilence(await askAll(['GET']));
  // Deletions last: they take away what the others are about.
  expectSilence(await askAll(['DELETE']));
  expectSilence(await askAll(['GET']));
});
