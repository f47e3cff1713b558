import { systemClock, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls, type Tx } from '../../platform/db/index.ts';
import {
  createEndpoint,
  deleteEndpoint,
  listDeliveries,
  listEndpoints,
  MAX_ENDPOINTS,
  pingEndpoint,
  readDelivery,
  readEndpoint,
  removeOldSecrets,
  replayDelivery,
  replayFailed,
  rotateSecret,
  updateEndpoint,
} from './index.ts';
import { deps, newEvent, newMerchant, record, storedDeliveries } from './test-support.ts';

let testDatabase: TestDatabase;
let database: Database;
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
});
afterAll(async () => {
  await database?.close();
  await testDatabase?.drop();
});

const strict = { ...deps, urlPolicy: {} };
const url = 'https://shop.example/hook';
async function shop() {
  const merchantId = await newMerchant(database);
  const as = <T>(work: (tx: Tx) => Promise<T>) => database.asTenant(merchantId, work);
  return { merchantId, as };
}
async function fail(endpointId: Uuid): Promise<void> {
  await database.asSystem((tx) =>
    tx.query(
      `UPDATE webhook_delivery SET state = 'failed', finished_at = now()
       WHERE endpoint_id = $1 AND state = 'pending'`,
      [endpointId],
    ),
  );
}

test('a new endpoint shows its secret once; afterwards nobody can read it', async () => {
  const { merchantId, as } = await shop();
  const made = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(made).toMatchObject({ url, style: 'standard', eventTypes: [], enabled: true });
  const listed = await as((tx) => listEndpoints(tx));
  const { secret, ...visible } = made;
  expect(listed).toEqual([visible]);
  expect(JSON.stringify(listed)).not.toContain(secret);
});

test('an address, a type or a number of endpoints that is not possible is refused by name', async () => {
  const { merchantId, as } = await shop();
  const create = (input: object) =>
    as((tx) => createEndpoint(tx, strict, { merchantId, url, ...input }));
  await expect(create({ url: 'https://127.0.0.1/' })).rejects.toMatchObject({
    code: 'webhook_url_refused',
    status: 422,
  });
  await expect(create({ eventTypes: ['order.nonsense'] })).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await expect(create({ style: 'classic', eventTypes: ['order.created'] })).rejects.toMatchObject({
    code: 'invalid_request',
  });
  for (let i = 0; i < MAX_ENDPOINTS; i++) await create({});
  await expect(create({})).rejects.toMatchObject({ code: 'conflict' });
});

test('changing an endpoint changes what is named and ends its rest', async () => {
  const { merchantId, as } = await shop();
  const input = { merchantId, url, description: 'a', eventTypes: ['order.expired'] };
  const { id } = await as((tx) => createEndpoint(tx, strict, input));
  await database.asSystem((tx) =>
    tx.query(
      `UPDATE webhook_endpoint SET resting_until = now(), consecutive_failures = 7 WHERE id = $1`,
      [id],
    ),
  );
  const changed = await as((tx) => updateEndpoint(tx, strict, id, { description: null }));
  expect(changed).toMatchObject({
    ...{ url, description: null, eventTypes: ['order.expired'], enabled: true },
    ...{ restingUntilMs: null, consecutiveFailures: 0 },
  });
  const off = await as((tx) => updateEndpoint(tx, strict, id, { enabled: false, eventTypes: [] }));
  expect(off).toMatchObject({ enabled: false, eventTypes: [] });
  await expect(
    as((tx) => updateEndpoint(tx, strict, id, { url: 'http://shop.example' })),
  ).rejects.toMatchObject({ code: 'webhook_url_refused' });
});

test('secrets rotate: the new one comes first, old ones stay until they are removed', async () => {
  const { merchantId, as } = await shop();
  const { id, secret } = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  const second = await as((tx) => rotateSecret(tx, deps, id));
  const third = await as((tx) => rotateSecret(tx, deps, id));
  const stored = () =>
    database.asSystem((tx) =>
      tx.one<{ secrets: string[] }>('SELECT secrets FROM webhook_endpoint WHERE id = $1', [id]),
    );
  expect((await stored()).secrets).toEqual([third.secret, second.secret, secret]);
  await expect(as((tx) => rotateSecret(tx, deps, id))).rejects.toMatchObject({ code: 'conflict' });
  expect(await as((tx) => removeOldSecrets(tx, id))).toMatchObject({ secretCount: 1 });
  expect((await stored()).secrets).toEqual([third.secret]);
});

