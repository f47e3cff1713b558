import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { verifyClassicWebhook, verifyWebhook } from '@quittance/client';
import { manualClock, systemClock, type Uuid } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { updateEndpoint } from './change-endpoint.ts';
import { startWebhookDispatcher, type WebhookDispatcher } from './dispatcher.ts';
import type { Endpoint } from './endpoint.ts';
import { readDelivery } from './replay-deliveries.ts';
import { MAX_ATTEMPTS, RETRY_WINDOW_MS } from './schedule.ts';
import {
  localDispatcher,
  newEndpoint,
  newEvent,
  newMerchant,
  type Receiver,
  record,
  startReceiver,
  storedDeliveries,
} from './test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
let merchant: Uuid;
const dispatchers: WebhookDispatcher[] = [];
const receivers: Receiver[] = [];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
afterAll(async () => {
  await database?.close();
  await testDatabase?.drop();
});
beforeEach(async () => {
  merchant = await newMerchant(database);
});
afterEach(async () => {
  await Promise.all(dispatchers.splice(0).map((dispatcher) => dispatcher.stop(0)));
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
  await database.asSystem((tx) =>
    tx.query(`UPDATE webhook_delivery SET state = 'failed' WHERE state = 'pending'`),
  );
});

function start(options: Partial<Parameters<typeof startWebhookDispatcher>[0]> = {}) {
  const dispatcher = startWebhookDispatcher({ ...localDispatcher(database), ...options });
  dispatchers.push(dispatcher);
  return dispatcher;
}
async function receive(answer?: Parameters<typeof startReceiver>[0]): Promise<Receiver> {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
}
const events = (count: number) => Array.from({ length: count }, () => newEvent(merchant));
const ringBell = () =>
  database.asSystem((tx) => tx.query(`SELECT pg_notify('quittance_webhooks', '')`));
const until = { timeout: 10_000, interval: 20 };

test('several dispatchers deliver every event once, signed so that the client verifies it', async () => {
  const [standard, classic] = [await receive(), await receive()];
  const endpoint = await newEndpoint(database, merchant, standard.url);
  const old = await newEndpoint(database, merchant, classic.url, 'classic');
  for (let i = 0; i < 3; i++) start();
  const recorded = [...events(99), newEvent(merchant, 'order.status_changed')];
  await record(database, recorded);
  await expect.poll(() => standard.received.length, until).toBe(100);
  await expect.poll(() => classic.received.length, until).toBe(1);
  const seen = standard.received.map((one) =>
    verifyWebhook({ ...one, secrets: [endpoint.secret] }),
  );
  expect(seen.map(({ id }) => id).sort()).toEqual(recorded.map(({ id }) => id).sort());
  for (const event of seen)
    expect(event.data).toEqual(recorded.find(({ id }) => id === event.id)?.data);
  const [message] = classic.received;
  expect(message && verifyClassicWebhook({ ...message, secrets: [old.secret] }).status).toBe(
    'PENDING',
  );
  await expect
    .poll(
      async () => (await storedDeliveries(database, endpoint.id)).map((one) => one.state),
      until,
    )
    .toEqual(Array(100).fill('delivered'));
  expect(standard.received.length).toBe(100);
});

test('failing-webhook-blocks-others: dead and hanging endpoints with long queues delay nobody', async () => {
  // Fewer slots than bad endpoints could take: without lanes and per-endpoint limits all are gone.
  const limits = { fastSlots: 4, slowSlots: 2, perEndpoint: 2, slowAfterMs: 150 };
  for (let i = 0; i < 3; i++) {
    const hanging = await receive(() => {});
    await newEndpoint(database, merchant, hanging.url);
  }
  await newEndpoint(database, merchant, 'http://127.0.0.1:1/dead');
  await record(database, events(200));
  start({ limits });
  const good: Receiver[] = [];
  const other = await newMerchant(database);
  for (let i = 0; i < 10; i++) {
    const receiver = await receive();
    await newEndpoint(database, other, receiver.url);
    good.push(receiver);
  }
  const began = performance.now();
  for (let i = 0; i < 5; i++) await record(database, [newEvent(other)]);
  await expect.poll(() => good.every(({ received }) => received.length === 5), until).toBe(true);
  // One attempt at a hanging endpoint lasts 15 s.
  expect(performance.now() - began).toBeLessThan(3_000);
});

