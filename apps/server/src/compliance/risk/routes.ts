import {
  createRiskConfigSchema,
  noBodySchema,
  type RiskConfigVersionJson,
  riskBacktestSchema,
  riskConfigListSchema,
  riskConfigVersionSchema,
  riskDecisionListQuerySchema,
  riskDecisionPageSchema,
  riskDecisionSchema,
  riskReplaySchema,
  uuidText,
} from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
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
import { factsOf, runBacktest } from './backtest.ts';
import { changeConfig, createConfig, existingConfig } from './change-config.ts';
import type { ConfigWish } from './config-machine.ts';
import {
  type ConfigVersion,
  insertBacktest,
  readBacktest,
  readConfigs,
  readLastBacktests,
  writeShippedConfig,
} from './config-store.ts';
import { replay } from './decide.ts';
import { readDecision, readDecisions } from './decision-store.ts';
import { configJson, decisionJson } from './present.ts';

export type RiskRouteDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  recordAudit: typeof recordAudit;
};

const tags = ['Compliance'];
const decisionParams = z.strictObject({ id: uuidText });
const configParams = z.strictObject({ version: z.coerce.number().int().min(1).max(1_000_000) });
const PATH = '/v1/compliance/risk';

export function addRiskRoutes(app: HttpApp, deps: RiskRouteDeps): void {
  addDecisionRoutes(app, deps);
  addConfigReads(app, deps);
  addConfigWrites(app, deps);
}

function addDecisionRoutes(app: HttpApp, { database }: RiskRouteDeps): void {
  app.get(
    `${PATH}/decisions`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listRiskDecisions',
        summary: 'List risk decisions, newest first',
        querystring: riskDecisionListQuerySchema,
        response: answers(200, riskDecisionPageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit, ...by } = request.query;
      const filter = { paymentId: by.payment_id, orderId: by.order_id, level: by.level };
      const merchantId = merchantOf(request);
      return await database.asTenant(merchantId, async (tx) => {
        const page = { merchantId, startingAfter, limit: limit + 1, ...filter };
        const found = await readDecisions(tx, page);
        return pageOfRows(found, limit, decisionJson);
      });
    },
  );
  app.get(
    `${PATH}/decisions/:id`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readRiskDecision',
        summary: 'Read a risk decision with the facts that it rests on',
        params: decisionParams,
        response: answers(200, riskDecisionSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, async (tx) =>
        decisionJson(await existingDecision(tx, own)),
      );
    },
  );
  app.get(
    `${PATH}/decisions/:id/replay`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'replayRiskDecision',
        summary: 'Decide again from the stored facts, by the rules and the version of then',
        description: 'Changes nothing. `identical` must be true: the same bytes come out.',
        params: decisionParams,
        response: answers(200, riskReplaySchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, async (tx) => {
        const stored = await existingDecision(tx, own);
        const { merchantId, configVersion: version, engine } = stored;
        const { config } = await existingConfig(tx, { merchantId, version });
        const replayed = replay({ engine, config, facts: factsOf(stored) });
        const identical = replayed === stored.outcome;
        const { outcome, factsHash } = stored;
        return { decisionId: own.id, identical, stored: outcome, replayed, factsHash };
      });
    },
  );
}

async function existingDecision(tx: Tx, own: { merchantId: Uuid; id: Uuid }) {
  const found = await readDecision(tx, own);
  if (found === undefined) throw new AppError('not_found', 'There is no such decision.');
  return found;
}

function addConfigReads(app: HttpApp, { database, clock }: RiskRouteDeps): void {
  app.get(
    `${PATH}/configs`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'listRiskConfigs',
        summary: 'List all versions of the risk configuration, newest first',
        description: 'A store that has changed nothing has version 1, as it was shipped.',
        response: answers(200, riskConfigListSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return await database.asTenant(merchantId, async (tx) => {
        await writeShippedConfig(tx, { merchantId, nowMs: clock.nowMs() });
        return { data: await configsJson(tx, await readConfigs(tx, merchantId)) };
      });
    },
  );
  app.get(
    `${PATH}/configs/:version`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readRiskConfig',
        summary: 'Read a version of the risk configuration',
        params: configParams,
        response: answers(200, riskConfigVersionSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), version: request.params.version };
      return await database.asTenant(own.merchantId, async (tx) =>
        oneJson(tx, await existingConfig(tx, own)),
      );
    },
  );
  app.get(
    `${PATH}/backtests/:id`,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readRiskBacktest',
        summary: 'Read what a version would have decided about the past',
        params: decisionParams,
        response: answers(200, riskBacktestSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await database.asTenant(own.merchantId, async (tx) => {
        const found = await readBacktest(tx, own);
        if (found === undefined) throw new AppError('not_found', 'There is no such backtest.');
        return found;
      });
    },
  );
}

