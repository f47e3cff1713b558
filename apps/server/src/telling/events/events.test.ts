import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { explain } from '../../../../../tests/support/plans.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { listEvents, type NewEvent, recordEvents, WEBHOOKS_CHANNEL } from './index.ts';
import { eventListStatement } from './store.ts';

const ids = uuidV7Ids(systemClock, (target) => randomFillSync(target));
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

async function newMerchant(): Promise<Uuid> {
  const id = ids.next();
  await database.asSystem((tx) =>
    tx.query(
      `INSERT INTO merchant (id, name, settings, created_at, updated_at)
       VALUES ($1, 'Shop', '{}', now(), now())`,
      [id],
    ),
  );
  return id;
}

type EndpointOptions = { style?: string; types?: string[]; enabled?: boolean; deleted?: boolean };
async function newEndpoint(merchantId: Uuid, options: EndpointOptions = {}): Promise<Uuid> {
  const id = ids.next();
  await database.asTenant(merchantId, (tx) =>
    tx.query(
      `INSERT INTO webhook_endpoint
         (merchant_id, id, url, secrets, style, event_types, enabled, created_at, deleted_at)
       VALUES ($1, $2, 'https://shop.example/hook', '{secret}', $3, $4, $5, now(), $6)`,
      [
        merchantId,
        id,
        options.style ?? 'standard',
        options.types ?? [],
        options.enabled ?? true,
        options.deleted === true ? new Date() : null,
      ],
    ),
  );
  return id;
}

function newEvent(merchantId: Uuid, type: NewEvent['type'] = 'order.created'): NewEvent {
  return {
    merchantId,
    id: ids.next(),
    type,
    orderId: ids.next(),
    data: { a: '1' },
    createdAtMs: 5,
  };
}

/** The longest transaction of another test takes some 10 s on a busy machine. */
const OTHERS_TIMEOUT_MS = 60_000;
vi.setConfig({ testTimeout: 2 * OTHERS_TIMEOUT_MS });

/** A transaction that runs anywhere on the tests' server hides what was recorded after it began. */
async function othersAreDone(): Promise<void> {
  const hidden = `SELECT count(*) AS hidden FROM event
    WHERE transaction >= pg_snapshot_xmin(pg_current_snapshot())`;
  await expect
    .poll(() => database.asSystem((tx) => tx.one(hidden)), { timeout: OTHERS_TIMEOUT_MS })
    .toEqual({ hidden: 0n });
}

async function deliveriesTo(endpointId: Uuid): Promise<string[]> {
  const rows = await database.asSystem((tx) =>
    tx.query<{ event_id: string }>(
      'SELECT event_id FROM webhook_delivery WHERE endpoint_id = $1 ORDER BY event_id',
      [endpointId],
    ),
  );
  return rows.map((row) => row.event_id);
}

test('an event makes one delivery for each endpoint that wants it, and for no other', async () => {
  const merchant = await newMerchant();
  const all = await newEndpoint(merchant);
  const picky = await newEndpoint(merchant, { types: ['order.expired'] });
  const classic = await newEndpoint(merchant, { style: 'classic' });
  const disabled = await newEndpoint(merchant, { enabled: false });
  const deleted = await newEndpoint(merchant, { deleted: true });
  const stranger = await newEndpoint(await newMerchant());
  const created = newEvent(merchant, 'order.created');
  const changed = newEvent(merchant, 'order.status_changed');
  const expired = newEvent(merchant, 'order.expired');
  await database.asTenant(merchant, (tx) => recordEvents(tx, [created, changed, expired]));
  expect(await deliveriesTo(all)).toEqual([created.id, changed.id, expired.id].sort());
  expect(await deliveriesTo(picky)).toEqual([expired.id]);
  expect(await deliveriesTo(classic)).toEqual([changed.id]);
  expect(await deliveriesTo(disabled)).toEqual([]);
  expect(await deliveriesTo(deleted)).toEqual([]);
  expect(await deliveriesTo(stranger)).toEqual([]);
});

test('the system records a batch of several merchants, each delivered to its own', async () => {
  const [one, two] = [await newMerchant(), await newMerchant()];
  const [endpointOne, endpointTwo] = [await newEndpoint(one), await newEndpoint(two)];
  const [first, second] = [newEvent(one), newEvent(two)];
  await database.asSystem((tx) => recordEvents(tx, [first, second]));
  expect(await deliveriesTo(endpointOne)).toEqual([first.id]);
  expect(await deliveriesTo(endpointTwo)).toEqual([second.id]);
});

test('a tenant can not record an event for another merchant', async () => {
  const [one, two] = [await newMerchant(), await newMerchant()];
  const attempt = database.asTenant(one, (tx) => recordEvents(tx, [newEvent(two)]));
  await expect(attempt).rejects.toThrow('row-level security');
});

