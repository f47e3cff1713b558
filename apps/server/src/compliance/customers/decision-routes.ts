import {
  customerErasureSchema,
  customerErasuresSchema,
  customerReasonSchema,
  customerRiskInputSchema,
  customerSchema,
  endCustomerSchema,
  noBodySchema,
} from '@quittance/contract';
import type { Scope } from '@quittance/contract';
import type { Tx } from '../../platform/db/index.ts';
import { answers, type HttpApp, needs } from '../../platform/http/index.ts';
import {
  blockCustomer,
  endCustomer,
  rejectCustomer,
  reopenCustomer,
  reviewCustomer,
  setRisk,
  unblockCustomer,
} from './change-customer.ts';
import type { Customer } from './customer.ts';
import { requestErasure } from './erase-customer.ts';
import { readErasures } from './erasure-store.ts';
import type { CustomerDeps, Doing } from './ports.ts';
import { erasureJson } from './present.ts';
import {
  answerSealed,
  type CustomerRouteDeps,
  customerJson,
  existing,
  ownIn,
  params,
  PATH,
  tags,
} from './route-deps.ts';
import type { OwnCustomer } from './store.ts';

/** A request is decided again and again, but made once or twice. */
const MAX_ERASURES = 100;

type Decision = {
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  scope: Scope;
  change(
    tx: Tx,
    deps: CustomerDeps,
    given: { own: OwnCustomer; reason: string; doing: Doing },
  ): Promise<Customer>;
};

/** What a person decides with a reason. */
const DECISIONS: readonly Decision[] = [
  {
    path: 'reject',
    operationId: 'rejectCustomer',
    summary: 'Say no to a customer',
    scope: 'compliance:decide',
    change: rejectCustomer,
  },
  {
    path: 'reopen',
    operationId: 'reopenCustomer',
    summary: 'Begin again with a customer who was rejected or has expired',
    scope: 'compliance:review',
    change: reopenCustomer,
  },
  {
    path: 'review',
    operationId: 'reviewCustomer',
    summary: 'Note that the periodic review was done',
    description: 'The next one is due by the risk of the customer.',
    scope: 'compliance:review',
    change: reviewCustomer,
  },
  {
    path: 'block',
    operationId: 'blockCustomer',
    summary: 'Block a customer: no orders from now on',
    scope: 'compliance:decide',
    change: blockCustomer,
  },
  {
    path: 'unblock',
    operationId: 'unblockCustomer',
    summary: 'Take a block off; needs another person than the one who blocked',
    scope: 'compliance:decide',
    change: unblockCustomer,
  },
];

export function addCustomerDecisionRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  for (const { path, operationId, summary, description, scope, change } of DECISIONS) {
    app.post(
      `${PATH}/:id/${path}`,
      {
        config: { ...needs(scope), idempotency: 'stored' },
        schema: {
          ...{ tags, operationId, summary, params, body: customerReasonSchema },
          ...(description === undefined ? {} : { description }),
          response: answers(200, customerSchema),
        },
      },
      async (request, reply) =>
        await answerSealed(deps, { request, reply }, async (tx, doing) => {
          const own = ownIn(request, request.params.id);
          const { reason } = request.body;
          const after = await change(tx, deps, { own, reason, doing });
          return { status: 200, body: await customerJson(tx, deps, after) };
        }),
    );
  }
  addRiskAndEnd(app, deps);
  addErasure(app, deps);
}

function addRiskAndEnd(app: HttpApp, deps: CustomerRouteDeps): void {
  app.post(
    `${PATH}/:id/risk`,
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'setCustomerRisk',
        summary: 'Set the risk of a customer, whatever the facts say',
        params,
        body: customerRiskInputSchema,
        response: answers(200, customerSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const after = await setRisk(tx, deps, { own, ...request.body, doing });
        return { status: 200, body: await customerJson(tx, deps, after) };
      }),
  );
  app.post(
    `${PATH}/:id/end`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'endCustomer',
        summary: 'End the relationship: from then on the time of retention runs',
        params,
        body: endCustomerSchema,
        response: answers(200, customerSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const { reason, at } = request.body;
        const atMs = at === undefined ? doing.nowMs : Date.parse(at);
        const after = await endCustomer(tx, deps, { own, reason, doing, atMs });
        return { status: 200, body: await customerJson(tx, deps, after) };
      }),
  );
}

function addErasure(app: HttpApp, deps: CustomerRouteDeps): void {
  app.post(
    `${PATH}/:id/erasure`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'requestCustomerErasure',
        summary: 'The customer asks to be erased',
        description:
          'Ends the relationship. A rule decides, and says which: erased at once, or kept until the ' +
          'time of retention is over and nothing is open. Then it happens by itself.',
        params,
        body: noBodySchema,
        response: answers(200, customerErasureSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        return { status: 200, body: erasureJson(await requestErasure(tx, deps, { own, doing })) };
      }),
  );
  app.get(
    `${PATH}/:id/erasure`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readCustomerErasure',
        summary: 'What has become of a request for erasure, newest first',
        params,
        response: answers(200, customerErasuresSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        await existing(tx, own);
        return { data: (await readErasures(tx, own, MAX_ERASURES)).map(erasureJson) };
      });
    },
  );
}