function addConfigWrites(app: HttpApp, deps: RiskRouteDeps): void {
  const { database, clock, ids } = deps;
  app.post(
    `${PATH}/configs`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createRiskConfig',
        summary: 'Write a new version of the risk configuration, as a draft',
        description:
          'It decides nothing before it was tried on the past (backtest) and a second person has ' +
          'made it active. A version never changes.',
        body: createRiskConfigSchema,
        response: answers(201, riskConfigVersionSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const nowMs = clock.nowMs();
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const by = actorOf(request);
        const made = await createConfig(tx, { ...request.body, merchantId, by, nowMs });
        await note(tx, deps, made, { by, action: 'risk_config.created' });
        reply.header('location', `${PATH}/configs/${made.version}`);
        return { status: 201, body: configJson(made, null) };
      });
    },
  );
  app.post(
    `${PATH}/configs/:version/backtests`,
    {
      config: { ...needs('compliance:review'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'backtestRiskConfig',
        summary: 'Try a version on the decisions of the past',
        params: configParams,
        body: noBodySchema,
        response: answers(201, riskBacktestSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), version: request.params.version };
      const nowMs = clock.nowMs();
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const by = actorOf(request);
        const config = await existingConfig(tx, own);
        const result = await runBacktest(tx, config, { id: ids.next(), by, nowMs });
        await insertBacktest(tx, own.merchantId, result);
        reply.header('location', `${PATH}/backtests/${result.id}`);
        return { status: 201, body: result };
      });
    },
  );
  addChange(app, deps, { wish: 'shadow', operationId: 'shadowRiskConfig' });
  addChange(app, deps, { wish: 'activate', operationId: 'activateRiskConfig' });
  addChange(app, deps, { wish: 'retire', operationId: 'retireRiskConfig' });
}

const SUMMARIES: Record<ConfigWish, string> = {
  shadow: 'Let a version decide beside the active one, without any effect',
  activate: 'Make a version the one that decides; needs another person than made it',
  retire: 'Give a draft or a version in shadow up',
};

function addChange(
  app: HttpApp,
  deps: RiskRouteDeps,
  { wish, operationId }: { wish: ConfigWish; operationId: string },
): void {
  const { database, clock } = deps;
  app.post(
    `${PATH}/configs/:version/${wish}`,
    {
      config: {
        ...needs(wish === 'activate' ? 'compliance:decide' : 'compliance:review'),
        idempotency: 'stored',
      },
      schema: {
        tags,
        operationId,
        summary: SUMMARIES[wish],
        params: configParams,
        body: noBodySchema,
        response: answers(200, riskConfigVersionSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), version: request.params.version };
      const nowMs = clock.nowMs();
      return await answerOnce({ database, nowMs }, { request, reply }, async (tx) => {
        const by = actorOf(request);
        const changed = await changeConfig(tx, { ...own, wish, by, nowMs });
        await note(tx, deps, changed, { by, action: `risk_config.${changed.state}` });
        return { status: 200, body: await oneJson(tx, changed) };
      });
    },
  );
}

async function note(
  tx: Tx,
  { recordAudit, ids }: RiskRouteDeps,
  config: ConfigVersion,
  { by, action }: { by: string; action: string },
): Promise<void> {
  const { merchantId, version } = config;
  const atMs = config.retiredAtMs ?? config.activatedAtMs ?? config.shadowedAtMs;
  await recordAudit(tx, {
    ...{ merchantId, id: ids.next(), atMs: atMs ?? config.createdAtMs, actor: by, action },
    subject: `risk_config:${version}`,
    detail: { state: config.state, note: config.note },
  });
}

async function configsJson(
  tx: Tx,
  configs: readonly ConfigVersion[],
): Promise<RiskConfigVersionJson[]> {
  const [first] = configs;
  if (first === undefined) return [];
  const versions = configs.map(({ version }) => version);
  const backtests = await readLastBacktests(tx, { merchantId: first.merchantId, versions });
  return configs.map((each) => configJson(each, backtests.get(each.version) ?? null));
}

async function oneJson(tx: Tx, config: ConfigVersion): Promise<RiskConfigVersionJson> {
  const [json] = await configsJson(tx, [config]);
  return json ?? configJson(config, null);
}
