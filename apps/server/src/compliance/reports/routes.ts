import {
  complianceReportQuerySchema,
  complianceReportSchema,
  complianceRowPageSchema,
  complianceRowsQuerySchema,
} from '@quittance/contract';
import type { Clock, Uuid } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  answers,
  fileAnswers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { checkPeriod, money, readComplianceReport } from './compliance-report.ts';
import { reportCsv, reportPdf } from './print.ts';
import { type Period, readCountedRows } from './store.ts';

export type ComplianceReportDeps = {
  database: Database;
  clock: Clock;
  readStoreName(tx: Tx, merchantId: Uuid): Promise<string>;
};

const tags = ['Compliance'];
/** They add up history. */
const config = { ...needs('compliance:read'), limit: 'history' } as const;

/** Figures of a period, with the rows behind each. */
export function addComplianceReportRoutes(app: HttpApp, deps: ComplianceReportDeps): void {
  const { database } = deps;
  const report = async (period: Period) =>
    await database.asTenant(period.merchantId, (tx) =>
      readComplianceReport(tx, period, deps.clock.nowMs()),
    );
  app.get(
    '/v1/compliance/reports',
    {
      config,
      schema: {
        tags,
        operationId: 'readComplianceReport',
        summary: 'Totals, customers, alerts, cases and filings of a period',
        querystring: complianceReportQuerySchema,
        response: answers(200, complianceReportSchema),
      },
    },
    async (request) => await report(periodOf(request, request.query)),
  );
  app.get(
    '/v1/compliance/reports/rows',
    {
      config,
      schema: {
        tags,
        operationId: 'listComplianceReportRows',
        summary: 'The rows that a figure of the report adds up',
        querystring: complianceRowsQuerySchema,
        response: answers(200, complianceRowPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, figure, currency } = request.query;
      const period = periodOf(request, request.query);
      const asked = { ...period, figure, currency, startingAfter, limit: limit + 1 };
      const rows = await database.asTenant(period.merchantId, (tx) => readCountedRows(tx, asked));
      return pageOfRows(rows, limit, ({ minor, sats, at, ...row }) => ({
        ...row,
        at: at.toISOString(),
        sats: sats === null ? null : String(sats),
        amount: money(minor, row.currency),
      }));
    },
  );
  addFileRoutes(app, deps, report);
}

function addFileRoutes(
  app: HttpApp,
  deps: ComplianceReportDeps,
  report: (period: Period) => ReturnType<typeof readComplianceReport>,
): void {
  const asFile = (kind: 'csv' | 'pdf', period: Period) =>
    `attachment; filename="compliance-${day(period.fromMs)}-${day(period.toMs)}.${kind}"`;
  app.get(
    '/v1/compliance/reports.csv',
    {
      config,
      schema: {
        tags,
        operationId: 'downloadComplianceReportCsv',
        summary: 'The same as a CSV file (RFC 4180)',
        querystring: complianceReportQuerySchema,
        response: fileAnswers('text/csv', 'A line for each figure'),
      },
    },
    async (request, reply) => {
      const period = periodOf(request, request.query);
      const text = reportCsv(await report(period));
      reply.header('content-disposition', asFile('csv', period));
      return reply.type('text/csv; charset=utf-8').send(Buffer.from(text, 'utf8'));
    },
  );
  app.get(
    '/v1/compliance/reports.pdf',
    {
      config,
      schema: {
        tags,
        operationId: 'downloadComplianceReportPdf',
        summary: 'The same as a PDF file',
        querystring: complianceReportQuerySchema,
        response: fileAnswers('application/pdf', 'A4'),
      },
    },
    async (request, reply) => {
      const period = periodOf(request, request.query);
      const name = await deps.database.asTenant(period.merchantId, (tx) =>
        deps.readStoreName(tx, period.merchantId),
      );
      const file = await reportPdf(await report(period), name);
      reply.header('content-disposition', asFile('pdf', period));
      return reply.type('application/pdf').send(file);
    },
  );
}

/** @throws {AppError} invalid_request */
function periodOf(request: FastifyRequest, { from, to }: { from: string; to: string }): Period {
  const period = { fromMs: Date.parse(from), toMs: Date.parse(to) };
  checkPeriod(period);
  return { merchantId: merchantOf(request), ...period };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
