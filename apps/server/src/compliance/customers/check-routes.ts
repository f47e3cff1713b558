import {
  customerHitPageSchema,
  customerHitSchema,
  customerReasonSchema,
  customerSchema,
  customerVerificationSchema,
  customerVerificationsSchema,
  decideCustomerHitSchema,
  noBodySchema,
  pageQuerySchema,
  startCustomerVerificationSchema,
  verifyCustomerSchema,
} from '@quittance/contract';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs, pageOfRows } from '../../platform/http/index.ts';
import { decideHit } from './decide-hit.ts';
import { lockFamily, ownOf } from './family.ts';
import { readHitPage } from './hit-store.ts';
import { hitJson, verificationJson } from './present.ts';
import { findProvider } from './provider/provider-store.ts';
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
import { screenCustomer } from './screen-customer.ts';
import { updateCustomer } from './store.ts';
import { openVault } from './vault.ts';
import { readVerifications } from './verification-store.ts';
import { decideVerification, startWithProvider, verifyManually } from './verify-customer.ts';

const MAX_VERIFICATIONS = 100;

export function addCustomerCheckRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  addScreening(app, deps);
  addVerifying(app, deps);
  addVerificationDecisions(app, deps);
}

function addScreening(app: HttpApp, deps: CustomerRouteDeps): void {
  app.get(
    `${PATH}/:id/hits`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listCustomerHits',
        summary: 'What screening found about a customer, newest first',
        params,
        querystring: pageQuerySchema,
        response: answers(200, customerHitPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const customer = await existing(tx, own);
        const found = await readHitPage(tx, own, { startingAfter, limit: limit + 1 });
        if (found.length === 0) return { data: [], has_more: false };
        const key = (await openVault(tx, deps, own.merchantId)).keyOf(customer);
        return pageOfRows(found, limit, (hit) => hitJson(key, hit));
      });
    },
  );
  app.post(
    `${PATH}/:id/screen`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'rescreenCustomer',
        summary: 'Screen a customer now',
        description: 'It happens by itself at onboarding, every day, and when lists change.',
        params,
        body: noBodySchema,
        response: answers(200, customerSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const family = await lockFamily(tx, deps, own);
        const customer = ownOf(family);
        // Where the lists are in another process, it is that one's next.
        if (deps.screener === undefined && customer.screenDueAtMs !== null) {
          await updateCustomer(tx, { ...customer, screenDueAtMs: doing.nowMs });
        }
        await screenCustomer(tx, deps, family, doing);
        return { status: 200, body: await customerJson(tx, deps, ownOf(family)) };
      }),
  );
  app.post(
    '/v1/compliance/customer-hits/:id/decide',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'decideCustomerHit',
        summary: 'Say whether the customer is the one on the list',
        params,
        body: decideCustomerHitSchema,
        response: answers(200, customerHitSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const merchantId = merchantOf(request);
        const which = { merchantId, id: request.params.id };
        const hit = await decideHit(tx, deps, { hit: which, ...request.body, doing });
        const customer = await existing(tx, { merchantId, id: hit.customerId });
        const key = (await openVault(tx, deps, merchantId)).keyOf(customer);
        return { status: 200, body: hitJson(key, hit) };
      }),
  );
}

function addVerifying(app: HttpApp, deps: CustomerRouteDeps): void {
  app.post(
    `${PATH}/:id/verify`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'verifyCustomer',
        summary: 'Say that a customer is who he says',
        description:
          'At the levels basic and standard it is in force at once; enhanced waits for another ' +
          'person. Not while hits of screening are undecided.',
        params,
        body: verifyCustomerSchema,
        response: answers(201, customerVerificationSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const made = await verifyManually(tx, deps, { own, input: request.body, doing });
        const key = (await openVault(tx, deps, own.merchantId)).keyOf(await existing(tx, own));
        return { status: 201, body: verificationJson(key, made) };
      }),
  );
  app.post(
    `${PATH}/:id/verifications`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'startCustomerVerification',
        summary: "Have a customer verified by the store's provider",
        description: 'Begun within seconds; `link` is where the customer goes, once it is known.',
        params,
        body: startCustomerVerificationSchema,
        response: answers(201, customerVerificationSchema),
      },
    },
    async (request, reply) =>
      await answerSealed(deps, { request, reply }, async (tx, doing) => {
        const own = ownIn(request, request.params.id);
        const customer = await existing(tx, own);
        if ((await findProvider(tx, own.merchantId))?.enabled !== true) {
          throw new AppError('conflict', 'The store has no identity provider that is enabled.');
        }
        const { level } = request.body;
        const made = await startWithProvider(tx, deps, { own, level, doing });
        const key = (await openVault(tx, deps, own.merchantId)).keyOf(customer);
        return { status: 201, body: verificationJson(key, made) };
      }),
  );
  app.get(
    `${PATH}/:id/verifications`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listCustomerVerifications',
        summary: 'List the verifications of a customer, newest first',
        params,
        response: answers(200, customerVerificationsSchema),
      },
    },
    async (request) => {
      const own = ownIn(request, request.params.id);
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const customer = await existing(tx, own);
        const found = await readVerifications(tx, own, MAX_VERIFICATIONS);
        if (found.length === 0) return { data: [] };
        const key = (await openVault(tx, deps, own.merchantId)).keyOf(customer);
        return { data: found.map((one) => verificationJson(key, one)) };
      });
    },
  );
}

const VERDICTS = [
  {
    path: 'approve',
    decision: 'approved',
    operationId: 'approveCustomerVerification',
    summary: 'Approve a verification that waits; enhanced needs another person',
  },
  {
    path: 'decline',
    decision: 'declined',
    operationId: 'declineCustomerVerification',
    summary: 'Decline a verification that waits or is under way',
  },
] as const;

function addVerificationDecisions(app: HttpApp, deps: CustomerRouteDeps): void {
  for (const { path, decision, operationId, summary } of VERDICTS) {
    app.post(
      `/v1/compliance/customer-verifications/:id/${path}`,
      {
        config: { ...needs('compliance:decide'), idempotency: 'stored' },
        schema: {
          ...{ tags, operationId, summary, params, body: customerReasonSchema },
          response: answers(200, customerVerificationSchema),
        },
      },
      async (request, reply) =>
        await answerSealed(deps, { request, reply }, async (tx, doing) => {
          const own = { merchantId: merchantOf(request), id: request.params.id };
          const { reason } = request.body;
          const one = await decideVerification(tx, deps, { own, decision, reason, doing });
          const customer = await existing(tx, { ...own, id: one.customerId });
          const key = (await openVault(tx, deps, own.merchantId)).keyOf(customer);
          return { status: 200, body: verificationJson(key, one) };
        }),
    );
  }
}
