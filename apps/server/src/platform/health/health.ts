import type { Clock } from '@quittance/kernel';
import { redactText } from '../log/index.ts';
import type { Metrics } from '../metrics/index.ts';

/** What a check found out about one dependency. */
export type CheckResult = {
  ok: boolean;
  /** One sentence: what is, in numbers where there are some. */
  detail: string;
  /** What to do about it, when it is not ok. */
  action?: string;
  /** How old the knowledge is: since the last block, the last successful run, the last price. */
  ageMs?: number;
};

export type HealthCheck = {
  name: string;
  run(): Promise<CheckResult> | CheckResult;
  /** A check that takes longer has failed. */
  timeoutMs?: number;
};

export type HealthOptions = {
  clock: Clock;
  checks: readonly HealthCheck[];
  /** Serves /metrics too; left out when it has a port of its own. */
  metrics?: Metrics;
};

/** What is needed of the Fastify instance, so that any of its type parameters fits. */
export type Routes = {
  get(path: string, options: RouteOptions, handler: Handler): unknown;
};
type RouteOptions = { logLevel: 'warn'; schema: { hide: boolean } };
type Handler = (request: unknown, reply: Reply) => Promise<unknown>;
type Reply = {
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
};

/** A load balancer's probe usually waits for a few seconds; the answer must be there before. */
const CHECK_TIMEOUT_MS = 2_000;
/** Anybody may ask; asking more often than this runs no check anew. */
const CACHE_MS = 1_000;

/** Probes come every few seconds for ever; they don't belong in the log. Nor in the API's docs. */
const QUIET: RouteOptions = { logLevel: 'warn', schema: { hide: true } };

export type Readiness = {
  ready: boolean;
  checkedAtMs: number;
  checks: {
    name: string;
    status: 'ok' | 'failed';
    detail: string;
    action?: string;
    ageSeconds?: number;
  }[];
};

/**
 * `/healthz`: the process answers (restart it when not). `/readyz`: it can do its work, each
 * dependency with its state, 503 when one is red (send no requests). `/metrics`: Prometheus.
 */
export function registerHealth(app: Routes, options: HealthOptions): void {
  const readiness = cached(options.clock, () => checkReadiness(options));
  app.get('/healthz', QUIET, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return reply.send({ status: 'ok' });
  });
  app.get('/readyz', QUIET, async (_request, reply) => {
    const { ready, checkedAtMs, checks } = await readiness();
    reply.code(ready ? 200 : 503);
    reply.header('cache-control', 'no-store');
    const checkedAt = new Date(checkedAtMs).toISOString();
    return reply.send({ status: ready ? 'ok' : 'failed', checkedAt, checks });
  });
  if (options.metrics !== undefined) registerMetrics(app, options.metrics);
}

/** Serves `/metrics` alone, for a port of its own. */
export function registerMetrics(app: Routes, metrics: Metrics): void {
  app.get('/metrics', QUIET, async (_request, reply) => {
    reply.header('content-type', metrics.contentType);
    return reply.send(await metrics.render());
  });
}

/** Runs all checks at once. A check that throws or doesn't answer is red. */
export async function checkReadiness(options: HealthOptions): Promise<Readiness> {
  const checks = await Promise.all(
    options.checks.map(async (check) => {
      const { ok, detail, action, ageMs } = await runCheck(check);
      return {
        name: check.name,
        status: ok ? ('ok' as const) : ('failed' as const),
        detail: redactText(detail),
        ...(action === undefined ? {} : { action: redactText(action) }),
        ...(ageMs === undefined ? {} : { ageSeconds: Math.round(ageMs / 1000) }),
      };
    }),
  );
  const ready = checks.every(({ status }) => status === 'ok');
  return { ready, checkedAtMs: options.clock.nowMs(), checks };
}

async function runCheck(check: HealthCheck): Promise<CheckResult> {
  const timeoutMs = check.timeoutMs ?? CHECK_TIMEOUT_MS;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<CheckResult>((resolve) => {
    const detail = `no answer within ${timeoutMs} ms`;
    timer = setTimeout(() => resolve({ ok: false, detail }), timeoutMs);
  });
  try {
    return await Promise.race([check.run(), timeout]);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** One check run at a time, its answer good for CACHE_MS. A clock that jumps back ends it too. */
function cached(clock: Clock, read: () => Promise<Readiness>): () => Promise<Readiness> {
  let last: Readiness | undefined;
  let underWay: Promise<Readiness> | undefined;
  return async () => {
    const ageMs = last === undefined ? CACHE_MS : clock.nowMs() - last.checkedAtMs;
    if (last !== undefined && ageMs >= 0 && ageMs < CACHE_MS) return last;
    underWay ??= read().finally(() => {
      underWay = undefined;
    });
    last = await underWay;
    return last;
  };
}
