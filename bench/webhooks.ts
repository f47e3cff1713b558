import { randomFillSync } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import {
  type Database,
  migrate,
  openDatabase,
  roleUrls,
} from '../apps/server/src/platform/db/index.ts';
import { startEmbeddedPostgres } from '../apps/server/src/platform/embedded/postgres.ts';
import { recordEvents } from '../apps/server/src/telling/events/index.ts';
import {
  createEndpoint,
  startWebhookDispatcher,
} from '../apps/server/src/telling/webhooks/index.ts';

import { type BenchOptions, type BenchResult, median, quantile, rounded } from './harness.ts';

const ENDPOINTS = 100;
/** The stores take turns; an event goes to all endpoints of its store. */
const ENDPOINTS_PER_STORE = 20;
const EVENTS_PER_SECOND = 20;
const SLOW_ANSWER_MS = 10_000;
/** Two p99 of the same work differ by about as much on a busy machine. */
const MAX_P99_RATIO = 1.5;

const random = (target: Uint8Array): Uint8Array => randomFillSync(target);
const ids = uuidV7Ids(systemClock, random);

export type WebhooksRow = {
  scenario: 'all well' | 'one dead, one slow';
  events: number;
  deliveries: number;
  missing: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
};

/**
 * The delay from the commit of an event to its arrival at 98 good endpoints, with the two others
 * well and then with one dead (connection refused) and one slow (answers after 10 s), by turns in
 * one run. Target: p99 with the bad ones is that without, within the noise.
 */
export async function run({ quick }: BenchOptions): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-bench-webhooks-'));
  // The database server runs as another user when we are root, and has to pass through.
  await chmod(folder, 0o711);
  const log = { info() {}, warn() {} };
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), log });
  await migrate(server.url);
  const database = openDatabase(roleUrls(server.url));
  const policy = { allowPrivateAddresses: true, allowInsecureHttp: true };
  const options = { database, clock: systemClock, random, log, connectGuard: policy };
  const dispatcher = startWebhookDispatcher(options);
  try {
    const rows: WebhooksRow[] = [];
    const seconds = quick ? 3 : 15;
    const rounds = quick ? 1 : 3;
    await measure(database, { bad: false, seconds: 1 });
    for (let round = 0; round < rounds; round++) {
      for (const bad of [false, true]) rows.push(await measure(database, { bad, seconds }));
    }
    const p99 = (scenario: WebhooksRow['scenario']): number =>
      median(rows.filter((row) => row.scenario === scenario).map((row) => row.p99Ms));
    const ratio = rounded(p99('one dead, one slow') / p99('all well'));
    const missing = rows.reduce((sum, row) => sum + row.missing, 0);
    return {
      name: 'webhooks',
      rows,
      ratios: { p99WithBadToWithout: ratio },
      targets: [
        {
          what: 'p99 beside bad endpoints to p99 without',
          value: ratio,
          unit: '×',
          limit: { atMost: MAX_P99_RATIO },
        },
        { what: 'deliveries missing', value: missing, unit: '', limit: { atMost: 0 } },
      ],
    };
  } finally {
    await dispatcher.stop(0);
    await database.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  database: Database,
  { bad, seconds }: { bad: boolean; seconds: number },
): Promise<WebhooksRow> {
  const arrived = new Map<string, number>();
  const good = await startEndpoint((key) => arrived.set(key, performance.now()), 0);
  const slow = await startEndpoint(() => {}, SLOW_ANSWER_MS);
  const urlPolicy = { allowPrivateAddresses: true, allowInsecureHttp: true };
  const deps = { clock: systemClock, ids, random, urlPolicy };
  const shops: Uuid[] = [];
  for (let i = 0; i < ENDPOINTS; i++) {
    const url = !bad || i > 1 ? `${good.url}${i}` : i === 0 ? 'http://127.0.0.1:1/' : slow.url;
    if (i % ENDPOINTS_PER_STORE === 0) shops.push(await newShop(database));
    const shop = shops.at(-1) ?? '';
    await database.asTenant(shop, (tx) => createEndpoint(tx, deps, { merchantId: shop, url }));
  }
  const committed = new Map<string, number>();
  const events = seconds * EVENTS_PER_SECOND;
  const began = performance.now();
  for (let i = 0; i < events; i++) {
    const wait = began + (i * 1_000) / EVENTS_PER_SECOND - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    const event = {
      merchantId: shops[i % shops.length] ?? '',
      id: ids.next(),
      type: 'order.created' as const,
      orderId: null,
      data: { number: i },
      createdAtMs: systemClock.nowMs(),
    };
    await database.asSystem((tx) => recordEvents(tx, [event]));
    committed.set(event.id, performance.now());
  }
  const expected = countExpected(events, bad);
  const deadline = performance.now() + 10_000;
  while (arrived.size < expected && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await database.asSystem((tx) =>
    tx.query('UPDATE webhook_endpoint SET enabled = false WHERE enabled'),
  );
  await Promise.all([close(good.server), close(slow.server)]);
  return summarise({ arrived, committed, bad, events, expected });
}

/** The first store has both bad endpoints. */
function countExpected(events: number, bad: boolean): number {
  const ofFirstStore = Math.ceil((events * ENDPOINTS_PER_STORE) / ENDPOINTS);
  return events * ENDPOINTS_PER_STORE - (bad ? 2 * ofFirstStore : 0);
}

function summarise(measured: {
  arrived: Map<string, number>;
  committed: Map<string, number>;
  bad: boolean;
  events: number;
  expected: number;
}): WebhooksRow {
  const delays: number[] = [];
  for (const [key, at] of measured.arrived) {
    const [, eventId = ''] = key.split(' ');
    const from = measured.committed.get(eventId);
    if (from !== undefined) delays.push(Math.max(0, at - from));
  }
  return {
    scenario: measured.bad ? 'one dead, one slow' : 'all well',
    events: measured.events,
    deliveries: delays.length,
    missing: measured.expected - delays.length,
    p50Ms: rounded(quantile(delays, 0.5)),
    p99Ms: rounded(quantile(delays, 0.99)),
    maxMs: rounded(quantile(delays, 1)),
  };
}

async function newShop(database: Database): Promise<Uuid> {
  const id = ids.next();
  await database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES ($1, 'Bench', '{}', now(), now())`,
      [id],
    ),
  );
  return id;
}

async function startEndpoint(
  heard: (key: string) => void,
  answerAfterMs: number,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    heard(`${request.url} ${String(request.headers['webhook-id'])}`);
    request.resume();
    if (answerAfterMs === 0) response.end();
    else setTimeout(() => response.end(), answerAfterMs).unref();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, server };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
