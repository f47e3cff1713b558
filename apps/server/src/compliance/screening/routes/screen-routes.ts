import {
  addOwnAddressSchema,
  instanceScope,
  ownAddressListQuerySchema,
  ownAddressPageSchema,
  ownAddressSchema,
  screenAddressSchema,
  screenedAddressSchema,
  screenedNameSchema,
  type ScreenNameInput,
  screenNameSchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../../platform/db/index.ts';
import { AppError } from '../../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  callerOf,
  type HttpApp,
  idempotencyOf,
  merchantOf,
  needs,
  pageOfRows,
} from '../../../platform/http/index.ts';
import { normaliseAddress } from '../addresses/normalise.ts';
import {
  countOwnAddresses,
  insertOwnAddress,
  type OwnAddress,
  readOwnAddresses,
  removeOwnAddress,
} from '../own-addresses/own-address-store.ts';
import { lookUpOwnAddresses } from '../own-addresses/own-addresses.ts';
import type { NameQuery } from '../screener/screener.ts';
import { type ScreeningRouteDeps, tags } from './deps.ts';
import { hitJson, ownAddressJson, versionRefs } from './present.ts';

/** They are looked up one by one in an index; so many are a list of their own, for the instance. */
const MAX_OWN_ADDRESSES = 100_000;

/** Asks the lists that are in force, and keeps a store's own list of addresses. */
export function addScreenRoutes(app: HttpApp, deps: ScreeningRouteDeps): void {
  const askers = { ...needs('compliance:read', instanceScope), idempotency: 'none' as const };
  app.post(
    '/v1/compliance/screen/name',
    {
      config: askers,
      schema: {
        tags,
        operationId: 'screenName',
        summary: 'Look for a name on all lists',
        description:
          'Nothing is kept of the question. Each hit says why: the points of its parts add up to ' +
          'its score. A match is a question for a person, not a proof.',
        body: screenNameSchema,
        response: answers(200, screenedNameSchema),
      },
    },
    async (request) => {
      // Nothing is stored; but a key that is none is a mistake here too.
      idempotencyOf(request);
      const { hits, cutPoints, settingsVersion, versions } = deps.screener.screenName(
        questionOf(request.body),
      );
      const body = { cut: cutPoints, settingsVersion, versions: versionRefs(versions) };
      return { ...body, hits: hits.map(hitJson) };
    },
  );
  app.post(
    '/v1/compliance/screen/address',
    {
      config: askers,
      schema: {
        tags,
        operationId: 'screenAddress',
        summary: "Look for an address on all lists and on the store's own",
        body: screenAddressSchema,
        response: answers(200, screenedAddressSchema),
      },
    },
    async (request) => {
      idempotencyOf(request);
      const { address, asset } = request.body;
      const hits = deps.screener.lookupAddress(asset, address);
      const versions = versionRefs(deps.screener.versions());
      const { merchantId } = callerOf(request);
      const own = merchantId === null ? null : await findOwn(deps, { merchantId, address });
      return {
        isAddress: normaliseAddress(address) !== null,
        hits: hits.map((hit) => ({
          ...{ ...hit, categories: [...hit.categories], topics: [...hit.topics] },
        })),
        own: own === null ? null : ownAddressJson(own),
        versions,
      };
    },
  );
  addOwnAddressRoutes(app, deps);
}

function questionOf({ birthDate, countries, ...rest }: ScreenNameInput): NameQuery {
  if (birthDate !== undefined && birthDate.from > birthDate.to) {
    throw new AppError('invalid_request', 'The birth date ends before it begins.', {
      fields: [{ pointer: '/birthDate/to', detail: 'must not be before from' }],
    });
  }
  return {
    ...rest,
    birthDates: birthDate === undefined ? [] : [birthDate],
    countries: countries.map((country) => country.toLowerCase()),
  };
}

async function findOwn(
  { database }: ScreeningRouteDeps,
  { merchantId, address }: { merchantId: Uuid; address: string },
): Promise<OwnAddress | null> {
  const found = await database.asTenant(merchantId, (tx) =>
    lookUpOwnAddresses(tx, { merchantId, addresses: [address] }),
  );
  return found.get(address) ?? null;
}

function addOwnAddressRoutes(app: HttpApp, deps: ScreeningRouteDeps): void {
  app.get(
    '/v1/compliance/addresses',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listOwnAddresses',
        summary: "List the store's own blocked and allowed addresses, newest first",
        querystring: ownAddressListQuerySchema,
        response: answers(200, ownAddressPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, verdict } = request.query;
      const merchantId = merchantOf(request);
      const page = { merchantId, startingAfter, verdict, limit: limit + 1 };
      const found = await deps.database.asTenant(merchantId, (tx) => readOwnAddresses(tx, page));
      return pageOfRows(found, limit, ownAddressJson);
    },
  );
  app.post(
    '/v1/compliance/addresses',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'addOwnAddress',
        summary: 'Block an address, or note that it is harmless',
        description: "An allowed address does not undo a hit on the instance's lists.",
        body: addOwnAddressSchema,
        response: answers(201, ownAddressSchema),
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const merchantId = merchantOf(request);
      const address = normaliseAddress(request.body.address);
      if (address === null) {
        throw new AppError('invalid_request', 'This can not be an address.', {
          fields: [{ pointer: '/address', detail: 'letters and digits are needed' }],
        });
      }
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => {
        if ((await countOwnAddresses(tx, merchantId)) >= MAX_OWN_ADDRESSES) {
          throw new AppError('conflict', `A list has at most ${MAX_OWN_ADDRESSES} addresses.`);
        }
        const { verdict, reason } = request.body;
        const asset = request.body.asset.toUpperCase();
        const createdBy = actorOf(request);
        const own = await insertOwnAddress(tx, {
          ...{ merchantId, id: deps.ids.next(), address, asset, verdict, reason },
          ...{ createdBy, atMs: nowMs },
        });
        if (own === undefined) {
          throw new AppError('conflict', 'This address is on the list; take it off first.');
        }
        await noteOwn(tx, deps, { merchantId, own, by: createdBy, action: 'own_address.added' });
        return { status: 201, body: ownAddressJson(own) };
      });
    },
  );
  app.delete(
    '/v1/compliance/addresses/:id',
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'removeOwnAddress',
        summary: "Take an address off the store's own list",
        params: z.strictObject({ id: uuidText }),
        response: answers(200, ownAddressSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const by = actorOf(request);
      const which = { merchantId, id: request.params.id, by, atMs: deps.clock.nowMs() };
      return await deps.database.asTenant(merchantId, async (tx) => {
        const own = await removeOwnAddress(tx, which);
        if (own === undefined) throw new AppError('not_found', 'There is no such address.');
        await noteOwn(tx, deps, { merchantId, own, by, action: 'own_address.removed' });
        return ownAddressJson(own);
      });
    },
  );
}

async function noteOwn(
  tx: Tx,
  deps: ScreeningRouteDeps,
  {
    merchantId,
    own,
    by: actor,
    action,
  }: { merchantId: Uuid; own: OwnAddress; by: string; action: string },
): Promise<void> {
  const [id, atMs] = [deps.ids.next(), deps.clock.nowMs()];
  const { address, verdict, reason, id: subject } = own;
  const detail = { address, verdict, reason };
  await deps.recordAudit(tx, { merchantId, id, atMs, actor, action, subject, detail });
}
