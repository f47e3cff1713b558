import {
  adjustedLightningNodeSchema,
  adjustLightningNodeSchema,
  type ConnectedLightningNode,
  connectedLightningNodeSchema,
  connectLightningNodeSchema,
  lightningNodeDetailSchema,
  lightningNodeListQuerySchema,
  lightningNodePageSchema,
  lightningNodeSchema,
  uuidText,
} from '@quittance/contract';
import { z } from 'zod';
import type { Tx } from '../../platform/db/index.ts';
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
import { adjustBalance } from './adjust-balance.ts';
import { type ConnectDeps, connectNode, type TriedNode, tryNode } from './connect-node.ts';
import { listNodes, type NodeRow, readNode, saveProblem, saveSnapshot } from './node-store.ts';
import { look } from './observe-nodes.ts';
import { nodeDetailJson, nodeJson } from './present-node.ts';
import { disconnectNode, type RemoveDeps } from './remove-node.ts';

export type NodeRouteDeps = ConnectDeps & RemoveDeps & { recordAudit: typeof recordAudit };

const tags = ['Lightning'];
const params = z.strictObject({ id: uuidText });

export function addNodeRoutes(app: HttpApp, deps: NodeRouteDeps): void {
  addConnect(app, deps);
  addReads(app, deps);
  addAdjustment(app, deps);
  app.delete(
    '/v1/lightning/nodes/:id',
    {
      config: needs('lightning:write'),
      schema: {
        tags,
        operationId: 'disconnectLightningNode',
        summary: 'Give up a Lightning node',
        description:
          'Possible once none of its invoices can be paid any more (setting lightning: false) and ' +
          'no payment is under way. What its channels hold leaves the book.',
        params,
        response: answers(200, lightningNodeSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      return await deps.database.asTenant(own.merchantId, async (tx) => {
        const row = await disconnectNode(tx, deps, own);
        await audit(tx, deps, { row, actor: actorOf(request), action: 'lightning.disconnected' });
        return nodeJson(row, deps.clock.nowMs());
      });
    },
  );
}

/** Thrown to leave a transaction that has found that the request is a new one. */
const IS_NEW = new Error('this request was not answered before');

function addConnect(app: HttpApp, deps: NodeRouteDeps): void {
  app.post(
    '/v1/lightning/nodes',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'connectLightningNode',
        summary: 'Connect a Lightning node to the store',
        description:
          'The node is tried first: who it is, its network, and whether the credentials allow what ' +
          'is needed (an invoice is made and cancelled). What its channels hold becomes the opening ' +
          'balance of lightning.channels.',
        body: connectLightningNodeSchema,
        response: answers(201, connectedLightningNodeSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const now = { database: deps.database, nowMs: deps.clock.nowMs() };
      const exchange = { request, reply };
      type Made = ConnectedLightningNode;
      try {
        // A request that was answered before gets its answer without the node being asked again.
        return await answerOnce<Made>(now, exchange, () => Promise.reject(IS_NEW));
      } catch (error) {
        if (error !== IS_NEW) throw error;
      }
      const tried = await tryNode(deps, request.body);
      return await answerOnce<Made>(now, exchange, async (tx) => {
        const row = await connectNode(tx, deps, { merchantId, connection: request.body, tried });
        await audit(tx, deps, { row, actor: actorOf(request), action: 'lightning.connected' });
        const warnings = warningsOf(tried);
        return { status: 201, body: { ...nodeJson(row, deps.clock.nowMs()), warnings } };
      });
    },
  );
}

function warningsOf({ excessiveRights }: TriedNode): string[] {
  if (excessiveRights.length === 0) return [];
  const calls = excessiveRights.join(', ');
  return [
    `The credentials allow more than Quittance needs (${calls}). Make some with the rights that ` +
      'docs/lightning.md names, and connect the node with those.',
  ];
}

function addAdjustment(app: HttpApp, deps: NodeRouteDeps): void {
  app.post(
    '/v1/lightning/nodes/:id/adjustments',
    {
      config: { ...needs('lightning:write'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'adjustLightningNode',
        summary: 'Book what explains a difference between node and book',
        description:
          'For what no payment on record has changed: a channel that was opened or closed, its fee, ' +
          'a payment past Quittance. It changes merchant.available.',
        params,
        body: adjustLightningNodeSchema,
        response: answers(201, adjustedLightningNodeSchema),
      },
    },
    async (request, reply) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const { changeMsat, reason } = request.body;
      const now = { database: deps.database, nowMs: deps.clock.nowMs() };
      return await answerOnce(now, { request, reply }, async (tx) => {
        const wish = { ...own, changeMsat: BigInt(changeMsat), reason };
        const transferId = await adjustBalance(tx, deps, wish);
        await deps.recordAudit(tx, {
          ...{ merchantId: own.merchantId, id: deps.ids.next(), atMs: now.nowMs },
          ...{ actor: actorOf(request), action: 'lightning.adjusted', subject: own.id },
          detail: { changeMsat, reason, transferId },
        });
        return { status: 201, body: { transferId, changeMsat, reason } };
      });
    },
  );
}

function addReads(app: HttpApp, deps: NodeRouteDeps): void {
  app.get(
    '/v1/lightning/nodes',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'listLightningNodes',
        summary: 'List the store’s Lightning nodes, also those it had once',
        querystring: lightningNodeListQuerySchema,
        response: answers(200, lightningNodePageSchema),
      },
    },
    async (request) => {
      const { starting_after: startingAfter, limit } = request.query;
      const merchantId = merchantOf(request);
      const rows = await deps.database.asTenant(merchantId, (tx) =>
        listNodes(tx, { merchantId, startingAfter, limit: limit + 1 }),
      );
      const nowMs = deps.clock.nowMs();
      return pageOfRows(rows, limit, (row) => nodeJson(row, nowMs));
    },
  );
  app.get(
    '/v1/lightning/nodes/:id',
    {
      config: needs('lightning:read'),
      schema: {
        tags,
        operationId: 'readLightningNode',
        summary: 'Ask a Lightning node for its state, balances and channels',
        params,
        response: answers(200, lightningNodeDetailSchema),
      },
    },
    async (request) => {
      const own = { merchantId: merchantOf(request), id: request.params.id };
      const row = await deps.database.asTenant(own.merchantId, (tx) => readNode(tx, own));
      if (row === undefined) throw new AppError('not_found', 'There is no such Lightning node.');
      if (!row.active) return nodeDetailJson(row, null, deps.clock.nowMs());
      return await readNow(deps, row);
    },
  );
}

async function readNow(deps: NodeRouteDeps, row: NodeRow) {
  const seen = await look(deps, row, { whole: true });
  const atMs = deps.clock.nowMs();
  const { merchantId, id } = row;
  const fresh = await deps.database.asSystem(async (tx) => {
    if (seen.problem === null) await saveSnapshot(tx, { ...row, balances: seen.balances, atMs });
    else await saveProblem(tx, { merchantId, id, problem: seen.problem, atMs });
    return await readNode(tx, { merchantId, id });
  });
  return nodeDetailJson(fresh ?? row, seen.problem === null ? seen.now : null, atMs);
}

/** Without the credentials: an audit entry is read by many. */
async function audit(
  tx: Tx,
  deps: NodeRouteDeps,
  { row, actor, action }: { row: NodeRow; actor: string; action: string },
): Promise<void> {
  const { kind, nodeId, url, alias } = row;
  await deps.recordAudit(tx, {
    merchantId: row.merchantId,
    id: deps.ids.next(),
    atMs: deps.clock.nowMs(),
    actor,
    action,
    subject: row.id,
    detail: { kind, nodeId, url, alias },
  });
}
