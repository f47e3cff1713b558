import { randomBytes, randomFillSync } from 'node:crypto';
import { defaultComplianceSettings } from '@quittance/contract';
import { type Clock, systemClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { customerBody } from '../../../../../tests/support/customers.ts';
import { payOrder } from '../../../../../tests/support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { readKnownLinks } from '../customers/index.ts';
import { readConfig } from './config.ts';
import { groupOf } from './groups.ts';
import { monitorInMemory } from './memory-states.ts';
import { monitorStores } from './monitor-store.ts';
import { readMovementsAfter } from './movement-store.ts';
import { emptyAddressBook } from './ports.ts';
import { statesOver } from './state.ts';
import { encodeState } from './state-codec.ts';
import { readStatesOf } from './state-store.ts';

/** The database server is shared: the longest transaction of another test hides our events. */
const HIDDEN_MS = 60_000;
vi.setConfig({ testTimeout: 2 * HIDDEN_MS });

let testDatabase: TestDatabase;
let api: TestApi;
let shiftMs = 0;
const clock: Clock = { nowMs: () => systemClock.nowMs() + shiftMs };
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
const deps = {
  ...{ clock, ids, network: 'regtest' as const, addressBook: emptyAddressBook },
  knownLinks: (tx: never, of: { merchantId: Uuid; customerId: Uuid }) =>
    readKnownLinks(tx, { merchantId: of.merchantId, id: of.customerId }),
};

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
});
afterAll(async () => {
  await api?.close();
  await testDatabase?.drop();
});

