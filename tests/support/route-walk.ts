import { instanceScope, isComplianceScope } from '@quittance/contract';
import { z } from 'zod';
import type { RouteFact } from '../../apps/server/src/platform/http/index.ts';
import { rollDice } from '../suites/fuzz/random.ts';
import { documentSchema, operationsOf, validValue } from '../suites/fuzz/schema.ts';
import type { TestApi } from './api.ts';

/** Of a store's keys only those of compliance reach it; one that others reach too is everybody's. */
export function isComplianceRoute({ access }: RouteFact): boolean {
  if (access === 'public' || !access.anyOf.some(isComplianceScope)) return false;
  return access.anyOf.every((scope) => scope === instanceScope || isComplianceScope(scope));
}

export type RouteBook = {
  routes: readonly RouteFact[];
  /** A body that fits the route's schema, always the same; undefined where it needs none. */
  bodyOf(route: RouteFact): unknown;
};

/** Every route that the API has, as it registered them itself, with what the document says of each. */
export async function readRoutes(api: TestApi): Promise<RouteBook> {
  const answer = await api.send('GET', '/v1/openapi.json');
  // Two schemas of one name, for instance: the log says which.
  if (answer.status !== 200)
    throw new Error('no document', { cause: api.errors.at(-1)?.['error'] });
  const document = documentSchema.parse(answer.body);
  const operations = operationsOf(document);
  // Fastify answers HEAD for every GET by the same handler.
  const routes = api.api.http.routes.filter(({ method }) => method !== 'HEAD');
  return {
    routes,
    bodyOf({ method, url }) {
      const path = url.replaceAll(/:(\w+)/g, '{$1}');
      const known = operations.find((each) => each.method === method && each.path === path);
      const isNeeded = known?.body !== undefined && known.bodyRequired;
      return isNeeded && known.body !== undefined
        ? validValue(document, known.body, rollDice(7))
        : undefined;
    },
  };
}

const pageSchema = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

/** The list that the things of a route are found in: "/v1/orders" of "/v1/orders/:id/cancel". */
export function listOf(url: string): string {
  return url.slice(0, url.indexOf('/:'));
}

/** The id of something of a store in each list of the API that has one, by the list's path. */
export async function findIds(
  api: TestApi,
  routes: readonly RouteFact[],
  key: string,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const lists = new Set(
    routes.filter(({ url }) => url.includes('/:')).map(({ url }) => listOf(url)),
  );
  for (const { method, url } of routes) {
    if (method !== 'GET' || !lists.has(url)) continue;
    const page = pageSchema.safeParse((await api.send('GET', url, { key })).body);
    const last = page.data?.data.at(-1)?.id;
    if (last !== undefined) found.set(url, last);
  }
  return found;
}
