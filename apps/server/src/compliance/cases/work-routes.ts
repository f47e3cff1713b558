import {
  addCaseEvidenceSchema,
  approveCaseDecisionSchema,
  assignCaseSchema,
  commentCaseSchema,
  complianceCaseSchema,
  coversScope,
  proposeCaseDecisionSchema,
  rejectCaseDecisionSchema,
  reopenCaseSchema,
  setCaseClockSchema,
  uuidText,
} from '@quittance/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import {
  actorOf,
  answerOnce,
  answers,
  callerOf,
  type HttpApp,
  merchantOf,
  needs,
} from '../../platform/http/index.ts';
import { readComplianceSettings } from '../settings/index.ts';
import type { Case } from './case.ts';
import type { OwnCase } from './case-store.ts';
import { approveDecision, proposeDecision, rejectDecision } from './decide-case.ts';
import type { CaseTelling } from './ports.ts';
import { caseJson } from './present.ts';
import type { CaseRouteDeps } from './routes.ts';
import { reopenCase, setCaseClock, workOnCase } from './work-on-case.ts';

const tags = ['Compliance'];
const params = z.strictObject({ id: uuidText });
const review = { ...needs('compliance:review'), idempotency: 'stored' } as const;
const decide = { ...needs('compliance:decide'), idempotency: 'stored' } as const;
const response = answers(200, complianceCaseSchema);

type Doing = { own: OwnCase; by: string; telling: CaseTelling };
type Exchange = {
  request: FastifyRequest<{ Params: { id: string } }>;
  reply: FastifyReply;
};

export function addCaseWorkRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  addReviewRoutes(app, deps);
  addDecisionRoutes(app, deps);
  addClockRoute(app, deps);
}

function addReviewRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  app.post(
    '/v1/compliance/cases/:id/assign',
    {
      config: review,
      schema: {
        tags,
        operationId: 'assignComplianceCase',
        summary: 'Say who works on a case',
        description: 'A case that waits is in review from then on.',
        params,
        body: assignCaseSchema,
        response,
      },
    },
    async (request, reply) => {
      const { keyId } = request.body;
      return await change(deps, { request, reply }, async (tx, { own, by, telling }) => {
        if (keyId !== null && !(await deps.mayReview(tx, keyId))) {
          throw new AppError('invalid_request', 'This key does not work on cases.', {
            fields: [{ pointer: '/keyId', detail: 'must be a valid key with compliance:review' }],
          });
        }
        const assignee = keyId === null ? null : `key:${keyId}`;
        return await workOnCase(tx, telling, { own, event: { kind: 'assigned', assignee }, by });
      });
    },
  );
  app.post(
    '/v1/compliance/cases/:id/comments',
    {
      config: review,
      schema: {
        tags,
        operationId: 'commentComplianceCase',
        summary: 'Write into a case’s log',
        description: 'It stays as it is written; a correction is another comment.',
        params,
        body: commentCaseSchema,
        response,
      },
    },
    async (request, reply) => {
      const event = { kind: 'commented', text: request.body.text } as const;
      return await change(deps, { request, reply }, (tx, { own, by, telling }) =>
        workOnCase(tx, telling, { own, event, by }),
      );
    },
  );
  app.post(
    '/v1/compliance/cases/:id/evidence',
    {
      config: review,
      schema: {
        tags,
        operationId: 'addComplianceCaseEvidence',
        summary: 'Put a snapshot of something into a case’s log',
        params,
        body: addCaseEvidenceSchema,
        response,
      },
    },
    async (request, reply) => {
      const { title, data } = request.body;
      const event = { kind: 'evidence_added', title, data } as const;
      return await change(deps, { request, reply }, (tx, { own, by, telling }) =>
        workOnCase(tx, telling, { own, event, by }),
      );
    },
  );
}

function addDecisionRoutes(app: HttpApp, deps: CaseRouteDeps): void {
  app.post(
    '/v1/compliance/cases/:id/proposal',
    {
      config: review,
      schema: {
        tags,
        operationId: 'proposeComplianceDecision',
        summary: 'Propose how to decide a case',
        description:
          'A second person approves it. An alert that joins the case meanwhile takes it away. A case ' +
          'whose report is made takes a proposal though it is closed: what becomes of the money.',
        params,
        body: proposeCaseDecisionSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, { own, by, telling }) =>
        proposeDecision(tx, telling, { own, ...request.body, by }),
      ),
  );
  app.post(
    '/v1/compliance/cases/:id/approve',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'approveComplianceDecision',
        summary: 'Close a case as it was proposed, and do what was decided',
        description:
          'By another person than the one who proposed it: keys that come from the same first key ' +
          'are one person.',
        params,
        body: approveCaseDecisionSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, doing) =>
        approveDecision(tx, deps, { ...doing, ...request.body }),
      ),
  );
  app.post(
    '/v1/compliance/cases/:id/reject',
    {
      config: review,
      schema: {
        tags,
        operationId: 'rejectComplianceDecision',
        summary: 'Reject a proposed decision, or take one’s own back',
        description: 'Another person’s takes `compliance:decide`. The case is in review again.',
        params,
        body: rejectCaseDecisionSchema,
        response,
      },
    },
    async (request, reply) => {
      const isOfficer = coversScope(callerOf(request).scopes, 'compliance:decide');
      return await change(deps, { request, reply }, (tx, doing) =>
        rejectDecision(tx, deps, { ...doing, ...request.body, isOfficer }),
      );
    },
  );
  app.post(
    '/v1/compliance/cases/:id/reopen',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'reopenComplianceCase',
        summary: 'Open a closed case again',
        description: 'What its decision did is not undone; the next decision is told anew.',
        params,
        body: reopenCaseSchema,
        response,
      },
    },
    async (request, reply) =>
      await change(deps, { request, reply }, (tx, { own, by, telling }) =>
        reopenCase(tx, telling, { own, by, reason: request.body.reason }),
      ),
  );
}

function addClockRoute(app: HttpApp, deps: CaseRouteDeps): void {
  app.post(
    '/v1/compliance/cases/:id/clock',
    {
      config: decide,
      schema: {
        tags,
        operationId: 'setComplianceCaseClock',
        summary: 'Say since when the clock for a report runs, and whether somebody is suspected',
        description:
          'The last day follows from it by the store’s settings, with the reason logged.',
        params,
        body: setCaseClockSchema,
        response,
      },
    },
    async (request, reply) => {
      const { detectedAt, suspectKnownAt, reason } = request.body;
      const clock = {
        detectedAtMs: Date.parse(detectedAt),
        suspectKnownAtMs: suspectKnownAt === null ? null : Date.parse(suspectKnownAt),
      };
      return await change(deps, { request, reply }, (tx, { own, by, telling }) =>
        setCaseClock(tx, telling, { own, clock, reason, by }),
      );
    },
  );
}

/** What all changes of a case have in common: once for each Idempotency-Key, and the case as answer. */
async function change(
  deps: CaseRouteDeps,
  { request, reply }: Exchange,
  work: (tx: Tx, doing: Doing) => Promise<Case>,
) {
  const { database, clock, ids } = deps;
  const own = { merchantId: merchantOf(request), id: request.params.id };
  const nowMs = clock.nowMs();
  const doing = { own, by: actorOf(request), telling: { ids, nowMs } };
  return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
    const changed = await work(tx, doing);
    const { reminderDays } = await readComplianceSettings(tx, own.merchantId);
    return { status: 200, body: caseJson(changed, { nowMs, reminderDays }) };
  });
}
