import {
  type Alert as AlertJson,
  type AlertEmail,
  alertListQuerySchema,
  alertPageSchema,
  alertSchema,
  alertWithEmailsSchema,
  instanceScope,
  noBodySchema,
  uuidText,
} from '@quittance/contract';
import { isoTime, type Clock, type Ids } from '@quittance/kernel';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
import {
  actorOf,
  answerOnce,
  answers,
  callerOf,
  type HttpApp,
  INSTANCE_ID,
  needs,
} from '../../platform/http/index.ts';
import type { NewAuditEntry } from '../../tenancy/audit/index.ts';
import { acknowledgeAlert } from './acknowledge-alert.ts';
import type { Alert } from './alert.ts';
import type { EmailLogEntry } from './email-store.ts';
import { listAlerts, readAlert } from './list-alerts.ts';

export type AlertRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  recordAudit: (tx: Tx, entry: NewAuditEntry) => Promise<void>;
};

const tags = ['Alerts'];
const params = z.strictObject({ id: uuidText });

/** A merchant's key reads that merchant's alerts, an administrator's key those of the instance. */
export function addAlertRoutes(app: HttpApp, deps: AlertRouteDeps): void {
  app.get(
    '/v1/alerts',
    {
      config: needs('alerts:read', instanceScope),
      schema: {
        tags,
        operationId: 'listAlerts',
        summary: 'What needs a look, newest first',
        description:
          "With a key of a merchant: its alerts. With the administrator's key: those of the " +
          'instance itself, such as a node that can not be reached.',
        querystring: alertListQuerySchema,
        response: answers(200, alertPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, kind, state } = request.query;
      const bookId = bookOf(request);
      const page = { bookId, startingAfter, limit, kind, state };
      const found = await inBook(deps.database, request, (tx) => listAlerts(tx, page));
      return { data: found.alerts.map(toJson), has_more: found.hasMore };
    },
  );
  app.get(
    '/v1/alerts/:id',
    {
      config: needs('alerts:read', instanceScope),
      schema: {
        tags,
        operationId: 'readAlert',
        summary: 'Read an alert and what became of its e-mails',
        params,
        response: answers(200, alertWithEmailsSchema),
      },
    },
    async (request) => {
      const which = { bookId: bookOf(request), id: request.params.id };
      const found = await inBook(deps.database, request, (tx) => readAlert(tx, which));
      return { ...toJson(found.alert), emails: found.emails.map(toEmailJson) };
    },
  );
  app.post(
    '/v1/alerts/:id/acknowledge',
    {
      config: { ...needs('alerts:write', instanceScope), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'acknowledgeAlert',
        summary: 'Say that you have seen an alert',
        description: 'No reminder follows, until it grows worse or comes back.',
        params,
        body: noBodySchema,
        response: answers(200, alertSchema),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const nowMs = deps.clock.nowMs();
      const [bookId, by] = [bookOf(request), actorOf(request)];
      const exchange = { request, reply };
      return await answerOnce({ database: deps.database, nowMs }, exchange, async (tx) => {
        const { alert, isNew } = await acknowledgeAlert(tx, deps, { bookId, id, by });
        if (isNew) {
          await deps.recordAudit(tx, {
            merchantId: bookId,
            id: deps.ids.next(),
            atMs: nowMs,
            actor: by,
            action: 'alert.acknowledged',
            subject: id,
            detail: { kind: alert.kind },
          });
        }
        return { status: 200, body: toJson(alert) };
      });
    },
  );
}

function bookOf(request: FastifyRequest) {
  return callerOf(request).merchantId ?? INSTANCE_ID;
}

async function inBook<T>(
  database: Database,
  request: FastifyRequest,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { merchantId } = callerOf(request);
  return merchantId === null
    ? await database.asSystem(work)
    : await database.asTenant(merchantId, work);
}

function toJson(alert: Alert): AlertJson {
  return {
    id: alert.id,
    kind: alert.kind,
    subject: alert.subject,
    severity: alert.severity,
    title: alert.title,
    detail: alert.detail,
    nextStep: alert.nextStep,
    data: alert.data,
    openedAt: isoTime(alert.openedAtMs),
    lastSeenAt: isoTime(alert.lastSeenAtMs),
    count: alert.count,
    acknowledgedAt: alert.acknowledged === null ? null : isoTime(alert.acknowledged.atMs),
    acknowledgedBy: alert.acknowledged?.by ?? null,
    resolvedAt: alert.resolvedAtMs === null ? null : isoTime(alert.resolvedAtMs),
  };
}

function toEmailJson(email: EmailLogEntry): AlertEmail {
  const { nextAttemptAtMs, createdAtMs, finishedAtMs, ...same } = email;
  return {
    ...same,
    nextAttemptAt: nextAttemptAtMs === null ? null : isoTime(nextAttemptAtMs),
    createdAt: isoTime(createdAtMs),
    finishedAt: finishedAtMs === null ? null : isoTime(finishedAtMs),
  };
}
