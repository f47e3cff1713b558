import {
  createMonitoringBacktestSchema,
  createMonitoringLinkSchema,
  decideMonitoringConfigSchema,
  monitoringBacktestPageSchema,
  monitoringBacktestSchema,
  monitoringConfigListQuerySchema,
  monitoringConfigPageSchema,
  monitoringConfigSchema,
  monitoringLinkSchema,
  monitoringPartyQuerySchema,
  monitoringPartySchema,
  monitoringStatusSchema,
  pageQuerySchema,
  proposeMonitoringConfigSchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Ids } from '@quittance/kernel';
import { z } from 'zod';
import type { Database, Tx } from '../../platform/db/index.ts';
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
import type { recordAudit } from '../../tenancy/audit/index.ts';
import {
  type Backtest,
  countWaiting,
  insertBacktest,
  listBacktests,
  readBacktest,
} from './backtest-store.ts';
import { decideConfig, noSuchConfig, proposeConfig, type SamePersonAs } from './change-config.ts';
import { findConfig, listConfigs } from './config-store.ts';
import { readParty, readStatus } from './look.ts';
import { insertLinks } from './movement-store.ts';
import { backtestJson, configJson } from './present.ts';

export type MonitoringRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  recordAudit: typeof recordAudit;
  samePersonAs: SamePersonAs;
};

/** Backtests run one after the other; who waits for more than this has forgotten some. */
const MAX_WAITING_BACKTESTS = 5;

const tags = ['Compliance'];
const params = z.strictObject({ id: uuidText });

export function addMonitoringRoutes(app: HttpApp, deps: MonitoringRouteDeps): void {
  addReads(app, deps);
  addConfigRoutes(app, deps);
  addBacktestRoutes(app, deps);
  addLinkRoute(app, deps);
}

function addReads(app: HttpApp, { database }: MonitoringRouteDeps): void {
  app.get(
    '/v1/compliance/monitoring',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readMonitoring',
        summary: 'Read how far monitoring is, and the rules that are in force',
        response: answers(200, monitoringStatusSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await database.asTenant(merchantId, (tx) => readStatus(tx, merchantId));
    },
  );
  app.get(
    '/v1/compliance/monitoring/party',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readMonitoredParty',
        summary: 'Read what monitoring knows of a party: its newest movements and what rules keep',
        querystring: monitoringPartyQuerySchema,
        response: answers(200, monitoringPartySchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const { party } = request.query;
      const found = await database.asTenant(merchantId, (tx) => readParty(tx, merchantId, party));
      if (found === undefined) throw new AppError('not_found', 'Nothing is known of this party.');
      return found;
    },
  );
}

function addConfigRoutes(app: HttpApp, deps: MonitoringRouteDeps): void {
  const { database } = deps;
  app.get(
    '/v1/compliance/monitoring/configs',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listMonitoringConfigs',
        summary: 'List versions of the rules’ settings, newest first',
        querystring: monitoringConfigListQuerySchema,
        response: answers(200, monitoringConfigPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, state } = request.query;
      const merchantId = merchantOf(request);
      const page = { merchantId, startingAfter, state, limit: limit + 1 };
      const found = await database.asTenant(merchantId, (tx) => listConfigs(tx, page));
      return pageOfRows(found, limit, configJson);
    },
  );
  app.get(
    '/v1/compliance/monitoring/configs/:id',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readMonitoringConfig',
        summary: 'Read a version of the rules’ settings',
        params,
        response: answers(200, monitoringConfigSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const found = await database.asTenant(own.merchantId, (tx) => findConfig(tx, own));
      if (found === undefined) throw noSuchConfig();
      return configJson(found);
    },
  );
  app.post(
    '/v1/compliance/monitoring/configs',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'proposeMonitoringConfig',
        summary: 'Propose settings for the rules',
        description:
          'Nothing changes until another person approves them. Try them with a backtest.',
        body: proposeMonitoringConfigSchema,
        response: answers(201, monitoringConfigSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const { settings, reason } = request.body;
        const made = await proposeConfig(tx, deps, { merchantId, settings, reason, by, nowMs });
        await note(tx, deps, { merchantId, by, action: 'monitoring_config.proposed', id: made.id });
        return { status: 201, body: configJson(made) };
      });
    },
  );
  app.post(
    '/v1/compliance/monitoring/configs/:id/decide',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'decideMonitoringConfig',
        summary: 'Put proposed settings into force, or reject them',
        description:
          'Approving needs another person than the one who proposed them. What rules keep is then ' +
          'made anew from the record; alerts are raised for what comes from then on.',
        params,
        body: decideMonitoringConfigSchema,
        response: answers(200, monitoringConfigSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      const { id } = request.params;
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const { approve } = request.body;
        const decided = await decideConfig(tx, deps, { merchantId, id, approve, by, nowMs });
        const action = approve ? 'monitoring_config.approved' : 'monitoring_config.rejected';
        await note(tx, deps, { merchantId, by, action, id });
        return { status: 200, body: configJson(decided) };
      });
    },
  );
}

