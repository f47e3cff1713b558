import {
  createCustomerSchema,
  customerListQuerySchema,
  customerLogPageSchema,
  customerOwnersInputSchema,
  customerOwnersSchema,
  customerPageSchema,
  customerSchema,
  findCustomersSchema,
  foundCustomersSchema,
  pageQuerySchema,
  updateCustomerSchema,
} from '@quittance/contract';
import {
  answers,
  type HttpApp,
  idempotencyOf,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { setOwners } from './change-customer.ts';
import { addCustomerCheckRoutes } from './check-routes.ts';
import { createCustomer, updateCustomerProfile } from './create-customer.ts';
import { addCustomerDecisionRoutes } from './decision-routes.ts';
import { addCustomerDocumentRoutes } from './document-routes.ts';
import { readFamily } from './family.ts';
import { readLog } from './log-store.ts';
import { customersJson, logEntryJson, ownersJson } from './present.ts';
import { wantedDigest } from './profile.ts';
import { addCustomerProviderRoutes } from './provider-routes.ts';
import {
  answerSealed,
  type CustomerRouteDeps,
  customerJson,
  doingOf,
  existing,
  ownIn,
  params,
  PATH,
  tags,
} from './route-deps.ts';
import { addCustomerSettingsRoutes } from './settings-routes.ts';
import { findCustomersByDigest, readCustomers } from './store.ts';
import { findVault, openVault } from './vault.ts';

/** So many have the same name and birth date, or share an address; more is not looking for somebody. */
const MAX_FOUND = 50;

export function addCustomerRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  addWrites(app, deps);
  addReads(app, deps);
  addOwners(app, deps);
  addCustomerDecisionRoutes(app, deps);
  addCustomerDocumentRoutes(app, deps);
  addCustomerCheckRoutes(app, deps);
  addCustomerSettingsRoutes(app, deps);
  addCustomerProviderRoutes(app, deps);
}

function addWrites(app: HttpApp, deps: CustomerRouteDeps): void {
  app.post(
    PATH,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createCustomer',
        summary: 'Take a customer in',
        description:
          'Kept sealed under a key of its own. Where the store screens its customers, it is done at ' +
          'once, or by the worker within a minute.',
        body: createCustomerSchema,
        response: answers(201, customerSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const merchantId = merchantOf(request);
        const made = await createCustomer(tx, deps, { merchantId, input: request.body, doing });
        reply.header('location', `${PATH}/${made.id}`);
        return { status: 201, body: await customerJson(tx, deps, made) };
      }),
  );
  app.patch(
    `${PATH}/:id`,
    {
      config: needs('compliance:review'),
      schema: {
        tags,
        operationId: 'updateCustomer',
        summary: 'Change what is known of a customer',
        description:
          'What a verification proves (names, birth, nationality, registration, identifiers) can ' +
          'not be changed under it: the customer is pending again. It is screened again.',
        params,
        body: updateCustomerSchema,
        response: answers(200, customerSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      const doing = doingOf(deps, request);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const input = request.body;
        return customerJson(tx, deps, await updateCustomerProfile(tx, deps, { own, input, doing }));
      });
    },
  );
}

function addReads(app: HttpApp, deps: CustomerRouteDeps): void {
  app.get(
    PATH,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listCustomers',
        summary: 'List customers, newest first',
        querystring: customerListQuerySchema,
        response: answers(200, customerPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, kind } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, startingAfter, limit: limit + 1, state, kind };
      return await deps.database.asTenant(merchantId, async (tx) => {
        const found = await readCustomers(tx, filter);
        if (found.length === 0) return { data: [], has_more: false };
        const vault = await openVault(tx, deps, merchantId);
        const page = found.slice(0, limit);
        const data = await customersJson(tx, vault, page, deps.clock.nowMs());
        return { data, has_more: found.length > limit };
      });
    },
  );
  app.post(
    `${PATH}/find`,
    {
      // A search changes nothing; what is looked for has no place in a URL, which others log.
      config: { ...needs('compliance:read'), idempotency: 'none', limit: 'read' },
      schema: {
        tags,
        operationId: 'findCustomers',
        summary: 'Find a customer by reference, e-mail, identifier, or name and birth date',
        body: findCustomersSchema,
        response: answers(200, foundCustomersSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      // It changes nothing, so that it needs no key; one that is none is refused all the same.
      idempotencyOf(request);
      return await deps.database.asTenant(merchantId, async (tx) => {
        const vault = await findVault(tx, deps, merchantId);
        if (vault === undefined) return { data: [] };
        const digest = wantedDigest(vault, request.body);
        const found = await findCustomersByDigest(tx, { merchantId, digest, limit: MAX_FOUND });
        return { data: await customersJson(tx, vault, found, deps.clock.nowMs()) };
      });
    },
  );
  app.get(
    `${PATH}/:id`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readCustomer',
        summary: 'Read a customer',
        params,
        response: answers(200, customerSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) =>
        customerJson(tx, deps, await existing(tx, own)),
      );
    },
  );
  app.get(
    `${PATH}/:id/log`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listCustomerLog',
        summary: "Who did what with a customer's data, newest first",
        description: 'Nobody can change or remove what stands here. Notes are gone after erasure.',
        params,
        querystring: pageQuerySchema,
        response: answers(200, customerLogPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const customer = await existing(tx, own);
        const vault = await openVault(tx, deps, own.merchantId);
        const key = customer.sealedKey === null ? null : vault.keyOf(customer);
        const found = await readLog(tx, own, { startingAfter, limit: limit + 1 });
        return pageOfRows(found, limit, (entry) => logEntryJson(key, entry));
      });
    },
  );
}

function addOwners(app: HttpApp, deps: CustomerRouteDeps): void {
  app.get(
    `${PATH}/:id/owners`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readCustomerOwners',
        summary: 'Who owns an entity, directly and behind other entities',
        description: 'Shares along a way multiply, ways add up.',
        params,
        response: answers(200, customerOwnersSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        return ownersJson(await readFamily(tx, deps, own));
      });
    },
  );
  app.put(
    `${PATH}/:id/owners`,
    {
      config: needs('compliance:review'),
      schema: {
        tags,
        operationId: 'writeCustomerOwners',
        summary: 'Say who owns an entity',
        description:
          'Owners are customers themselves, so that they are screened as well. Circles are refused.',
        params,
        body: customerOwnersInputSchema,
        response: answers(200, customerOwnersSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      const { owners } = request.body;
      const doing = doingOf(deps, request);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        await setOwners(tx, deps, { own, owners, doing });
        return ownersJson(await readFamily(tx, deps, own));
      });
    },
  );
}
