import { Readable } from 'node:stream';
import {
  orderReportFileQuerySchema,
  orderReportQuerySchema,
  orderReportSchema,
} from '@quittance/contract';
import type { FastifyRequest } from 'fastify';
import type { Database } from '../../platform/db/index.ts';
import {
  answers,
  fileAnswers,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import { type Asked, checkFileLength, readOrderReport, writeOrderReport } from './order-report.ts';

const tags = ['Reports'];

/** Reports add up the journal: they have the limit of what reads history. */
export function addReportRoutes(app: HttpApp, deps: { database: Database }): void {
  const { database } = deps;
  app.get(
    '/v1/reports/orders',
    {
      config: { ...needs('ledger:read'), limit: 'history' },
      schema: {
        tags,
        operationId: 'readOrderReport',
        summary: 'What moved for each order in a time, from the ledger, with totals',
        querystring: orderReportQuerySchema,
        response: answers(200, orderReportSchema),
      },
    },
    async (request) => {
      const { starting_after: after, limit } = request.query;
      const asked = askedOf(request, request.query);
      return await database.asTenant(asked.merchantId, (tx) =>
        readOrderReport(tx, asked, { after: after ?? null, limit }),
      );
    },
  );
  app.get(
    '/v1/reports/orders.csv',
    {
      config: { ...needs('ledger:read'), limit: 'history' },
      schema: {
        tags,
        operationId: 'downloadOrderReport',
        summary: 'The same as a CSV file (RFC 4180)',
        querystring: orderReportFileQuerySchema,
        response: fileAnswers('text/csv', 'A line for each order, the newest last'),
      },
    },
    async (request, reply) => {
      const asked = askedOf(request, request.query);
      await database.asTenant(asked.merchantId, (tx) => checkFileLength(tx, asked));
      const name = `orders-${day(asked.fromMs)}-${day(asked.toMs)}.csv`;
      reply.header('content-disposition', `attachment; filename="${name}"`);
      reply.type('text/csv; charset=utf-8');
      return reply.send(Readable.from(writeOrderReport(database, asked)));
    },
  );
}

function askedOf(request: FastifyRequest, { from, to }: { from: string; to: string }): Asked {
  return { merchantId: merchantOf(request), fromMs: Date.parse(from), toMs: Date.parse(to) };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
