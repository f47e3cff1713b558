import {
  caseLogPageSchema,
  caseStatisticsQuerySchema,
  caseStatisticsSchema,
  casesVerificationSchema,
  caseVerificationSchema,
  complianceCaseListQuerySchema,
  complianceCasePageSchema,
  complianceCaseSchema,
  pageQuerySchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import { AppError } from '../../platform/errors.ts';
import { answers, type HttpApp, merchantOf, needs, pageOfRows } from '../../platform/http/index.ts';
import { readComplianceSettings } from '../settings/index.ts';
import { readCaseRow, readCaseRows } from './case-store.ts';
import { dueWithinMs } from './deadlines.ts';
import { noSuchCase } from './errors.ts';
import { readLogRows } from './log-store.ts';
import { caseJson, logEntryJson } from './present.ts';
import type { CaseRouteDeps } from './routes.ts';
import { readCaseStatistics } from './statistics.ts';
import { verifyCase, verifyCases } from './verify-case.ts';

const tags = ['Compliance'];
const params = z.strictObject({ id: uuidText });
/** What statistics are about when nobody says: a quarter. */
const USUAL_SPAN_MS = 90 * 24 * 3_600_000;

export function addCaseReadRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  const { database, clock } = deps;
  app.get(
    '/v1/compliance/cases',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listComplianceCases',
        summary: 'List cases, newest first',
        description:
          'With `due` it is the list of reminders: cases whose last day for a report is near or over, ' +
          'and those that were decided to be reported and are not yet.',
        querystring: complianceCaseListQuerySchema,
        response: answers(200, complianceCasePageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, assignee, due, ...wanted } = request.query;
      const { subject_type: subjectType, subject_id: subjectId, state, severity } = wanted;
      const merchantId = merchantOf(request);
      const nowMs = clock.nowMs();
      return await database.asTenant(merchantId, async (tx) => {
        const { reminderDays } = await readComplianceSettings(tx, merchantId);
        const dueBeforeMs = due && dueWithinMs(due, { nowMs, reminderDays });
        const rows = await readCaseRows(tx, {
          ...{ merchantId, startingAfter, limit: limit + 1, dueBeforeMs },
          ...{ state, severity, subjectType, subjectId },
          assignee: assignee && `key:${assignee}`,
        });
        return pageOfRows(rows, limit, (row) => caseJson(row, { nowMs, reminderDays }));
      });
    },
  );
  app.get(
    '/v1/compliance/cases/:id',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readComplianceCase',
        summary: 'Read a case',
        params,
        response: answers(200, complianceCaseSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, async (tx) => {
        const found = await readCaseRow(tx, own);
        if (found === undefined) throw noSuchCase();
        const { reminderDays } = await readComplianceSettings(tx, own.merchantId);
        return caseJson(found, { nowMs: clock.nowMs(), reminderDays });
      });
    },
  );
  addLogRoutes(app, deps);
  addStatisticsRoute(app, deps);
}

function addLogRoutes(app: HttpApp, { database }: CaseRouteDeps): void {
  app.get(
    '/v1/compliance/cases/:id/log',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readComplianceCaseLog',
        summary: 'Read everything that happened in a case, from the beginning on',
        params,
        querystring: pageQuerySchema,
        response: answers(200, caseLogPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const rows = await database.asTenant(own.merchantId, async (tx) => {
        if ((await readCaseRow(tx, own)) === undefined) throw noSuchCase();
        return await readLogRows(tx, own, { startingAfter, limit: limit + 1 });
      });
      return pageOfRows(rows, limit, logEntryJson);
    },
  );
  app.get(
    '/v1/compliance/cases/:id/verification',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'verifyComplianceCase',
        summary: 'Compute a case’s log again',
        description: 'Whether every entry is as it was written and adds up to what the case says.',
        params,
        response: answers(200, caseVerificationSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, (tx) => verifyCase(tx, own));
    },
  );
  app.get(
    '/v1/compliance/verification',
    {
      config: { ...needs('compliance:read'), limit: 'history' },
      schema: {
        tags,
        operationId: 'verifyComplianceCases',
        summary: 'Compute the logs of all cases again',
        response: answers(200, casesVerificationSchema),
      },
    },
    async (request) => await verifyCases(database, merchantOf(request)),
  );
}

function addStatisticsRoute(app: HttpApp, { database, clock }: CaseRouteDeps): void {
  app.get(
    '/v1/compliance/statistics',
    {
      config: { ...needs('compliance:read'), limit: 'history' },
      schema: {
        tags,
        operationId: 'readComplianceStatistics',
        summary: 'How many cases there are and what comes of them',
        querystring: caseStatisticsQuerySchema,
        response: answers(200, caseStatisticsSchema),
      },
    },
    async (request) => {
      const { from, to } = request.query;
      const merchantId = merchantOf(request);
      const nowMs = clock.nowMs();
      const toMs = to === undefined ? nowMs : Date.parse(to);
      const fromMs = from === undefined ? toMs - USUAL_SPAN_MS : Date.parse(from);
      if (fromMs > toMs) throw new AppError('invalid_request', '`from` must not be after `to`.');
      return await database.asTenant(merchantId, (tx) =>
        readCaseStatistics(tx, { merchantId, fromMs, toMs, nowMs }),
      );
    },
  );
}
