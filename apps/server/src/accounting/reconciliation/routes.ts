import {
  createReconciliationSchema,
  type Reconciliation as ReconciliationJson,
  reconciliationSchema,
} from '@quittance/contract';
import type { Sats, Uuid } from '@quittance/kernel';
import { AppError } from '../../platform/errors.ts';
import { answerOnce, answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { type Comparison, readComparison } from '../../receiving/lightning/index.ts';
import { compareWithNode, type NodeDeps } from './node-coins.ts';
import { type ReconciliationDeps, reconcileStore } from './run-reconciliation.ts';
import { readLatest, type StoredReconciliation, toJson } from './store.ts';

export type ReconciliationRouteDeps = ReconciliationDeps &
  Omit<NodeDeps, 'node'> & {
    /** Absent where this process has no node to ask. */
    node?: NodeDeps['node'] | undefined;
    /** Compares the store's Lightning node with the book; absent where no node can be asked. */
    compareLightning?: ((merchantId: Uuid) => Promise<Comparison | null>) | undefined;
  };

const tags = ['Reconciliation'];

export function addReconciliationRoutes(app: HttpApp, deps: ReconciliationRouteDeps): void {
  app.post(
    '/v1/reconciliations',
    {
      config: { ...needs('ledger:read'), idempotency: 'stored' },
      schema: {
        tags,
        operationId: 'createReconciliation',
        summary: 'Compare the book with the coins now, transaction by transaction',
        description:
          'The book’s account onchain.wallet must equal the value of all unspent coins, less what ' +
          'booked spends take out that the chain’s record does not have yet. Changes no money.',
        body: createReconciliationSchema,
        response: answers(201, reconciliationSchema),
      },
    },
    async (request, reply) => {
      const merchantId = merchantOf(request);
      const now = { database: deps.database, nowMs: deps.clock.nowMs() };
      // Before the transaction: the node may take minutes.
      const node = request.body.node ? await askNode(deps, merchantId) : null;
      await deps.compareLightning?.(merchantId);
      return await answerOnce(now, { request, reply }, async (tx) => ({
        status: 201,
        body: view(
          await reconcileStore(tx, deps, merchantId, { node, thorough: true }),
          await readComparison(tx, merchantId),
        ),
      }));
    },
  );
  app.get(
    '/v1/reconciliations/latest',
    {
      config: needs('ledger:read'),
      schema: {
        tags,
        operationId: 'readLatestReconciliation',
        summary: 'Read the newest comparison of book and coins',
        response: answers(200, reconciliationSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const [latest, lightning] = await deps.database.asTenant(merchantId, async (tx) => [
        await readLatest(tx, merchantId),
        await readComparison(tx, merchantId),
      ]);
      if (latest === undefined) {
        throw new AppError(
          'not_found',
          'Nothing has been compared yet (POST /v1/reconciliations).',
        );
      }
      return view(latest, lightning);
    },
  );
}

async function askNode(
  deps: ReconciliationRouteDeps,
  merchantId: StoredReconciliation['merchantId'],
) {
  const { node } = deps;
  if (node === undefined) return { readable: false as const, reason: 'this process has no node' };
  return await compareWithNode({ ...deps, node }, merchantId);
}

function view(stored: StoredReconciliation, lightning: Comparison | undefined): ReconciliationJson {
  const text = (sats: Sats | null) => sats?.toString() ?? null;
  // What is sent is checked against the same schema as any answer.
  return reconciliationSchema.parse({
    id: stored.id,
    state: stored.state,
    node: stored.node,
    ledgerSats: text(stored.ledgerSats),
    coinSats: text(stored.coinSats),
    explainedSats: text(stored.explainedSats),
    differenceSats: text(stored.differenceSats),
    explained: toJson(stored.explained),
    breaks: toJson(stored.breaks),
    lightning: lightning === undefined ? null : comparisonJson(lightning),
    reason: stored.reason,
    createdAt: new Date(stored.createdAtMs).toISOString(),
    checkedAt: new Date(stored.checkedAtMs).toISOString(),
  });
}

function comparisonJson({ lightningNodeId, state, bookMsat, nodeMsat, reason, atMs }: Comparison) {
  const difference = bookMsat === null || nodeMsat === null ? null : bookMsat - nodeMsat;
  return {
    ...{ lightningNodeId, state, reason, checkedAt: new Date(atMs).toISOString() },
    bookMsat: bookMsat?.toString() ?? null,
    nodeMsat: nodeMsat?.toString() ?? null,
    differenceMsat: difference?.toString() ?? null,
  };
}
