import { payoutPolicySchema } from '@quittance/contract';
import { actorOf, answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { readPayoutPolicy, writePayoutPolicy } from './policy-store.ts';
import type { PayoutRouteDeps } from './routes.ts';

const tags = ['Payouts'];
const changeSchema = payoutPolicySchema
  .partial()
  .meta({ id: 'PayoutPolicyChange', description: 'What is not named stays as it is' });

/** Who may set the rules is not who asks for payouts or approves them. */
export function addPolicyRoutes(app: HttpApp, deps: PayoutRouteDeps): void {
  app.get(
    '/v1/payout-policy',
    {
      config: needs('payouts:read', 'settings:read'),
      schema: {
        tags,
        operationId: 'readPayoutPolicy',
        summary: 'Read what the store allows in payouts',
        response: answers(200, payoutPolicySchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await deps.database.asTenant(merchantId, (tx) => readPayoutPolicy(tx, merchantId));
    },
  );
  app.patch(
    '/v1/payout-policy',
    {
      config: needs('settings:write'),
      schema: {
        tags,
        operationId: 'updatePayoutPolicy',
        summary: 'Change what the store allows in payouts',
        description: 'Payouts that were made before keep the number of approvals they need.',
        body: changeSchema,
        response: answers(200, payoutPolicySchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      return await deps.database.asTenant(merchantId, async (tx) => {
        const before = await readPayoutPolicy(tx, merchantId);
        const named = Object.entries(request.body).filter(([, value]) => value !== undefined);
        const policy = payoutPolicySchema.parse({ ...before, ...Object.fromEntries(named) });
        await writePayoutPolicy(tx, merchantId, { policy, nowMs });
        await deps.recordAudit(tx, {
          merchantId,
          id: deps.ids.next(),
          atMs: nowMs,
          actor: actorOf(request),
          action: 'payout_policy.update',
          subject: `merchant:${merchantId}`,
          detail: { before, after: policy },
        });
        return policy;
      });
    },
  );
}
