import { setTimeout as sleep } from 'node:timers/promises';
import type { Order } from '@quittance/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyAllBooks } from '../../apps/server/src/accounting/ledger/index.ts';
import { assemble } from '../../apps/server/src/wiring/flow.ts';
import { loadConfig } from '../../apps/server/src/platform/config/index.ts';
import type { Database } from '../../apps/server/src/platform/db/index.ts';
import { createLifecycle, type Lifecycle } from '../../apps/server/src/platform/lifecycle/index.ts';
import { createLogger } from '../../apps/server/src/platform/log/index.ts';
import { flowOptionsOf } from '../../apps/server/src/processes/configured.ts';
import { createAdminKey } from '../../apps/server/src/tenancy/keys/index.ts';
import { type Answer, callApi } from '../suites/support/clients.ts';
import { createDice } from '../suites/support/dice.ts';
import { type Receivers, startReceivers } from '../suites/support/receivers.ts';
import { regtestDescriptor } from '../support/descriptors.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Regtest, startRegtest } from '../support/regtest.ts';
import { movableClock } from '../support/shop.ts';

const PATIENCE_MS = 20_000;
const JUMP_MS = 2 * 3_600_000;

const clock = movableClock();
let testDatabase: TestDatabase;
let regtest: Regtest;
let receivers: Receivers;
let lifecycle: Lifecycle;
let database: Database;
let url: string;
let adminKey: string;

beforeAll(async () => {
  [testDatabase, regtest] = await Promise.all([createTestDatabase(), startRegtest()]);
  receivers = await startReceivers(createDice(1), () => undefined);
  const { node } = regtest;
  const config = loadConfig({
    configPath: undefined,
    env: {
      DATABASE_URL: testDatabase.ownerUrl,
      QUITTANCE_NETWORK: 'regtest',
      QUITTANCE_HTTP_PORT: '0',
      QUITTANCE_RATES_FIXED: '{"USD":"65000.00"}',
      QUITTANCE_BITCOIN_RPC_URL: node.rpcUrl,
      QUITTANCE_BITCOIN_RPC_USER: node.rpcUser,
      QUITTANCE_BITCOIN_RPC_PASSWORD: node.rpcPassword,
      QUITTANCE_BITCOIN_ZMQ_RAW_TX: node.zmq.rawtx,
      QUITTANCE_BITCOIN_ZMQ_HASH_BLOCK: node.zmq.hashblock,
      QUITTANCE_BITCOIN_ZMQ_SEQUENCE: node.zmq.sequence,
      QUITTANCE_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true',
      QUITTANCE_WEBHOOKS_ALLOW_HTTP: 'true',
    },
  });
  const log = createLogger({ level: 'fatal' });
  const { ownerUrl } = testDatabase;
  const options = flowOptionsOf(config, { ownerUrl, log, version: 'test', clock });
  lifecycle = createLifecycle({ log });
  const listening = Promise.withResolvers<number>();
  database = assemble(lifecycle, { ...options, onListening: listening.resolve });
  const { ids, random } = options;
  const key = await createAdminKey(database, { clock, ids, random }, 'test');
  adminKey = key.secret;
  await lifecycle.start();
  url = `http://127.0.0.1:${await listening.promise}`;
});
afterAll(async () => {
  await lifecycle.stop();
  await receivers.close();
  await regtest.stop();
  await testDatabase.drop();
});

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`in vain: ${what}`);
}

function bodyOf<T>(answer: Answer | undefined): T {
  if (answer === undefined) throw new Error('no answer');
  return answer.body as T;
}

test('a clock that jumps back and forth loses no order, payment, event or entry', async () => {
  const created = await callApi(`${url}/v1/merchants`, {
    apiKey: adminKey,
    body: {
      name: 'Shop',
      descriptor: regtestDescriptor(77),
      settings: { rateRule: { sources: ['fixed'], minSources: 1 } },
    },
  });
  const { secret: apiKey } = bodyOf<{ apiKey: { secret: string } }>(created).apiKey;
  const receiver = receivers.add('clock', 'standard', 'good');
  const endpoint = await callApi(`${url}/v1/webhook-endpoints`, {
    apiKey,
    body: { url: receiver.url, style: 'standard' },
  });
  receiver.secret = bodyOf<{ secret: string }>(endpoint).secret;

  async function order(): Promise<Order> {
    const body = { amount: '12.00', currency: 'USD' };
    const answer = await callApi(`${url}/v1/orders`, { apiKey, body });
    expect(answer?.status, JSON.stringify(answer)).toBe(201);
    return bodyOf<Order>(answer);
  }
  const read = async (id: string): Promise<Order> =>
    bodyOf(await callApi(`${url}/v1/orders/${id}`, { method: 'GET', apiKey }));
  const becomes = (id: string, status: string) =>
    until(`${id} becomes ${status}`, async () =>
      (await read(id)).status === status ? true : undefined,
    );

  // A payment before the jump, confirmed after it; and one order that lies wholly behind it.
  const before = await order();
  await regtest.sendTo(before.address, BigInt(before.dueSats));
  await becomes(before.id, 'UNCONFIRMED');
  clock.move(-JUMP_MS);
  const after = await order();
  await regtest.sendTo(after.address, BigInt(after.dueSats));
  await becomes(after.id, 'UNCONFIRMED');
  await regtest.mine(1);
  await becomes(before.id, 'CONFIRMED');
  await becomes(after.id, 'CONFIRMED');
  expect((await read(before.id)).payments[0]?.late).toBe(false);
  expect((await read(after.id)).payments[0]?.late).toBe(false);
  // Forward again: what was left unpaid expires, what is paid stays so.
  const unpaid = await order();
  clock.move(JUMP_MS);
  await becomes(unpaid.id, 'EXPIRED');
  expect((await read(before.id)).status).toBe('CONFIRMED');

  const events = await callApi(`${url}/v1/events?limit=100`, { method: 'GET', apiKey });
  const { data } = bodyOf<{ data: { id: string }[] }>(events);
  expect(data.length).toBeGreaterThanOrEqual(10);
  await until('every event is delivered', async () =>
    data.every(({ id }) => receiver.accepted.has(id)) ? true : undefined,
  );
  expect(receivers.faults.filter((fault) => !fault.includes('too old'))).toEqual([]);
  expect(await verifyAllBooks(database)).toMatchObject({ ok: true });
}, 90_000);
