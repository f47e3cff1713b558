import { filingReporterAnswerSchema, filingReporterSchema } from '@quittance/contract';
import { actorOf, answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import type { recordAudit } from '../../tenancy/audit/index.ts';
import { readReporterRow, type StoredReporter, writeReporter } from './store.ts';
import type { FilingDeps } from './work-on-filing.ts';

export type FilingRouteDeps = FilingDeps & { recordAudit: typeof recordAudit };

const tags = ['Compliance'];

/** Who files. That it was changed is no secret, so it stands in the audit log. */
export function addReporterRoutes(app: HttpApp, deps: FilingRouteDeps): void {
  app.get(
    '/v1/compliance/filing-reporter',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readFilingReporter',
        summary: 'Read who files reports',
        response: answers(200, filingReporterAnswerSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await deps.database.asTenant(merchantId, async (tx) =>
        reporterJson(await readReporterRow(tx, merchantId)),
      );
    },
  );
  app.put(
    '/v1/compliance/filing-reporter',
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'setFilingReporter',
        summary: 'Say who files reports: the institution as its authorities know it',
        body: filingReporterSchema,
        response: answers(200, filingReporterAnswerSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const by = actorOf(request);
      const nowMs = deps.clock.nowMs();
      return await deps.database.asTenant(merchantId, async (tx) => {
        await writeReporter(tx, { merchantId, reporter: request.body, nowMs, by });
        await deps.recordAudit(tx, {
          ...{ merchantId, id: deps.ids.next(), atMs: nowMs, actor: by },
          ...{ action: 'filing_reporter.changed', subject: `merchant:${merchantId}`, detail: {} },
        });
        return reporterJson(await readReporterRow(tx, merchantId));
      });
    },
  );
}

function reporterJson(stored: StoredReporter | undefined) {
  if (stored === undefined) return { reporter: null, updatedAt: null, updatedBy: null };
  return { ...stored, updatedAt: stored.updatedAt.toISOString() };
}
