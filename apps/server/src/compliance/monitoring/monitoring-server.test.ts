import { randomBytes, randomFillSync } from 'node:crypto';
import { displayHash, parseHash, parseTransaction } from '@quittance/bitcoin';
import {
  defaultComplianceSettings,
  defaultMonitoringSettings,
  type MonitoringSettings,
} from '@quittance/contract';
import { type Clock, systemClock, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { customerBody } from '../../../../../tests/support/customers.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { armFaultPointForTest } from '../../platform/fault-points.ts';
import { applyPaymentEvents } from '../../receiving/payments/index.ts';
import { type NewEvent, recordEvents } from '../../telling/events/index.ts';
import { runWaitingBacktest } from './backtest.ts';
import { readConfig } from './config.ts';
import { monitorInMemory } from './memory-states.ts';
import { monitorStores } from './monitor-store.ts';
import { readMovementsAfter } from './movement-store.ts';
import type { AddressFacts } from './ports.ts';
import { sampleRates } from './sample-rates.ts';
import { encodeState } from './state-codec.ts';
import { readStatesOf } from './state-store.ts';

/** The database server is shared: the longest transaction of another test hides our events. */
const HIDDEN_MS = 60_000;
vi.setConfig({ testTimeout: 2 * HIDDEN_MS });
const HOUR = 3_600_000;

let testDatabase: TestDatabase;
let api: TestApi;
let shiftMs = 0;
const clock: Clock = { nowMs: () => systemClock.nowMs() + shiftMs };
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
const known = new Map<string, AddressFacts>();
const deps = {
  ...{ clock, ids, network: 'regtest' as const, knownLinks: async () => [] },
  addressBook: {
    lookUp: async (_: unknown, { addresses }: { addresses: readonly string[] }) =>
      new Map(addresses.flatMap((each) => (known.has(each) ? [[each, known.get(each)]] : []))),
  } as never,
};

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
});
afterAll(async () => {
  await api?.close();
  await testDatabase?.drop();
});

