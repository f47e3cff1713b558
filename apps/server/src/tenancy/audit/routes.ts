import { auditPageSchema, pageQuerySchema } from '@quittance/contract';
import type { Database } from '../../platform/db/index.ts';
import { answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { listAudit } from './audit.ts';

export function addAuditRoutes(app: HttpApp, deps: { database: Database }): void {
  app.get(
    '/v1/audit',
    {
      config: needs('audit:read'),
      schema: {
        tags: ['Audit'],
        operationId: 'listAudit',
        summary: 'Who changed what, newest first',
        querystring: pageQuerySchema,
        response: answers(200, auditPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      return await deps.database.asTenant(merchantOf(request), (tx) =>
        listAudit(tx, { startingAfter, limit }),
      );
    },
  );
}
