import {
  answerFilingSchema,
  approveFilingSchema,
  createFilingSchema,
  editFilingSchema,
  filingListQuerySchema,
  filingLogSchema,
  filingPageSchema,
  filingSchema,
  filingToDoSchema,
  noBodySchema,
  returnFilingSchema,
  submitFilingSchema,
  uuidText,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  fileAnswers,
  type HttpApp,
  merchantOf,
  needs,
  pageOfRows,
} from '../../platform/http/index.ts';
import { noSuchFiling } from './errors.ts';
import type { Filing } from './filing.ts';
import { filingJson } from './present.ts';
import { addReporterRoutes, type FilingRouteDeps } from './reporter-routes.ts';
import { readFilingEvents, readFilingRow, readFilingRows, readReporterRow } from './store.ts';
import { toDoOf } from './to-do.ts';
import {
  answerFiling,
  approveFiling,
  correctFiling,
  createFiling,
  type Doing,
  editFiling,
  type FilingDeps,
  makeDocument,
  returnFiling,
  storeDocument,
  submitFiling,
} from './work-on-filing.ts';

const tags = ['Compliance'];
const params = z.strictObject({ id: uuidText });
const read = needs('compliance:read');
const review = { ...needs('compliance:review'), idempotency: 'stored' } as const;
const decide = { ...needs('compliance:decide'), idempotency: 'stored' } as const;
const response = answers(200, filingSchema);

/** Reports to authorities: what is filed, by whom, and what was answered. */
export function addFilingRoutes(app: HttpApp, deps: FilingRouteDeps): void {
  addReporterRoutes(app, deps);
  addReads(app, deps);
  addDrafting(app, deps);
  addPreparing(app, deps);
  addDeciding(app, deps);
}

