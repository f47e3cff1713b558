import { complianceSettingsInputSchema, complianceSettingsSchema } from '@quittance/contract';
import type { Clock, Ids } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import { actorOf, answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import { toSettingsJson } from './settings.ts';
import { findSettings, writeSettings } from './store.ts';

export type ComplianceSettingsRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  recordAudit: typeof recordAudit;
};

const tags = ['Compliance'];

export function addComplianceSettingsRoutes(app: HttpApp, deps: ComplianceSettingsRouteDeps): void {
  app.get(
    '/v1/compliance/settings',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readComplianceSettings',
        summary: 'Read what of compliance runs for the store',
        response: answers(200, complianceSettingsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return toSettingsJson(
        await deps.database.asTenant(merchantId, (tx) => findSettings(tx, merchantId)),
      );
    },
  );
  app.put(
    '/v1/compliance/settings',
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'writeComplianceSettings',
        summary: 'Say what of compliance runs for the store',
        description:
          'All fields are needed but `payoutScreening`, which stays as it is. It counts for what happens from now on: what is held stays held, ' +
          'and the last days of cases stay as they are. It is noted in the audit log.',
        body: complianceSettingsInputSchema,
        response: answers(200, complianceSettingsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const settings = request.body;
      const by = actorOf(request);
      const atMs = deps.clock.nowMs();
      const stored = await deps.database.asTenant(merchantId, async (tx) => {
        const written = await writeSettings(tx, { merchantId, settings, by, atMs });
        await deps.recordAudit(tx, {
          ...{ merchantId, id: deps.ids.next(), atMs, actor: by, subject: merchantId },
          action: 'compliance_settings.updated',
          detail: { ...settings, payoutScreening: written.payoutScreening },
        });
        return written;
      });
      return toSettingsJson(stored);
    },
  );
}
