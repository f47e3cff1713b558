import { manualClock } from '@quittance/kernel';
import Fastify from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { createMetrics } from '../metrics/index.ts';
import { type HealthCheck, registerHealth } from './index.ts';

type Answer = { checks: { status: string }[] };

function serve(checks: HealthCheck[]) {
  const clock = manualClock(1_000_000);
  const app = Fastify().withTypeProvider<ZodTypeProvider>();
  registerHealth(app, { clock, checks, metrics: createMetrics() });
  return { app, clock };
}

test('a ready server says so with each dependency', async () => {
  const { app } = serve([
    { name: 'database', run: () => ({ ok: true, detail: 'answers', ageMs: 4_200 }) },
  ]);
  const answer = await app.inject('/readyz');
  expect(answer.statusCode).toBe(200);
  expect(answer.json<Answer>().checks).toEqual([
    { name: 'database', status: 'ok', detail: 'answers', ageSeconds: 4 },
  ]);
});

test('one red dependency, one that throws and one that hangs make 503; the process stays alive', async () => {
  const { app } = serve([
    { name: 'database', run: () => ({ ok: true, detail: 'answers' }) },
    { name: 'chain', run: () => ({ ok: false, detail: 'behind', action: 'start the node' }) },
    { name: 'rates', run: () => Promise.reject(new Error('at http://u:hunter2@h/')) },
    { name: 'disk', run: () => new Promise(() => {}), timeoutMs: 10 },
  ]);
  const answer = await app.inject('/readyz');
  expect(answer.statusCode).toBe(503);
  const statuses = answer.json<Answer>().checks.map(({ status }) => status);
  expect(statuses).toEqual(['ok', 'failed', 'failed', 'failed']);
  expect(answer.body).toContain('start the node');
  expect(answer.body).not.toContain('hunter2');
  expect((await app.inject('/healthz')).statusCode).toBe(200);
});

test('a flood of probes runs the checks once a second', async () => {
  let runs = 0;
  const run = async () => ({ ok: true, detail: `run ${++runs}` });
  const { app, clock } = serve([{ name: 'database', run }]);
  await Promise.all(Array.from({ length: 50 }, () => app.inject('/readyz')));
  expect(runs).toBe(1);
  clock.advance(1_000);
  await app.inject('/readyz');
  expect(runs).toBe(2);
  clock.advance(-60_000);
  await app.inject('/readyz');
  expect(runs).toBe(3);
});

test('metrics are served as Prometheus reads them', async () => {
  const { app } = serve([]);
  const answer = await app.inject('/metrics');
  expect(answer.headers['content-type']).toContain('text/plain');
  expect(answer.body).toContain('# HELP quittance_orders_by_status_total');
});