test('a ping goes to its endpoint only, whatever types that wants', async () => {
  const { merchantId, as } = await shop();
  const input = { merchantId, url, eventTypes: ['order.expired'] };
  const one = await as((tx) => createEndpoint(tx, strict, input));
  const other = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  const ping = await as((tx) => pingEndpoint(tx, deps, { merchantId, endpointId: one.id }));
  const { deliveries } = await as((tx) => listDeliveries(tx, { endpointId: one.id, limit: 10 }));
  expect(deliveries).toMatchObject([{ id: ping.deliveryId, eventType: 'webhook.ping' }]);
  expect(await storedDeliveries(database, other.id)).toEqual([]);
  await as((tx) => updateEndpoint(tx, strict, one.id, { enabled: false }));
  await expect(
    as((tx) => pingEndpoint(tx, deps, { merchantId, endpointId: one.id })),
  ).rejects.toMatchObject({ code: 'conflict' });
});

test('a replay is a new delivery of the same event; failed ones are replayed once each', async () => {
  const { merchantId, as } = await shop();
  const { id: endpointId } = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  const events = Array.from({ length: 5 }, () => newEvent(merchantId));
  await record(database, events);
  const [first] = await storedDeliveries(database, endpointId);
  const firstId = first?.id ?? '';
  await expect(as((tx) => replayDelivery(tx, deps, firstId))).rejects.toMatchObject({
    code: 'conflict',
  });
  await fail(endpointId);
  const replayed = await as((tx) => replayDelivery(tx, deps, firstId));
  expect(replayed).toMatchObject({ replayOf: firstId, state: 'pending', attempts: 0 });
  expect(replayed.eventId).toBe((await as((tx) => readDelivery(tx, firstId))).eventId);
  const since = { endpointId, sinceMs: 0 };
  const future = { endpointId, sinceMs: systemClock.nowMs() + 1_000 };
  expect(await as((tx) => replayFailed(tx, deps, future))).toBe(0);
  expect(await as((tx) => replayFailed(tx, deps, since))).toBe(4);
  expect(await as((tx) => replayFailed(tx, deps, since))).toBe(0);
  await fail(endpointId);
  expect(await as((tx) => replayFailed(tx, deps, since))).toBe(5);
});

test('the delivery log pages newest first without gaps and filters by state', async () => {
  const { merchantId, as } = await shop();
  const { id: endpointId } = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  await record(
    database,
    Array.from({ length: 5 }, () => newEvent(merchantId)),
  );
  const seen: Uuid[] = [];
  let startingAfter: Uuid | undefined;
  for (let more = true; more; ) {
    const query = { endpointId, startingAfter, limit: 2 };
    const page = await as((tx) => listDeliveries(tx, query));
    seen.push(...page.deliveries.map(({ id }) => id));
    startingAfter = page.deliveries.at(-1)?.id;
    more = page.hasMore;
  }
  const stored = (await storedDeliveries(database, endpointId)).map(({ id }) => id);
  expect(seen).toEqual(stored.reverse());
  const failed = await as((tx) => listDeliveries(tx, { endpointId, state: 'failed', limit: 9 }));
  expect(failed.deliveries).toEqual([]);
});

test('a stranger can neither see nor touch an endpoint or its deliveries', async () => {
  const { merchantId, as } = await shop();
  const { id } = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  await record(database, [newEvent(merchantId)]);
  await fail(id);
  const [delivery] = await storedDeliveries(database, id);
  const deliveryId = delivery?.id ?? '';
  const stranger = await shop();
  const attempts: ((tx: Tx) => Promise<unknown>)[] = [
    (tx) => readEndpoint(tx, id),
    (tx) => updateEndpoint(tx, strict, id, { enabled: false }),
    (tx) => deleteEndpoint(tx, deps, id),
    (tx) => rotateSecret(tx, deps, id),
    (tx) => removeOldSecrets(tx, id),
    (tx) => pingEndpoint(tx, deps, { merchantId: stranger.merchantId, endpointId: id }),
    (tx) => listDeliveries(tx, { endpointId: id, limit: 1 }),
    (tx) => readDelivery(tx, deliveryId),
    (tx) => replayDelivery(tx, deps, deliveryId),
    (tx) => replayFailed(tx, deps, { endpointId: id, sinceMs: 0 }),
  ];
  for (const attempt of attempts)
    await expect(stranger.as(attempt)).rejects.toMatchObject({ code: 'not_found' });
  expect(await stranger.as((tx) => listEndpoints(tx))).toEqual([]);
  expect(await as((tx) => readEndpoint(tx, id))).toMatchObject({ enabled: true, secretCount: 1 });
});

test('a deleted endpoint is gone from sight, its log stays', async () => {
  const { merchantId, as } = await shop();
  const { id } = await as((tx) => createEndpoint(tx, strict, { merchantId, url }));
  await record(database, [newEvent(merchantId)]);
  await as((tx) => deleteEndpoint(tx, deps, id));
  await expect(as((tx) => readEndpoint(tx, id))).rejects.toMatchObject({ code: 'not_found' });
  expect((await storedDeliveries(database, id)).length).toBe(1);
});