async function post(path: string, key: string, body: unknown, status = 201) {
  const answer = await api.send('POST', path, { key, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
}
async function get(path: string, key: string) {
  const answer = await api.send('GET', path, { key });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

async function monitored(name: string, monitoring = true): Promise<TestMerchant> {
  const merchant = await api.createMerchant(name);
  const body = { ...defaultComplianceSettings, monitoring };
  const put = await api.send('PUT', '/v1/compliance/settings', { key: merchant.key, body });
  expect(put.status).toBe(200);
  await monitorStores(api.database, deps);
  shiftMs += 1_000;
  return merchant;
}

type Output = { txid: string; vout: number };
/** A transaction of one input of a P2WPKH wallet, on record as the watcher keeps it. */
async function fromWallet(publicKey: Uint8Array): Promise<string> {
  const hex = [
    ...['02000000', '0001', '01', randomBytes(32).toString('hex'), '00000000', '00', 'ffffffff'],
    ...['01', '00e1f50500000000', '160014', randomBytes(20).toString('hex')],
    ...['02', '47', randomBytes(71).toString('hex'), '21', Buffer.from(publicKey).toString('hex')],
    '00000000',
  ].join('');
  const raw = Buffer.from(hex, 'hex');
  const txid = displayHash(parseTransaction(raw).txid);
  await api.database.asSystem((tx) =>
    tx.query(
      `INSERT INTO chain_transaction (txid, raw, state, first_seen_at, updated_at)
       VALUES ($1, $2, 'mempool', now(), now())`,
      [parseHash(txid), raw],
    ),
  );
  return txid;
}

/** An order of a customer, paid and confirmed at the present time. */
async function paid(
  { key }: TestMerchant,
  order: {
    amount: string;
    currency: string;
    customer?: string;
    customerId?: string;
    txid?: string;
  },
): Promise<Output & { orderId: string; paymentId: string }> {
  const { amount, currency, customer } = order;
  const metadata = customer === undefined ? {} : { customer };
  const { customerId } = order;
  const named = customerId === undefined ? {} : { customerId };
  const made = await post('/v1/orders', key, { amount, currency, metadata, ...named });
  const output = { txid: order.txid ?? randomBytes(32).toString('hex'), vout: 0 };
  const paymentId = ids.next();
  const included = {
    ...{ type: 'included' as const, ...output, paymentId, amountSats: BigInt(made.dueSats) },
    ...{ firstSeenAtMs: clock.nowMs(), replaces: [], height: 1, coinbase: false },
    blockHash: randomBytes(32).toString('hex'),
  };
  const telling = { ids, nowMs: clock.nowMs(), tipHeight: 1 };
  const events = [included, { type: 'confirmed' as const, ...output }];
  await api.database.asSystem((tx) =>
    applyPaymentEvents(tx, telling, [{ orderId: made.id, events }]),
  );
  return { ...output, orderId: made.id, paymentId };
}

async function reorged({ orderId, txid, vout }: Output & { orderId: string }): Promise<void> {
  const telling = { ids, nowMs: clock.nowMs(), tipHeight: 1 };
  const events = [{ type: 'returned' as const, txid, vout }];
  await api.database.asSystem((tx) => applyPaymentEvents(tx, telling, [{ orderId, events }]));
}

/** A payout of the store that is in a block now. */
async function paidOut(
  merchant: TestMerchant,
  payout: { amount: string; currency: string; customer: string },
): Promise<string> {
  const { amount, currency, customer } = payout;
  const destination = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const body = { destination, amount, currency, metadata: { customer } };
  const made = await post('/v1/payouts', merchant.key, body);
  await tellPayout(merchant, made.id, 'payout.confirmed');
  return made.id;
}

async function tellPayout({ id }: TestMerchant, payoutId: string, type: NewEvent['type']) {
  const data = { payoutId, method: 'onchain' };
  const event = { merchantId: id, id: ids.next(), type, orderId: null, data };
  await api.database.asSystem((tx) => recordEvents(tx, [{ ...event, createdAtMs: clock.nowMs() }]));
}

/** Works until nothing is left to do and so many movements are on record. */
async function work({ key }: TestMerchant, movements: number): Promise<void> {
  await expect
    .poll(
      async () => {
        while (await monitorStores(api.database, deps));
        const status = await get('/v1/compliance/monitoring', key);
        return status.rebuilding === null ? status.movements : -1;
      },
      { timeout: HIDDEN_MS, interval: 50 },
    )
    .toBe(movements);
}

async function alertsOf({ key }: TestMerchant) {
  const { data } = await get('/v1/compliance/alerts?limit=100', key);
  return data.toReversed() as {
    rule: string;
    subject: { type: string; id: string };
    caseId: string;
    summary: string;
    facts: { movements: { id: string; amount: string; rate: string }[]; configuration: number };
  }[];
}

/** What is kept, and what would be had all that counts come now, one after the other. */
async function compareWithScratch({ id, key }: TestMerchant, parties: readonly string[]) {
  const { active } = await get('/v1/compliance/monitoring', key);
  // What was kept before a rebuild is removed bit by bit.
  while (await monitorStores(api.database, deps));
  const monitor = monitorInMemory(readConfig(active.settings));
  await api.database.asSystem(async (tx) => {
    const all = await readMovementsAfter(tx, { merchantId: id, after: 0, limit: 1_000 });
    for (const movement of all) monitor.take(movement);
    const scratch = new Map(
      [...monitor.entries()].map(([name, state]) => [name, JSON.parse(encodeState(state))]),
    );
    const { generation, kept } = await tx.one<{ generation: number; kept: bigint }>(
      `SELECT generation, (SELECT count(*) FROM monitoring_state s
                            WHERE s.merchant_id = f.merchant_id) AS kept
         FROM monitoring_feed f WHERE merchant_id = $1`,
      [id],
    );
    expect(Number(kept)).toBe(scratch.size);
    let compared = 0;
    for (const subject of parties) {
      for (const { kind, state } of await readStatesOf(tx, {
        ...{ merchantId: id, generation, subject },
      })) {
        expect(state).toEqual(scratch.get(`${kind} ${subject}`));
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
}

test('structuring across linked customers is found once, in fiat at the locked rate, whatever crashes', async () => {
  const store = await monitored('Structured');
  const parties = ['a', 'b', 'c'].map((name) => `reference:${name}`);
  await post('/v1/compliance/monitoring/links', store.key, { parties, reason: 'one household' });
  for (const customer of ['a', 'b', 'c']) {
    await paid(store, { amount: '4000', currency: 'USD', customer });
    shiftMs += HOUR;
  }
  let crashes = 0;
  armFaultPointForTest({
    name: 'monitoring-step-uncommitted',
    passes: 2,
    strike: () => {
      crashes += 1;
      throw new Error('crash');
    },
  });
  for (let i = 0; i < 5 && crashes === 0; i++) {
    await monitorStores(api.database, deps).catch(() => undefined);
  }
  armFaultPointForTest(null);
  expect(crashes).toBe(1);
  await work(store, 3);
  await work(store, 3);
  const alerts = await alertsOf(store);
  expect(alerts.map(({ rule, subject }) => [rule, subject.id])).toEqual([
    ['structuring', 'reference:c'],
  ]);
  const [alert] = alerts;
  expect(alert?.summary).toContain('3 payments in by 3 linked parties');
  expect(alert?.facts.movements.map(({ amount }) => amount)).toEqual([
    '4000.00 USD',
    '4000.00 USD',
    '4000.00 USD',
  ]);
  expect(alert?.facts.movements[0]?.rate).toBe('locked with the price');
  await compareWithScratch(store, parties);
  const party = await get('/v1/compliance/monitoring/party?party=reference:a', store.key);
  expect(party.linkedWith.toSorted()).toEqual(['reference:b', 'reference:c']);
});

test('a payment that a reorganisation takes away is taken out of what is kept, and its case is told', async () => {
  const store = await monitored('Reorganised');
  const first = await paid(store, { amount: '6000', currency: 'USD', customer: 'r' });
  shiftMs += HOUR;
  const large = await paid(store, { amount: '12000', currency: 'USD', customer: 'r' });
  shiftMs += HOUR;
  await paid(store, { amount: '3000', currency: 'USD', customer: 'r' });
  await work(store, 3);
  await reorged(large);
  await reorged(first);
  shiftMs += HOUR;
  await expect
    .poll(
      async () => {
        while (await monitorStores(api.database, deps));
        return (await alertsOf(store)).map(({ rule }) => rule);
      },
      { timeout: HIDDEN_MS },
    )
    .toEqual(['large_transaction', 'correction']);
  await work(store, 3);
  const [alert, correction] = await alertsOf(store);
  expect(correction?.caseId).toBe(alert?.caseId);
  expect(correction?.summary).toContain(`payment:${large.paymentId}`);
  await compareWithScratch(store, ['reference:r']);
  const { movements } = await get('/v1/compliance/monitoring/party?party=reference:r', store.key);
  expect(movements.map(({ undone }: { undone: boolean }) => undone)).toEqual([false, true, true]);
});

test('settings hold when a second person approves them; history read again raises nothing', async () => {
  const store = await monitored('Configured');
  await paid(store, { amount: '900', currency: 'USD', customer: 'x' });
  await work(store, 1);
  const settings = withLarge(defaultMonitoringSettings, '50000');
  const proposal = { settings, reason: 'we are small' };
  const made = await post('/v1/compliance/monitoring/configs', store.key, proposal);
  const path = `/v1/compliance/monitoring/configs/${made.id}/decide`;
  const own = await api.send('POST', path, { key: store.key, body: { approve: true } });
  expect([own.status, own.body.code]).toEqual([403, 'forbidden']);
  // A key that the proposer made is the proposer.
  const child = await post('/v1/api-keys', store.key, { name: 'k', scopes: ['compliance:decide'] });
  const asChild = await api.send('POST', path, { key: child.secret, body: { approve: true } });
  expect(asChild.status).toBe(403);
  const second = await api.keyFor(store.id);
  const active = await post(path, second, { approve: true }, 200);
  expect([active.state, active.version]).toEqual(['active', 1]);
  const again = await api.send('POST', path, { key: second, body: { approve: true } });
  expect(again.status).toBe(409);
  await work(store, 1);
  expect(await alertsOf(store)).toEqual([]);
  await paid(store, { amount: '800', currency: 'USD', customer: 'x' });
  await work(store, 2);
  const [alert, ...rest] = await alertsOf(store);
  expect(rest).toEqual([]);
  expect([alert?.rule, alert?.facts.configuration]).toEqual(['large_transaction', 1]);
  await compareWithScratch(store, ['reference:x']);
});

test('a backtest says what settings would have raised, and raises nothing', async () => {
  const store = await monitored('Tried');
  for (let i = 0; i < 4; i++) {
    await paid(store, { amount: '700', currency: 'USD', customer: `y${i % 2}` });
  }
  await work(store, 4);
  const settings = withLarge(defaultMonitoringSettings, '60000');
  const path = '/v1/compliance/monitoring/backtests';
  const { id, state } = await post(path, store.key, { settings });
  expect(state).toBe('waiting');
  while (await runWaitingBacktest(api.database, { clock }));
  const { result } = await get(`${path}/${id}`, store.key);
  expect(result.movements).toBe(4);
  expect(result.parties).toBe(2);
  const large = result.rules.find(({ rule }: { rule: string }) => rule === 'large_transaction');
  expect(large).toEqual({
    ...{ rule: 'large_transaction', alerts: 4, parties: 2, alertsPerThousandMovements: 1_000 },
    alertsOfActive: 0,
  });
  expect(await alertsOf(store)).toEqual([]);
});

test('what was priced in bitcoin is worth the market price of its time, or nobody knows', async () => {
  const store = await monitored('Sampled');
  await paid(store, { amount: '0.5', currency: 'BTC', customer: 'early' });
  await work(store, 1);
  const unknown = await get('/v1/compliance/monitoring', store.key);
  expect(unknown.unvalued).toBe(1);
  shiftMs += 3 * HOUR;
  let price = '40000';
  const rates = {
    quote: async (currency: string) =>
      ({ rate: { currency, pricePerBtcE8: BigInt(price) * 10n ** 8n }, source: 'market' }) as never,
  };
  await sampleRates(api.database, { rates, nowMs: clock.nowMs() });
  await paid(store, { amount: '0.5', currency: 'BTC', customer: 'late' });
  // The price of the day it is looked at is not asked: it has doubled since.
  shiftMs += 30 * HOUR;
  price = '80000';
  await sampleRates(api.database, { rates, nowMs: clock.nowMs() });
  await work(store, 2);
  const { movements } = await get(
    '/v1/compliance/monitoring/party?party=reference:late',
    store.key,
  );
  expect(movements[0].amountMinor).toBe('2000000');
  // Thresholds for currency are about what was priced in one.
  expect(await alertsOf(store)).toEqual([]);
});

test('money that goes out soon after it came in is found across orders and payouts', async () => {
  const store = await monitored('Passing');
  await paid(store, { amount: '5000', currency: 'USD', customer: 'mule' });
  shiftMs += HOUR;
  known.set('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', {
    marks: [{ kind: 'mixer', about: 'a label' }],
    isService: false,
  });
  const payout = await paidOut(store, { amount: '4600', currency: 'USD', customer: 'mule' });
  await work(store, 2);
  // Final is told of as well, and is the same money.
  await tellPayout(store, payout, 'payout.final');
  await work(store, 2);
  expect((await alertsOf(store)).map(({ rule }) => rule).toSorted()).toEqual([
    'high_risk_counterparty',
    'rapid_movement',
  ]);
  known.clear();
  // Its block leaves the chain.
  await tellPayout(store, payout, 'payout.broadcast');
  await expect
    .poll(
      async () => {
        while (await monitorStores(api.database, deps));
        return (await alertsOf(store)).filter(({ rule }) => rule === 'correction').length;
      },
      { timeout: HIDDEN_MS },
    )
    .toBe(2);
  await tellPayout(store, payout, 'payout.confirmed');
  await work(store, 3);
});

test('a store that does not want it is not looked at, and what was before it began raises nothing', async () => {
  const off = await monitored('Off', false);
  await paid(off, { amount: '20000', currency: 'USD', customer: 'z' });
  while (await monitorStores(api.database, deps));
  const status = await get('/v1/compliance/monitoring', off.key);
  expect([status.running, status.movements]).toEqual([false, 0]);
  shiftMs += HOUR;
  const body = { ...defaultComplianceSettings, monitoring: true };
  await api.send('PUT', '/v1/compliance/settings', { key: off.key, body });
  await work(off, 1);
  expect(await alertsOf(off)).toEqual([]);
  shiftMs += HOUR;
  await paid(off, { amount: '20000', currency: 'USD', customer: 'z' });
  await work(off, 2);
  expect((await alertsOf(off)).map(({ rule }) => rule)).toEqual(['large_transaction']);
});

test('customers who pay from one wallet are linked by it, and a payer without a name is his address', async () => {
  const store = await monitored('From wallets');
  const publicKey = new Uint8Array([2, ...randomBytes(32)]);
  for (const customer of ['m', 'n']) {
    const txid = await fromWallet(publicKey);
    await paid(store, { amount: '100', currency: 'USD', customer, txid });
  }
  await paid(store, { amount: '100', currency: 'USD', txid: await fromWallet(publicKey) });
  await paid(store, { amount: '100', currency: 'USD' });
  await work(store, 4);
  const party = await get('/v1/compliance/monitoring/party?party=reference:m', store.key);
  const [movement] = party.movements;
  expect(movement.counterparty).toMatch(/^address:bcrt1q[a-z0-9]{38}$/);
  expect(party.linkedWith).toEqual(['reference:n', movement.counterparty]);
  const unnamed = await get(
    `/v1/compliance/monitoring/party?party=${movement.counterparty}`,
    store.key,
  );
  expect(unnamed.movements).toHaveLength(1);
});

test('what a customer of record does is a case about the customer', async () => {
  const store = await monitored('With customers');
  const { id: customerId } = await post('/v1/compliance/customers', store.key, customerBody);
  await paid(store, { amount: '20000', currency: 'USD', customer: 'other name', customerId });
  await work(store, 1);
  const [alert] = await alertsOf(store);
  expect(alert?.subject).toEqual({ type: 'customer', id: customerId });
});

test('a store whose record can not be read keeps no other store waiting', async () => {
  const [broken, other] = [await monitored('Broken'), await monitored('Other')];
  const event = { merchantId: broken.id, id: ids.next(), type: 'payout.confirmed' as const };
  const unreadable = { ...event, orderId: null, data: {}, createdAtMs: clock.nowMs() };
  await api.database.asSystem((tx) => recordEvents(tx, [unreadable]));
  await paid(other, { amount: '20000', currency: 'USD', customer: 'o' });
  await expect
    .poll(
      async () => {
        const failed = await monitorStores(api.database, deps).catch(
          (error: Error) => error.message,
        );
        return [failed, (await alertsOf(other)).length];
      },
      { timeout: HIDDEN_MS },
    )
    .toEqual([expect.stringContaining(broken.id), 1]);
  const off = { ...defaultComplianceSettings, monitoring: false };
  await api.send('PUT', '/v1/compliance/settings', { key: broken.key, body: off });
});

function withLarge(settings: MonitoringSettings, thresholdMinor: string): MonitoringSettings {
  const { rules } = settings;
  return {
    ...settings,
    rules: { ...rules, large_transaction: { ...rules.large_transaction, thresholdMinor } },
  };
}