function addBacktestRoutes(app: HttpApp, deps: MonitoringRouteDeps): void {
  const { database } = deps;
  app.post(
    '/v1/compliance/monitoring/backtests',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createMonitoringBacktest',
        summary: 'Run settings over the history, without raising alerts',
        description: 'It runs in the background; read it until its state is `done`.',
        body: createMonitoringBacktestSchema,
        response: answers(201, monitoringBacktestSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      const { settings, from, to } = request.body;
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        if ((await countWaiting(tx, merchantId)) >= MAX_WAITING_BACKTESTS) {
          throw new AppError(
            'conflict',
            'Other backtests are waiting. Try again when they are done.',
          );
        }
        const backtest: Backtest = {
          ...{ merchantId, id: deps.ids.next(), state: 'waiting', settings, result: null },
          fromMs: from === undefined ? null : Date.parse(from),
          toMs: to === undefined ? null : Date.parse(to),
          ...{ requestedBy: actorOf(request), requestedAtMs: nowMs, finishedAtMs: null },
        };
        await insertBacktest(tx, backtest);
        return { status: 201, body: backtestJson(backtest) };
      });
    },
  );
  app.get(
    '/v1/compliance/monitoring/backtests',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listMonitoringBacktests',
        summary: 'List backtests, newest first',
        querystring: pageQuerySchema,
        response: answers(200, monitoringBacktestPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const merchantId = merchantOf(request);
      const page = { merchantId, startingAfter, limit: limit + 1 };
      const found = await database.asTenant(merchantId, (tx) => listBacktests(tx, page));
      return pageOfRows(found, limit, backtestJson);
    },
  );
  app.get(
    '/v1/compliance/monitoring/backtests/:id',
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readMonitoringBacktest',
        summary: 'Read a backtest and its result',
        params,
        response: answers(200, monitoringBacktestSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const found = await database.asTenant(own.merchantId, (tx) => readBacktest(tx, own));
      if (found === undefined) throw new AppError('not_found', 'There is no such backtest.');
      return backtestJson(found);
    },
  );
}

function addLinkRoute(app: HttpApp, deps: MonitoringRouteDeps): void {
  app.post(
    '/v1/compliance/monitoring/links',
    {
      config: { ...needs('compliance:decide'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'linkMonitoredParties',
        summary: 'Say that parties belong together',
        description:
          'From the next movement of each on, structuring is looked for across them. It is kept for ever.',
        body: createMonitoringLinkSchema,
        response: answers(201, monitoringLinkSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const nowMs = deps.clock.nowMs();
      const by = actorOf(request);
      const { parties, reason } = request.body;
      return await answerOnce(
        { database: deps.database, nowMs },
        { request, reply },
        async (tx) => {
          const id = deps.ids.next();
          await insertLinks(tx, {
            merchantId,
            parties,
            link: `link:${id}`,
            reason,
            by,
            atMs: nowMs,
          });
          // Not in the store's audit log, which others read too; the row itself says who and when.
          return { status: 201, body: { id, parties, reason } };
        },
      );
    },
  );
}

async function note(
  tx: Tx,
  deps: MonitoringRouteDeps,
  { merchantId, by, action, id }: { merchantId: string; by: string; action: string; id: string },
): Promise<void> {
  await deps.recordAudit(tx, {
    ...{ merchantId, id: deps.ids.next(), atMs: deps.clock.nowMs(), actor: by, action },
    ...{ subject: `monitoring:${id}`, detail: {} },
  });
}
