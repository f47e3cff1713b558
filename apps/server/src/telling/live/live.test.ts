import { randomUUID } from 'node:crypto';
import { systemClock, type Uuid } from '@quittance/kernel';
import Fastify, { type FastifyInstance } from 'fastify';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { type Frame, ORDERS_CHANNEL, registerLive } from './index.ts';
import { defaultLiveLimits, makeViewers } from './viewers.ts';

let testDatabase: TestDatabase;
let database: Database;
let app: FastifyInstance;
let port = 0;
const states = new Map<Uuid, Frame>();
let readsFail = false;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  app = Fastify();
  await registerLive(app, {
    database,
    clock: systemClock,
    async readFrame(orderId) {
      if (readsFail) throw new Error('down');
      return states.get(orderId) ?? null;
    },
    log: { warn() {} },
    limits: { maxSocketsPerAddress: 30, pingEveryMs: 100 },
  });
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(async () => {
  await app?.close();
  await database?.close();
  await testDatabase?.drop();
});

function newOrder(): Frame {
  const frame = { orderId: randomUUID(), status: 'PENDING', timestamp: 'T', version: 1 };
  states.set(frame.orderId, frame);
  return frame;
}

type Seen = { frames: Frame[]; code: number | undefined; socket: WebSocket };
function view(query: string, options?: WebSocket.ClientOptions): Seen {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/payment${query}`, options);
  const seen: Seen = { frames: [], code: undefined, socket };
  socket.on('message', (data) => seen.frames.push(JSON.parse(String(data)) as Frame));
  socket.on('close', (code) => {
    seen.code = code;
  });
  return seen;
}

async function change(frame: Frame): Promise<void> {
  states.set(frame.orderId, frame);
  await database.asSystem((tx) =>
    tx.query('SELECT pg_notify($1, $2)', [ORDERS_CHANNEL, JSON.stringify(frame)]),
  );
}

test('one-socket-per-order: every viewer of an order is sent every change, in order', async () => {
  const first = newOrder();
  const viewers = Array.from({ length: 5 }, () => view(`?orderId=${first.orderId}`));
  const stranger = view(`?orderId=${newOrder().orderId}`);
  await expect.poll(() => viewers.every(({ frames }) => frames.length === 1)).toBe(true);
  const seen = { ...first, status: 'UNCONFIRMED', version: 2 };
  const counted = { ...seen, confirmations: 1 };
  const done = { ...seen, status: 'CONFIRMED', version: 3 };
  for (const frame of [seen, counted, done]) await change(frame);
  for (const viewer of viewers) {
    await expect.poll(() => viewer.frames).toEqual([first, seen, counted, done]);
    viewer.socket.close();
  }
  await expect.poll(() => stranger.frames.length).toBe(1);
  stranger.socket.close();
});

test('an older frame that arrives late is not sent', async () => {
  const order = { ...newOrder(), version: 7 };
  states.set(order.orderId, order);
  const viewer = view(`?orderId=${order.orderId}`);
  await expect.poll(() => viewer.frames.length).toBe(1);
  await change({ ...order, version: 6, status: 'PENDING' });
  await change({ ...order, version: 8 });
  await expect.poll(() => viewer.frames.map(({ version }) => version)).toEqual([7, 8]);
  viewer.socket.close();
});

test('who resumes at the present version is sent only what comes later', async () => {
  const order = newOrder();
  const resumed = view(`?orderId=${order.orderId}&version=1`);
  const behind = view(`?orderId=${order.orderId}&version=0`);
  await expect.poll(() => behind.frames.length).toBe(1);
  await change({ ...order, version: 2 });
  await expect.poll(() => resumed.frames.map(({ version }) => version)).toEqual([2]);
  resumed.socket.close();
  behind.socket.close();
});

test('unknown and malformed order ids are told apart by their close codes', async () => {
  const cases = [
    { query: `?orderId=${randomUUID()}`, code: 4404 },
    { query: '?orderId=nonsense', code: 4400 },
    { query: '', code: 4400 },
    { query: `?orderId=${newOrder().orderId}&version=x`, code: 4400 },
  ];
  for (const { query, code } of cases) {
    const viewer = view(query);
    await expect.poll(() => viewer.code).toBe(code);
  }
});

test('one address can not take more sockets than its share', async () => {
  const order = newOrder();
  const viewers = Array.from({ length: 31 }, () => view(`?orderId=${order.orderId}`));
  await expect.poll(() => viewers.filter(({ code }) => code === 4429).length).toBe(1);
  await expect.poll(() => viewers.filter(({ frames }) => frames.length === 1).length).toBe(30);
  for (const { socket } of viewers) socket.close();
  await expect.poll(() => viewers.every(({ code }) => code !== undefined)).toBe(true);
  const next = view(`?orderId=${order.orderId}`);
  await expect.poll(() => next.frames.length).toBe(1);
  next.socket.close();
});

test('a viewer that does not answer pings is cut off, the others stay', async () => {
  const order = newOrder();
  const silent = view(`?orderId=${order.orderId}`, { autoPong: false });
  const lively = view(`?orderId=${order.orderId}`);
  await expect.poll(() => silent.code).toBe(1006);
  expect(lively.code).toBeUndefined();
  lively.socket.close();
});

test('a state that can not be read asks the viewer to come back', async () => {
  readsFail = true;
  const viewer = view(`?orderId=${newOrder().orderId}`);
  await expect.poll(() => viewer.code).toBe(1013);
  readsFail = false;
});

test('what changed while the listener was away is sent after the gap', async () => {
  const order = newOrder();
  const same = newOrder();
  const viewer = view(`?orderId=${order.orderId}`);
  const other = view(`?orderId=${same.orderId}`);
  await expect.poll(() => viewer.frames.length + other.frames.length).toBe(2);
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  const killed = await owner.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'quittance-listen' AND datname = current_database()`,
  );
  expect(killed.rowCount).toBe(1);
  await owner.end();
  await change({ ...order, version: 2 });
  await expect.poll(() => viewer.frames.length, { timeout: 5_000 }).toBe(2);
  expect(other.frames.length).toBe(1);
  viewer.socket.close();
  other.socket.close();
});