test('the dispatcher is woken on commit, and only when there is something to deliver', async () => {
  const silent = await newMerchant();
  const heard = await newMerchant();
  await newEndpoint(heard);
  let bells = 0;
  await database.listen(WEBHOOKS_CHANNEL, { message: () => bells++, gap() {} });
  await database.asSystem((tx) => recordEvents(tx, [newEvent(silent), newEvent(silent)]));
  await database.asSystem((tx) => recordEvents(tx, [newEvent(heard), newEvent(heard)]));
  await expect.poll(() => bells).toBe(1);
});

test('pages through the cursor hold every event once, in the order of recording', async () => {
  const merchant = await newMerchant();
  const events = Array.from({ length: 7 }, () => newEvent(merchant));
  await database.asTenant(merchant, (tx) => recordEvents(tx, events.slice(0, 4)));
  await database.asTenant(merchant, (tx) => recordEvents(tx, events.slice(4)));
  await othersAreDone();
  const seen: string[] = [];
  let startingAfter: Uuid | undefined;
  for (let more = true; more; ) {
    const page = await database.asTenant(merchant, (tx) =>
      listEvents(tx, { startingAfter, limit: 3 }),
    );
    seen.push(...page.events.map(({ id }) => id));
    startingAfter = page.events.at(-1)?.id;
    more = page.hasMore;
  }
  expect(seen).toEqual(events.map(({ id }) => id));
});

test('nothing appears behind the cursor when a transaction that began earlier commits', async () => {
  const merchant = await newMerchant();
  const read = (startingAfter?: Uuid) =>
    database.asTenant(merchant, async (tx) => {
      const page = await listEvents(tx, { limit: 10, startingAfter });
      return page.events.map(({ id }) => id);
    });
  const [before, early, late] = [newEvent(merchant), newEvent(merchant), newEvent(merchant)];
  await database.asSystem((tx) => recordEvents(tx, [before]));
  await othersAreDone();
  await database.asSystem(async (tx) => {
    await recordEvents(tx, [early]);
    await database.asSystem((other) => recordEvents(other, [late]));
    expect(await read()).toEqual([before.id]);
  });
  await expect.poll(() => read(before.id)).toEqual([early.id, late.id]);
});

test('the list filters by type and refuses a cursor that is not its own', async () => {
  const merchant = await newMerchant();
  const wanted = newEvent(merchant, 'order.expired');
  await database.asSystem((tx) => recordEvents(tx, [newEvent(merchant), wanted]));
  await othersAreDone();
  const page = await database.asTenant(merchant, (tx) =>
    listEvents(tx, { limit: 10, type: 'order.expired' }),
  );
  expect(page.events).toEqual([
    { id: wanted.id, type: wanted.type, orderId: wanted.orderId, data: { a: '1' }, createdAtMs: 5 },
  ]);
  const stranger = await newMerchant();
  await expect(
    database.asTenant(stranger, (tx) => listEvents(tx, { limit: 1, startingAfter: wanted.id })),
  ).rejects.toMatchObject({ code: 'invalid_request' });
});

test('after a restore into another server, as `quittance restored` does it, old events come first', async () => {
  const merchant = await newMerchant();
  const [old, older, fresh] = [newEvent(merchant), newEvent(merchant), newEvent(merchant)];
  await database.asSystem((tx) => recordEvents(tx, [old, older]));
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  // A dump carries the transaction numbers of the old server, which may have been a busy one.
  await owner.query("UPDATE event SET transaction = '4000000000'");
  const read = () => database.asTenant(merchant, (tx) => listEvents(tx, { limit: 10 }));
  expect((await read()).events).toEqual([]);

  const restored = new URL('../../processes/restored.ts', import.meta.url);
  const step = /"(UPDATE event [^"]+)"/.exec(readFileSync(restored, 'utf8'))?.[1];
  expect(step).toBeDefined();
  await owner.query(step ?? '');
  await owner.end();
  await database.asSystem((tx) => recordEvents(tx, [fresh]));
  await othersAreDone();
  const ids = (await read()).events.map(({ id }) => id);
  expect(ids).toEqual([old.id, older.id, fresh.id]);
});

test('a page of events of a rare type touches a page of rows, not every event', async () => {
  const merchantId = await newMerchant();
  // Short transactions: a long one would hide the events of other tests for its time.
  for (let batch = 0; batch < 20; batch++) {
    const events = Array.from({ length: 250 }, () => newEvent(merchantId));
    await database.asTenant(merchantId, (tx) => recordEvents(tx, events));
  }
  const rare = newEvent(merchantId, 'order.cancelled');
  await database.asTenant(merchantId, (tx) => recordEvents(tx, [rare]));
  await othersAreDone();
  const owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
  await owner.query('ANALYZE event');
  await owner.end();
  const after = { transaction: '3', seq: 0n };
  for (const filter of [
    { after: undefined, type: undefined },
    { after, type: undefined },
    { after: undefined, type: 'order.cancelled' },
    { after, type: 'order.cancelled' },
  ]) {
    const { nodes, rowsTouched } = await database.asTenant(merchantId, (tx) =>
      explain(tx, eventListStatement({ ...filter, limit: 10 })),
    );
    expect(nodes).not.toContain('Seq Scan');
    expect(rowsTouched).toBeLessThanOrEqual(10);
  }
});