test('failing-webhook-blocks-others: the long queue of one endpoint delays no other', async () => {
  let underWay = 0;
  let most = 0;
  const busy = await receive((response) => {
    most = Math.max(most, ++underWay);
    setTimeout(() => {
      underWay--;
      response.end();
    }, 100);
  });
  await newEndpoint(database, merchant, busy.url);
  await record(database, events(200));
  start({ limits: { fastSlots: 4, perEndpoint: 2 } });
  await expect.poll(() => busy.received.length, until).toBeGreaterThan(0);
  const other = await newMerchant(database);
  const good = await receive();
  await newEndpoint(database, other, good.url);
  await record(database, [newEvent(other)]);
  await expect.poll(() => good.received.length, until).toBe(1);
  // The whole queue takes ten seconds.
  expect(busy.received.length).toBeLessThan(100);
  expect(most).toBe(2);
});

test('a dead endpoint with 10,000 waiting deliveries costs a handful of attempts', async () => {
  const dead = await newEndpoint(database, merchant, 'http://127.0.0.1:1/dead');
  for (let i = 0; i < 10; i++) await record(database, events(1_000));
  const good = await receive();
  await newEndpoint(database, merchant, good.url);
  start();
  await record(database, events(1));
  await expect.poll(() => good.received.length, until).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 700));
  const tried = (await storedDeliveries(database, dead.id)).filter(({ attempts }) => attempts > 0);
  expect(tried.length).toBeGreaterThanOrEqual(5);
  expect(tried.length).toBeLessThanOrEqual(8);
});

test('a delivery is tried on until it is taken, and its log tells every attempt', async () => {
  const clock = manualClock(systemClock.nowMs() + 10_000);
  let failures = 3;
  const receiver = await receive((response) => {
    response.writeHead(failures-- > 0 ? 503 : 204).end();
  });
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  start({ clock });
  await record(database, events(1));
  for (let attempt = 1; attempt <= 4; attempt++) {
    await expect.poll(() => receiver.received.length, until).toBe(attempt);
    await expect.poll(() => attemptsLogged(endpoint), until).toBe(attempt);
    clock.advance(3_600_000);
    await ringBell();
  }
  const [stored] = await storedDeliveries(database, endpoint.id);
  expect(stored).toMatchObject({ state: 'delivered', attempts: 4 });
  const log = await database.asTenant(merchant, (tx) => readDelivery(tx, stored?.id ?? ''));
  expect(log.attemptLog.map(({ status }) => status)).toEqual([503, 503, 503, 204]);
});

async function attemptsLogged(endpoint: Endpoint): Promise<number> {
  const { count } = await database.asSystem((tx) =>
    tx.one<{ count: number }>(
      `SELECT count(*)::int AS count FROM webhook_attempt
       JOIN webhook_delivery AS delivery ON delivery.id = delivery_id
       WHERE endpoint_id = $1`,
      [endpoint.id],
    ),
  );
  return count;
}

test('after the last attempt a delivery has failed', async () => {
  const clock = manualClock(systemClock.nowMs() + 10_000);
  const receiver = await receive((response) => response.writeHead(500).end());
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  await record(database, events(1));
  await database.asSystem((tx) =>
    tx.query('UPDATE webhook_delivery SET attempts = $2 WHERE endpoint_id = $1', [
      endpoint.id,
      MAX_ATTEMPTS - 1,
    ]),
  );
  start({ clock });
  await expect
    .poll(async () => (await storedDeliveries(database, endpoint.id))[0]?.state, until)
    .toBe('failed');
});

test('old deliveries are given up only after a fresh failure of an endpoint that failed all along', async () => {
  const now = systemClock.nowMs();
  const [down, up] = [await receive((response) => response.writeHead(500).end()), await receive()];
  const dead = await newEndpoint(database, merchant, down.url);
  const paused = await newEndpoint(database, merchant, up.url);
  const old = events(10).map((event) => ({
    ...event,
    createdAtMs: now - RETRY_WINDOW_MS - 60_000,
  }));
  await record(database, old);
  await database.asSystem((tx) =>
    tx.query(
      `UPDATE webhook_endpoint SET consecutive_failures = 9, failing_since = $3
       WHERE id IN ($1, $2)`,
      [dead.id, paused.id, new Date(now - RETRY_WINDOW_MS - 1_000)],
    ),
  );
  start();
  await expect.poll(() => up.received.length, until).toBe(10);
  const failed = async () =>
    (await storedDeliveries(database, dead.id)).filter(({ state }) => state === 'failed').length;
  await expect.poll(failed, until).toBe(9);
  expect(down.received.length).toBe(1);
});

