import { randomUUID } from 'node:crypto';
import { coversScope, firstKeyScopes, instanceScope, type Scope } from '@quittance/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { RouteFact } from '../../apps/server/src/platform/http/index.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  findIds,
  isComplianceRoute,
  listOf,
  readRoutes,
  type RouteBook,
} from '../support/route-walk.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What comes with a store; the other roles get keys from the administrator. */
const FIRST_KEY = 'first key';
const roles: Record<string, readonly Scope[]> = {
  [FIRST_KEY]: firstKeyScopes,
  auditor: ['compliance:read'],
  reviewer: ['compliance:review'],
  officer: ['compliance:decide'],
};

let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
let book: RouteBook;
let routes: RouteFact[];
/** Something of the store in each list of compliance, by the list's path. */
let things: Map<string, string>;
let strangersOfficer: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl });
  store = await api.createMerchant('Store');
  const stranger = await api.createMerchant('Stranger');
  strangersOfficer = await keyOf(stranger, ['compliance:decide']);
  book = await readRoutes(api);
  routes = book.routes.filter(isComplianceRoute);
  const alert = { subject: { type: 'party', id: 'p' }, severity: 'low', summary: 's' };
  const sent = { key: store.key, body: alert };
  expect((await api.send('POST', '/v1/compliance/alerts', sent)).status).toBe(201);
  things = await findIds(api, routes, store.key);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function keyOf({ id }: TestMerchant, scopes: readonly Scope[]): Promise<string> {
  const sent = { key: api.adminKey, body: { name: 'k', scopes } };
  return (await api.send('POST', `/v1/merchants/${id}/api-keys`, sent)).body.secret as string;
}

/** The path with ids that nobody has, so that what is allowed finds nothing to change. */
function pathOf(url: string, id: string = randomUUID()): string {
  return url.replace(/:\w+/, id).replaceAll(/:\w+/g, randomUUID());
}

async function ask(route: RouteFact, key: string | undefined, id?: string) {
  const body = route.method === 'GET' ? undefined : book.bodyOf(route);
  const response = await fetch(api.baseUrl + pathOf(route.url, id), {
    method: route.method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

function scopesOf({ access }: RouteFact): readonly Scope[] {
  return access === 'public' ? [] : access.anyOf;
}

test('every route under /v1/compliance is for compliance or for the administrator alone', () => {
  const under = book.routes.filter(({ url }) => url.startsWith('/v1/compliance'));
  expect(under.length).toBeGreaterThan(15);
  for (const route of under) {
    const isAdmins = scopesOf(route).every((scope) => scope === instanceScope);
    const what = `${route.method} ${route.url}`;
    expect(route.access, `${what} is open to everybody`).not.toBe('public');
    expect(isComplianceRoute(route) || isAdmins, `${what} lets others in`).toBe(true);
  }
});

test('each role may do what its scope says and no more, on every route of compliance', async () => {
  expect(routes.length).toBeGreaterThan(15);
  const counts: Record<string, number> = {};
  for (const [role, scopes] of Object.entries(roles)) {
    const key = role === FIRST_KEY ? store.firstKey : await keyOf(store, scopes);
    for (const route of routes) {
      const what = `${role}: ${route.method} ${route.url}`;
      const may = scopesOf(route).some((needed) => coversScope(scopes, needed));
      const { status, text } = await ask(route, key);
      if (may) {
        expect([401, 403], `${what} ${text}`).not.toContain(status);
        expect(status, `${what} ${text}`).toBeLessThan(500);
        counts[role] = (counts[role] ?? 0) + 1;
      } else expect(status, `${what} ${text}`).toBe(403);
    }
  }
  const { auditor = 0, reviewer = 0, officer = 0 } = counts;
  expect(counts).not.toHaveProperty(FIRST_KEY);
  expect(auditor).toBeGreaterThan(5);
  expect(reviewer).toBeGreaterThan(auditor);
  expect(officer).toBeGreaterThan(reviewer);
  expect(officer).toBe(routes.length);
});

test('an auditor only reads: what he may ask for by POST changes nothing', () => {
  for (const { method, url, access, idempotency } of routes) {
    if (method === 'GET' || access === 'public') continue;
    if (!access.anyOf.includes('compliance:read')) continue;
    expect(idempotency, `${method} ${url}`).toBe('none');
  }
});

test('without a key every route of compliance answers 401, with the administrator’s 403 where it is not for him', async () => {
  for (const route of routes) {
    const what = `${route.method} ${route.url}`;
    expect((await ask(route, undefined)).status, what).toBe(401);
    if (scopesOf(route).includes(instanceScope)) continue;
    expect((await ask(route, api.adminKey)).status, what).toBe(403);
  }
});

test('an officer of another store finds nothing of this one, in lists or by its ids', async () => {
  expect([...things.keys()]).toContain('/v1/compliance/cases');
  const ids = [...things.values()];
  let denied = 0;
  for (const route of routes) {
    const what = `${route.method} ${route.url}`;
    const own = route.url.includes('/:') ? things.get(listOf(route.url)) : undefined;
    const { status, text } = await ask(route, strangersOfficer, own);
    if (own !== undefined) {
      expect([400, 404], `${what} ${text}`).toContain(status);
      if (status === 404) denied++;
    }
    for (const id of ids) {
      expect(text.includes(id) && id !== own, `${what} tells ${id}`).toBe(false);
    }
  }
  expect(denied).toBeGreaterThan(8);
});