async function send(method: string, path: string, key: string, body?: unknown) {
  const answer = await api.send(method, path, { key, ...(body === undefined ? {} : { body }) });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

async function monitored(name: string): Promise<TestMerchant> {
  const store = await api.createMerchant(name);
  const body = { ...defaultComplianceSettings, monitoring: true };
  await send('PUT', '/v1/compliance/settings', store.key, body);
  await monitorStores(api.database, deps as never);
  shiftMs += 1_000;
  return store;
}

let people = 0;
/** Somebody who has nothing in common with anybody but what is given. */
async function customer(store: TestMerchant, changed: object = {}): Promise<Uuid> {
  const text = `Person ${randomBytes(4).toString('hex')} Number${++people}`;
  const names = [{ text, kind: 'primary' }];
  const body = { ...customerBody, names, ...changed };
  return (await send('POST', '/v1/compliance/customers', store.key, body)).id;
}

async function pays(store: TestMerchant, customerId: Uuid): Promise<void> {
  const order = { amount: '4000', currency: 'USD', customerId };
  const made = await send('POST', '/v1/orders', store.key, order);
  const amountSats = BigInt(made.dueSats);
  await payOrder(api.database, { id: made.id, amountSats, firstSeenAtMs: clock.nowMs() }, ids);
  shiftMs += 3_600_000;
}

async function work({ key }: TestMerchant, movements: number): Promise<void> {
  await expect
    .poll(
      async () => {
        while (await monitorStores(api.database, deps as never));
        return (await send('GET', '/v1/compliance/monitoring', key)).movements;
      },
      { timeout: HIDDEN_MS, interval: 50 },
    )
    .toBe(movements);
}

async function structured({ key }: TestMerchant): Promise<string[]> {
  const { data } = await send('GET', '/v1/compliance/alerts?limit=100', key);
  return data
    .filter(({ rule }: { rule: string }) => rule === 'structuring')
    .map(({ summary }: { summary: string }) => summary);
}

/** What is kept of each party is what all that is on record gives from the beginning. */
async function expectScratch({ id, key }: TestMerchant, parties: readonly string[]) {
  const { active } = await send('GET', '/v1/compliance/monitoring', key);
  const monitor = monitorInMemory(readConfig(active.settings));
  await api.database.asSystem(async (tx) => {
    const all = await readMovementsAfter(tx, { merchantId: id as Uuid, after: 0, limit: 100 });
    for (const movement of all) monitor.take(movement);
    const scratch = new Map(
      [...monitor.entries()].map(([name, state]) => [name, JSON.parse(encodeState(state))]),
    );
    const { generation } = await tx.one<{ generation: number }>(
      'SELECT generation FROM monitoring_feed WHERE merchant_id = $1',
      [id],
    );
    let compared = 0;
    for (const subject of parties) {
      const of = { merchantId: id as Uuid, generation, subject };
      for (const { kind, state } of await readStatesOf(tx, of)) {
        expect(state, `${kind} ${subject}`).toEqual(scratch.get(`${kind} ${subject}`));
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
}

const shared: Record<string, object> = {
  'a passport, however it is written': {
    identifiers: [{ type: 'passport', country: 'CH', value: 'X 123-45' }],
  },
  'a telephone number': { phone: '+41791234567' },
  'an e-mail address': { email: 'one@household.example' },
};

test.each(Object.keys(shared))(
  'structuring is found across customers who share %s, and recomputed it is the same',
  async (what) => {
    const store = await monitored(what);
    const first = await customer(store, shared[what]);
    const again = { identifiers: [{ type: 'passport', country: 'CH', value: 'x12345' }] };
    const second = await customer(store, what.startsWith('a passport') ? again : shared[what]);
    const third = await customer(store, shared[what]);
    for (const one of [first, second, third]) await pays(store, one);
    await work(store, 3);
    expect(await structured(store)).toEqual([
      expect.stringContaining('3 payments in by 3 linked parties'),
    ]);
    await expectScratch(
      store,
      [first, second, third].map((id) => `customer:${id}`),
    );
  },
);

test('customers with nothing in common are three parties, whatever they pay', async () => {
  const store = await monitored('Strangers');
  const email = (name: string) => ({ email: `${name}@example.org` });
  for (const name of ['a', 'b', 'c']) await pays(store, await customer(store, email(name)));
  await work(store, 3);
  expect(await structured(store)).toEqual([]);
});

test('entities of one beneficial owner, over entities too, and himself are one party; one who owns less is not', async () => {
  const store = await monitored('Owned');
  const entity = () => customer(store, { kind: 'entity', birthDate: null, nationalities: [] });
  const [owner, small] = [await customer(store), await customer(store)];
  const [one, holding, two] = [await entity(), await entity(), await entity()];
  const owned = (id: Uuid, owners: { customerId: Uuid; shareBps: number }[]) =>
    send('PUT', `/v1/compliance/customers/${id}/owners`, store.key, {
      owners: owners.map((one) => ({ ...one, controls: false })),
    });
  await owned(one, [
    { customerId: owner, shareBps: 6_000 },
    { customerId: small, shareBps: 1_000 },
  ]);
  await owned(holding, [{ customerId: owner, shareBps: 1_0000 }]);
  await owned(two, [
    { customerId: holding, shareBps: 5_000 },
    { customerId: small, shareBps: 1_000 },
  ]);
  const links = (id: Uuid) =>
    api.database.asSystem((tx) => readKnownLinks(tx, { merchantId: store.id as Uuid, id }));
  for (const id of [one, two, owner]) expect(await links(id)).toContain(`owner:${owner}`);
  expect((await links(small)).filter((link) => link.startsWith('owner:'))).toEqual([]);
  for (const id of [one, two, owner]) await pays(store, id);
  await work(store, 3);
  expect(await structured(store)).toEqual([expect.stringContaining('by 3 linked parties')]);
  await expectScratch(
    store,
    [one, two, owner].map((id) => `customer:${id}`),
  );
});

test('what is changed in a profile links from the next payment on, and no more than before', async () => {
  const store = await monitored('Changed');
  const [first, second] = [await customer(store, { phone: '+41790000001' }), await customer(store)];
  for (const id of [first, second]) await pays(store, id);
  await work(store, 2);
  const phone = { phone: '+41790000001' };
  await send('PATCH', `/v1/compliance/customers/${second}`, store.key, phone);
  await pays(store, second);
  await work(store, 3);
  const monitor = monitorInMemory(
    readConfig((await send('GET', '/v1/compliance/monitoring', store.key)).active.settings),
  );
  const movements = await api.database.asSystem((tx) =>
    readMovementsAfter(tx, { merchantId: store.id as Uuid, after: 0, limit: 10 }),
  );
  const groups = movements.map((movement) => {
    monitor.take(movement);
    const kept = new Map(monitor.entries());
    const read = ((kind: string, subject: string) =>
      kept.get(`${kind} ${subject}`) ?? null) as never;
    return groupOf(statesOver(read), `customer:${second}`).length;
  });
  expect(groups).toEqual([1, 1, 2]);
});