test('a frame reaches its viewer within milliseconds of the commit', async () => {
  const order = newOrder();
  const viewer = view(`?orderId=${order.orderId}`);
  await expect.poll(() => viewer.frames.length).toBe(1);
  const times: number[] = [];
  for (let version = 2; version < 52; version++) {
    const arrived = new Promise<void>((resolve) => viewer.socket.once('message', () => resolve()));
    await database.asSystem(async (tx) => {
      await tx.query('SELECT pg_notify($1, $2)', [
        ORDERS_CHANNEL,
        JSON.stringify({ ...order, version }),
      ]);
    });
    const committed = performance.now();
    await arrived;
    times.push(performance.now() - committed);
  }
  times.sort((a, b) => a - b);
  console.log(
    `commit to frame: median ${times[25]?.toFixed(2)} ms, worst ${times[49]?.toFixed(2)} ms`,
  );
  // Generous, for a busy machine: a poller would need a hundred times as long.
  expect(times[25]).toBeLessThan(20);
  viewer.socket.close();
});

test('a viewer whose buffer is full is cut off instead of buffered for', () => {
  const viewers = makeViewers({ ...defaultLiveLimits, maxBufferedBytes: 100 });
  let terminated = false;
  const sent: string[] = [];
  const socket = {
    readyState: 1,
    bufferedAmount: 101,
    send: (text: string) => sent.push(text),
    ping() {},
    close() {},
    terminate() {
      terminated = true;
    },
  };
  const order = newOrder();
  const viewer = viewers.add(order.orderId, socket, 'a');
  viewers.broadcast(order);
  expect(terminated).toBe(true);
  expect(sent).toEqual([]);
  if (viewer !== undefined) viewers.remove(viewer);
  expect(viewers.count()).toBe(0);
  expect(viewers.watchedOrders()).toEqual([]);
});
