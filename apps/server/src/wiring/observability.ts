import type { Database } from '../platform/db/index.ts';
import type { CheckResult, HealthCheck } from '../platform/health/index.ts';
import type { HttpApp } from '../platform/http/index.ts';
import type { Running as Stoppable } from '../platform/lifecycle/index.ts';
import type { Loop } from '../platform/loops/index.ts';
import type { Metrics } from '../platform/metrics/index.ts';
import type { Watcher } from '../receiving/chain/index.ts';
import type { Rates } from '../receiving/rates/index.ts';
import { ORDERS_CHANNEL } from '../telling/live/index.ts';
import { ALERTS_CHANNEL, countOpen } from '../telling/notifications/index.ts';

/** The parts of the server that run in this process, as far as somebody watches them. */
export type Running = {
  watcher: Watcher | undefined;
  loops: Loop[];
  rates: Rates | undefined;
  oldestDueAgeMs: number | undefined;
};

/** Numbers that are read when Prometheus asks; one that can't be read is absent, never zero. */
export function registerGauges(metrics: Metrics, state: Running): void {
  metrics.registerSource('chain', () => {
    const { height, nodeHeight } = state.watcher?.status() ?? { height: null, nodeHeight: null };
    if (height === null || nodeHeight === null) throw new Error('no block has been taken in');
    return [
      { name: 'quittance_chain_height', value: height },
      { name: 'quittance_chain_lag_blocks', value: nodeHeight - height },
    ];
  });
  metrics.registerSource('webhooks', () => {
    if (state.oldestDueAgeMs === undefined) throw new Error('the queue was not read yet');
    return [{ name: 'quittance_webhook_oldest_due_seconds', value: state.oldestDueAgeMs / 1_000 }];
  });
  metrics.registerSource('rates', () => {
    if (state.rates === undefined) throw new Error('prices are read by another process');
    return state.rates.status().flatMap(({ source, ageMs }) =>
      ageMs === null
        ? []
        : [
            {
              name: 'quittance_rate_age_seconds',
              labels: { source },
              value: ageMs / 1_000,
            } as const,
          ],
    );
  });
}

/** Counts what the watcher takes in, and how long a payment took from its push to its commit. */
export function watcherMetrics(metrics: Metrics) {
  return {
    onTransactions: (count: number, detectMs: number | null) => {
      metrics.count('quittance_mempool_events_total', { kind: 'transaction' }, count);
      if (detectMs !== null) metrics.observe('quittance_detect_seconds', detectMs / 1_000);
    },
    onBlocks: (connected: number, disconnected: number) => {
      metrics.count('quittance_chain_blocks_total', { direction: 'connected' }, connected);
      metrics.count('quittance_chain_blocks_total', { direction: 'disconnected' }, disconnected);
    },
  };
}

/** Counts requests by the route's pattern, and how long they took. */
export function countRequests(app: HttpApp, metrics: Metrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    const { method } = request;
    const status = String(reply.statusCode);
    metrics.count('quittance_http_requests_total', { method, route, status });
    metrics.observe('quittance_http_request_seconds', reply.elapsedTime / 1_000, { method, route });
    if (route === '/v1/orders' && method === 'POST' && status === '201') {
      metrics.count('quittance_orders_created_total');
    }
    done();
  });
}

/** Counts changes of orders by the status they led to, as they are told to live pages. */
export async function countOrders(database: Database, metrics: Metrics): Promise<Stoppable> {
  const unlisten = await database.listen(ORDERS_CHANNEL, {
    message(payload) {
      const change: unknown = JSON.parse(payload);
      if (typeof change !== 'object' || change === null || !('status' in change)) return;
      if (!('previousStatus' in change) || typeof change.status !== 'string') return;
      if (change.previousStatus === change.status) return;
      metrics.count('quittance_orders_by_status_total', { status: change.status });
    },
    gap() {},
  });
  return { stop: unlisten };
}

/** Counts alerts as they are told, and gauges those that are open. */
export async function countAlerts(database: Database, metrics: Metrics): Promise<Stoppable> {
  metrics.registerSource('alerts', async () => {
    const open = await database.asSystem(countOpen);
    return Object.entries(open).map(([severity, value]) => ({
      name: 'quittance_alerts_open' as const,
      labels: { severity },
      value,
    }));
  });
  const unlisten = await database.listen(ALERTS_CHANNEL, {
    message(payload) {
      const told: unknown = JSON.parse(payload);
      if (typeof told !== 'object' || told === null || !('kind' in told)) return;
      if (!('cause' in told) || typeof told.cause !== 'string') return;
      if (typeof told.kind !== 'string') return;
      metrics.count('quittance_alerts_total', { kind: told.kind, cause: told.cause });
    },
    gap() {},
  });
  return { stop: unlisten };
}

/** What `/readyz` asks. */
export function healthChecks(state: Running, database: Database): HealthCheck[] {
  return [
    {
      name: 'database',
      async run() {
        await database.asSystem((tx) => tx.query('SELECT 1'));
        return { ok: true, detail: 'answers' };
      },
    },
    { name: 'chain', run: () => chainHealth(state) },
    ...state.loops.map(({ check }) => check),
  ];
}

function chainHealth({ watcher }: Running): CheckResult {
  // A standby, or a process of another role: the one that watches answers for the chain.
  if (watcher === undefined) return { ok: true, detail: 'watched by another process' };
  const { height, nodeHeight, live, problem, mempoolRemaining } = watcher.status();
  if (problem !== null) {
    return { ok: false, detail: problem, action: 'see quittance doctor' };
  }
  if (live) return { ok: true, detail: `at the node's tip, height ${height}` };
  const mempool = mempoolRemaining === null ? '' : `, ${mempoolRemaining} of the mempool to read`;
  return {
    ok: false,
    detail: `height ${height ?? 'unknown'} of ${nodeHeight ?? 'unknown'}${mempool}`,
    action: 'wait until it has caught up',
  };
}