test('410 Gone switches the endpoint off, and what waits for it ends', async () => {
  const receiver = await receive((response) => response.writeHead(410).end());
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  await record(database, events(1));
  start();
  await expect
    .poll(async () => (await storedDeliveries(database, endpoint.id))[0]?.state, until)
    .toBe('failed');
  await record(database, events(1));
  expect((await storedDeliveries(database, endpoint.id)).length).toBe(1);
});

test('a dispatcher killed between sending and recording: the delivery is sent again', async () => {
  const script = fileURLToPath(new URL('./dispatcher-process.test-support.ts', import.meta.url));
  const child = spawn(process.execPath, [script, testDatabase.ownerUrl], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const receiver = await receive((response, { atMs }) => {
    if (receiver.received[0]?.atMs === atMs) child.kill('SIGKILL');
    else response.end();
  });
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  await record(database, events(1));
  await exited;
  expect(receiver.received.length).toBe(1);
  expect(await storedDeliveries(database, endpoint.id)).toMatchObject([
    { state: 'pending', attempts: 1 },
  ]);
  start();
  await expect.poll(() => receiver.received.length, until).toBe(2);
  const [first, second] = receiver.received;
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.body).toBe(first?.body);
  await expect
    .poll(async () => (await storedDeliveries(database, endpoint.id))[0]?.state, until)
    .toBe('delivered');
});

test('deliveries go on after every connection to the database was cut', async () => {
  const receiver = await receive();
  await newEndpoint(database, merchant, receiver.url);
  start({ leaseMs: 1_500 });
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  let recorded = 0;
  for (let round = 0; round < 5; round++) {
    try {
      await record(database, events(10));
      recorded += 10;
    } catch {
      // The cut may hit this very transaction; then its events never happened.
    }
    await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }
  await owner.end();
  const different = () => new Set(receiver.received.map(({ body }) => body)).size;
  await expect.poll(different, until).toBeGreaterThanOrEqual(recorded);
  expect(recorded).toBeGreaterThan(0);
});

test('stop lets an attempt end; one that hangs is cut and comes back when its lease ends', async () => {
  let hang = true;
  const receiver = await receive((response) => {
    if (!hang) response.end();
  });
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  const first = start({ leaseMs: 1_000 });
  await record(database, events(1));
  await expect.poll(() => receiver.received.length, until).toBe(1);
  await first.stop(50);
  const [stored] = await storedDeliveries(database, endpoint.id);
  expect(stored).toMatchObject({ state: 'pending', attempts: 1 });
  hang = false;
  start();
  await expect.poll(() => receiver.received.length, until).toBe(2);
});

test('what waits for an endpoint that was switched off ends unsent', async () => {
  const receiver = await receive();
  const endpoint = await newEndpoint(database, merchant, receiver.url);
  await record(database, events(3));
  await database.asTenant(merchant, (tx) =>
    updateEndpoint(tx, { urlPolicy: {} }, endpoint.id, { enabled: false }),
  );
  start();
  await expect
    .poll(
      async () => (await storedDeliveries(database, endpoint.id)).map((one) => one.state),
      until,
    )
    .toEqual(['failed', 'failed', 'failed']);
  expect(receiver.received).toEqual([]);
});

test('the queue is measured', async () => {
  await newEndpoint(database, merchant, 'http://127.0.0.1:1/dead');
  await record(database, [{ ...newEvent(merchant), createdAtMs: systemClock.nowMs() - 7_000 }]);
  const measured: number[][] = [];
  const outcomes: string[] = [];
  start({
    metrics: {
      attempted: (outcome) => outcomes.push(outcome),
      queue: (...numbers) => measured.push(numbers),
    },
  });
  await expect.poll(() => outcomes, until).toContain('retry');
  expect(measured[0]?.[0]).toBe(1);
  expect(measured[0]?.[1]).toBeGreaterThanOrEqual(7_000);
});