function addReads(app: HttpApp, deps: FilingRouteDeps): void {
  app.get(
    '/v1/compliance/filings',
    {
      config: read,
      schema: {
        tags,
        operationId: 'listFilings',
        summary: 'List filings with their deadlines, newest first',
        querystring: filingListQuerySchema,
        response: answers(200, filingPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state, kind, caseId } = request.query;
      const merchantId = merchantOf(request);
      const filter = { merchantId, state, kind, caseId, startingAfter, limit: limit + 1 };
      return await deps.database.asTenant(merchantId, async (tx) => {
        const found = await readFilingRows(tx, filter);
        const nowMs = deps.clock.nowMs();
        return pageOfRows(found, limit, (filing) => filingJson(filing, nowMs));
      });
    },
  );
  app.get(
    '/v1/compliance/filings/:id',
    {
      config: read,
      schema: { tags, operationId: 'readFiling', summary: 'Read a filing', params, response },
    },
    async (request) => filingJson(await existing(deps, request), deps.clock.nowMs()),
  );
  app.get(
    '/v1/compliance/filings/:id/to-do',
    {
      config: read,
      schema: {
        tags,
        operationId: 'readFilingToDo',
        summary:
          'What is left to do before a report is filed: what is missing, unknown or to be checked',
        params,
        response: answers(200, filingToDoSchema),
      },
    },
    async (request) => {
      const { merchantId, facts } = await existing(deps, request);
      const row = await deps.database.asTenant(merchantId, (tx) => readReporterRow(tx, merchantId));
      return { data: toDoOf(facts, row?.reporter ?? null) };
    },
  );
  app.get(
    '/v1/compliance/filings/:id/log',
    {
      config: read,
      schema: {
        tags,
        operationId: 'readFilingLog',
        summary: 'Who did what to a filing, oldest first',
        params,
        response: answers(200, filingLogSchema),
      },
    },
    async (request) => {
      const { merchantId, id } = await existing(deps, request);
      const rows = await deps.database.asTenant(merchantId, (tx) =>
        readFilingEvents(tx, { merchantId, id }),
      );
      return { data: rows.map((row) => ({ ...row, at: row.at.toISOString() })) };
    },
  );
  app.get(
    '/v1/compliance/filings/:id/document',
    {
      config: read,
      schema: {
        tags,
        operationId: 'downloadFilingDocument',
        summary: 'The document as it is sent to the authority',
        params,
        response: fileAnswers('application/xml', "FinCEN's batch file, or goAML's XML"),
      },
    },
    async (request, reply) => {
      const { document, kind, id } = await existing(deps, request);
      if (document === null) {
        throw new AppError('conflict', 'There is no document yet. Prepare it first.');
      }
      reply.header('content-disposition', `attachment; filename="${kind}-${id}.xml"`);
      reply.type('application/xml; charset=utf-8');
      return reply.send(Buffer.from(document.xml, 'utf8'));
    },
  );
}

function addDrafting(app: HttpApp, deps: FilingRouteDeps): void {
  app.post(
    '/v1/compliance/filings',
    {
      config: review,
      schema: {
        tags,
        operationId: 'createFiling',
        summary: 'Begin a report: of a case, or of facts',
        body: createFilingSchema,
        response: answers(201, filingSchema),
      },
    },
    async (request, reply) => {
      const nowMs = deps.clock.nowMs();
      const { kind, caseId = null, facts } = request.body;
      const merchantId = merchantOf(request);
      const by = actorOf(request);
      return await answerOnce({ ...deps, nowMs }, { request, reply }, async (tx) => {
        const given = { merchantId, kind, caseId, facts, by, nowMs };
        const filing = await createFiling(tx, deps, given);
        reply.header('location', `/v1/compliance/filings/${filing.id}`);
        return { status: 201, body: filingJson(filing, nowMs) };
      });
    },
  );
  app.put(
    '/v1/compliance/filings/:id',
    {
      config: needs('compliance:review'),
      schema: {
        tags,
        operationId: 'editFiling',
        summary: 'Write the facts and the narrative of a report',
        description: 'Takes a prepared or approved report back to draft.',
        params,
        body: editFilingSchema,
        response,
      },
    },
    async (request) => {
      const doing = doingOf(deps, request);
      return await deps.database.asTenant(doing.own.merchantId, async (tx) =>
        filingJson(await editFiling(tx, doing, request.body), doing.nowMs),
      );
    },
  );
}

function addPreparing(app: HttpApp, deps: FilingRouteDeps): void {
  app.post(
    '/v1/compliance/filings/:id/prepare',
    {
      config: review,
      schema: {
        tags,
        operationId: 'prepareFiling',
        summary: 'Make the document and check it',
        description:
          'Names all that is missing with its place in the facts. The document is checked against ' +
          "the authority's XSD; where there is none it is kept as unvalidated and says so.",
        params,
        body: noBodySchema,
        response,
      },
    },
    async (request, reply) => {
      const { own } = doingOf(deps, request);
      const made = await makeDocument(deps, own);
      return await change(deps, { request, reply }, (tx, doing) => storeDocument(tx, doing, made));
    },
  );
  app.post(
    '/v1/compliance/filings/:id/return',
    {
      config: review,
      schema: {
        tags,
        operationId: 'returnFiling',
        summary: 'Send a report back to be written on',
        params,
        body: returnFilingSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, doing) =>
        returnFiling(tx, doing, { kind: 'returned', ...request.body }),
      ),
  );
  app.post(
    '/v1/compliance/filings/:id/correct',
    {
      config: review,
      schema: {
        tags,
        operationId: 'correctFiling',
        summary: 'Begin a correction of what was taken, or file anew what was refused',
        params,
        body: noBodySchema,
        response: answers(201, filingSchema),
      },
    },
    async (request, reply) => {
      const doing = doingOf(deps, request);
      return await answerOnce({ ...deps, nowMs: doing.nowMs }, { request, reply }, async (tx) => ({
        status: 201,
        body: filingJson(await correctFiling(tx, deps, doing), doing.nowMs),
      }));
    },
  );
}

function addDeciding(app: HttpApp, deps: FilingRouteDeps): void {
  app.post(
    '/v1/compliance/filings/:id/approve',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'approveFiling',
        summary: 'Approve a report, as another person than those who wrote it',
        params,
        body: approveFilingSchema,
        response,
      },
    },
    async (request, reply) => {
      const { documentSha256, acceptUnvalidated = false } = request.body;
      return await change(deps, { request, reply }, (tx, doing) =>
        approveFiling(tx, deps, doing, { documentSha256, acceptUnvalidated }),
      );
    },
  );
  app.post(
    '/v1/compliance/filings/:id/submit',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'submitFiling',
        summary: 'Note that a report was sent to the authority',
        description: 'Uploading it is a person’s work. From then on it never changes.',
        params,
        body: submitFilingSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, doing) =>
        submitFiling(tx, deps, doing, request.body.reference ?? null),
      ),
  );
  app.post(
    '/v1/compliance/filings/:id/answer',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'answerFiling',
        summary: 'Take in the authority’s answer: FinCEN’s acknowledgement, or goAML’s status',
        params,
        body: answerFilingSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, doing) => answerFiling(tx, doing, request.body)),
  );
  app.post(
    '/v1/compliance/filings/:id/withdraw',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'withdrawFiling',
        summary: 'Decide that a report is not filed',
        params,
        body: returnFilingSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, doing) =>
        returnFiling(tx, doing, { kind: 'withdrawn', ...request.body }),
      ),
  );
}

type WithId = FastifyRequest<{ Params: { id: Uuid } }>;

function doingOf(deps: Pick<FilingDeps, 'clock'>, request: WithId): Doing {
  const own = { merchantId: merchantOf(request), id: request.params.id };
  return { own, by: actorOf(request), nowMs: deps.clock.nowMs() };
}

async function change(
  deps: FilingRouteDeps,
  exchange: { request: WithId; reply: FastifyReply },
  work: (tx: Tx, doing: Doing) => Promise<Filing>,
) {
  const doing = doingOf(deps, exchange.request);
  return await answerOnce({ ...deps, nowMs: doing.nowMs }, exchange, async (tx) => ({
    status: 200,
    body: filingJson(await work(tx, doing), doing.nowMs),
  }));
}

async function existing(deps: FilingRouteDeps, request: WithId): Promise<Filing> {
  const { own } = doingOf(deps, request);
  const found = await deps.database.asTenant(own.merchantId, (tx) => readFilingRow(tx, own));
  if (found === undefined) throw noSuchFiling();
  return found;
}
