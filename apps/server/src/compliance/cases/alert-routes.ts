import {
  complianceAlertListQuerySchema,
  complianceAlertPageSchema,
  complianceAlertSchema,
  createComplianceAlertSchema,
  uuidText,
} from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { readAlertRow, readAlertRows } from './alert-store.ts';
import { alertJson } from './present.ts';
import { raiseComplianceAlert } from './raise-alert.ts';
import type { CaseRouteDeps } from './routes.ts';

const tags = ['Compliance'];

export function addComplianceAlertRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  const { database, clock, ids } = deps;
  app.get(
    '/v1/compliance/alerts',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listComplianceAlerts',
        summary: 'List what rules and people have noticed, newest first',
        querystring: complianceAlertListQuerySchema,
        response: answers(200, complianceAlertPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, case_id: caseId, ...wanted } = request.query;
      const merchantId = merchantOf(request);
      const rows = await database.asTenant(merchantId, (tx) =>
        readAlertRows(tx, { merchantId, startingAfter, limit: limit + 1, caseId, ...wanted }),
      );
      return pageOfRows(rows, limit, alertJson);
    },
  );
  app.get(
    '/v1/compliance/alerts/:id',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readComplianceAlert',
        summary: 'Read an alert',
        params: z.strictObject({ id: uuidText }),
        response: answers(200, complianceAlertSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const alert = await database.asTenant(own.merchantId, (tx) => readAlertRow(tx, own));
      if (alert === undefined) throw new AppError('not_found', 'There is no such alert.');
      return alertJson(alert);
    },
  );
  app.post(
    '/v1/compliance/alerts',
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createComplianceAlert',
        summary: 'Tell of something that a person noticed',
        description: 'It joins the open case of its subject, or opens one.',
        body: createComplianceAlertSchema,
        response: answers(201, complianceAlertSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const { subject, severity, summary, facts } = request.body;
      const nowMs = clock.nowMs();
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const { alertId } = await raiseComplianceAlert(
          tx,
          { ids, nowMs },
          {
            ...{ merchantId, subject, severity, summary, facts: facts ?? {} },
            ...{ source: 'manual', rule: 'manual', dedupeKey: `manual:${ids.next()}` },
            by: actorOf(request),
          },
        );
        const alert = await readAlertRow(tx, { merchantId, id: alertId });
        assert(alert !== undefined, 'an alert that was just raised is there');
        return { status: 201, body: alertJson(alert) };
      });
    },
  );
}
