import type { RiskConfig, RiskConfigState } from '@quittance/contract';
import { manualClock, type Uuid } from '@quittance/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answered,
  startTestApi,
  type TestApi,
  type TestMerchant,
} from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { SHIPPED_RISK_CONFIG } from './config.ts';
import { type ConfigWish, stepConfig } from './config-machine.ts';
import { readRunningConfigs } from './config-store.ts';
import { decide, ENGINE, outcomeText } from './decide.ts';
import { insertDecisions } from './decision-store.ts';
import type { RiskFacts } from './facts.ts';
import { hit, plainFacts, plainSource } from './test-facts.ts';

const clock = manualClock(Date.UTC(2026, 0, 31, 12));
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  store = await api.createMerchant('Store');
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

/** A key of its own, from the administrator: another person than all others. */
async function person(scope: string, ...more: string[]): Promise<string> {
  const body = { name: 'p', scopes: [scope, ...more] };
  const path = `/v1/merchants/${store.id}/api-keys`;
  return (await api.send('POST', path, { key: api.adminKey, body })).body.secret as string;
}

const call = (method: string, path: string, key: string, body?: unknown): Promise<Answered> =>
  api.send(method, `/v1/compliance/risk${path}`, { key, body });

const stricter: RiskConfig = {
  ...SHIPPED_RISK_CONFIG,
  thresholds: { review: 20, reject: 50 },
};

async function draft(key: string, config: RiskConfig = stricter): Promise<number> {
  const made = await call('POST', '/configs', key, { note: 'Try it', config });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  expect(made.body).toMatchObject({ state: 'draft', config });
  return made.body.version as number;
}

/** Decisions of the past, without the payments' own way to them. */
async function decided(facts: readonly RiskFacts[]): Promise<void> {
  const ids = facts.map((_, i): Uuid => `0199aa40-0000-7000-8000-${String(i).padStart(12, '0')}`);
  const order = await api.send('POST', '/v1/orders', {
    ...{ key: store.key, body: { amount: '1', currency: 'EUR' } },
  });
  await api.database.asSystem(async (tx) => {
    await readRunningConfigs(tx, { merchantId: store.id, nowMs: clock.nowMs() });
    for (const [i, each] of facts.entries()) {
      const id = ids[i] ?? '';
      await tx.query(
        `INSERT INTO payment (merchant_id, id, order_id, txid, vout, amount_sats, state, late,
                first_seen_at, ledger_epoch, updated_at)
         VALUES ($1, $2, $3, sha256($2::uuid::text::bytea), 0, 1, 'seen', false, now(), 1, now())`,
        [store.id, id, order.body.id],
      );
      const outcome = decide(each, SHIPPED_RISK_CONFIG);
      const { score, level, action } = outcome;
      await insertDecisions(tx, [
        {
          ...{ merchantId: store.id, id, paymentId: id, orderId: order.body.id as Uuid },
          ...{ mode: 'on', trial: false, configVersion: 1, engine: ENGINE, score, level, action },
          ...{ facts: canonicalJson(each), outcome: outcomeText(outcome), caseId: null },
          decidedAtMs: clock.nowMs() + i,
        },
      ]);
    }
  });
}

describe('a version of the configuration', () => {
  test('goes draft → shadow → active → retired and nowhere else', () => {
    const facts = { hasBacktest: true, samePerson: false };
    const to = (state: RiskConfigState, wish: ConfigWish) => {
      const step = stepConfig(state, wish, facts);
      return step.ok ? step.state : null;
    };
    const states: RiskConfigState[] = ['draft', 'shadow', 'active', 'retired'];
    expect(states.map((state) => to(state, 'shadow'))).toEqual(['shadow', null, null, null]);
    expect(states.map((state) => to(state, 'activate'))).toEqual(['active', 'active', null, null]);
    expect(states.map((state) => to(state, 'retire'))).toEqual(['retired', 'retired', null, null]);
  });

  test('is put in force by another person and after a backtest only', async () => {
    const [author, officer] = [
      await person('compliance:decide'),
      await person('compliance:decide'),
    ];
    const version = await draft(author);
    const activate = (key: string) => call('POST', `/configs/${version}/activate`, key);
    expect((await activate(officer)).body.detail).toContain('backtest');
    expect((await call('POST', `/configs/${version}/backtests`, author)).status).toBe(201);
    const own = await activate(author);
    expect(own).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(own.body.detail).toContain('Another person');
    expect((await activate(officer)).body).toMatchObject({ state: 'active', version });
    const { body } = await call('GET', '/configs', await person('compliance:read'));
    const states = body.data.map((each: Answered['body']) => [each.version, each.state]);
    expect(states).toContainEqual([1, 'retired']);
    expect(states.filter(([, state]: [number, string]) => state === 'active')).toHaveLength(1);
  });

  test('keys that come from one first key are one person', async () => {
    const author = await person('compliance:decide', 'keys:write');
    const child = await api.send('POST', '/v1/api-keys', {
      ...{ key: author, body: { name: 'child', scopes: ['compliance:decide'] } },
    });
    const version = await draft(author);
    await call('POST', `/configs/${version}/backtests`, author);
    const tried = await call('POST', `/configs/${version}/activate`, child.body.secret);
    expect(tried.status).toBe(409);
  });

  test('is read by auditors, written by reviewers, put in force by officers', async () => {
    const [auditor, reviewer] = [
      await person('compliance:read'),
      await person('compliance:review'),
    ];
    expect((await call('GET', '/configs', auditor)).status).toBe(200);
    const body = { note: 'x', config: stricter };
    expect((await call('POST', '/configs', auditor, body)).status).toBe(403);
    const version = await draft(reviewer);
    expect((await call('POST', `/configs/${version}/backtests`, auditor)).status).toBe(403);
    await call('POST', `/configs/${version}/backtests`, reviewer);
    expect((await call('POST', `/configs/${version}/activate`, reviewer)).status).toBe(403);
    expect((await call('GET', '/decisions', await person('orders:read'))).status).toBe(403);
  });

  test.each<[string, unknown]>([
    ['thresholds the wrong way round', { thresholds: { review: 70, reject: 40 } }],
    ['points above a whole score', { age: { points: 101, days: 7 } }],
    ['more hops than any trace goes', { hops: 7 }],
    ['a label that no list has', { labels: { ...stricter.labels, categories: ['exchange'] } }],
    ['a fraction of a point', { coinjoin: { points: 1.5 } }],
    ['a factor that there is not', { moon: { points: 1 } }],
  ])('%s is refused', async (_, change) => {
    const body = { note: 'x', config: { ...stricter, ...(change as object) } };
    const refused = await call('POST', '/configs', await person('compliance:review'), body);
    expect(refused.status).toBe(400);
  });
});

test('a backtest makes past decisions again and says which come out otherwise', async () => {
  const young = plainFacts().atMs - 86_400_000;
  const newAddress = [{ address: 'a', sharePpm: 1_000_000, seenAtMs: young }];
  await decided([
    plainFacts(),
    plainFacts({ source: plainSource({ direct: newAddress }) }),
    plainFacts({ source: plainSource({ hits: [hit()] }) }),
    plainFacts({ source: plainSource({ hops: 1 }) }),
  ]);
  const key = await person('compliance:review');
  const version = await draft(key);
  const made = await call('POST', `/configs/${version}/backtests`, key);
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  expect(made.body).toMatchObject({ configVersion: version, decisions: 4, changed: 2, shallow: 1 });
  expect(made.body.before).toEqual({ LOW: 3, MEDIUM: 1, HIGH: 0 });
  expect(made.body.after).toEqual({ LOW: 2, MEDIUM: 1, HIGH: 1 });
  expect(made.body.changes).toMatchObject([
    { before: 'MEDIUM', after: 'HIGH', score: 50 },
    { before: 'LOW', after: 'MEDIUM', score: 20 },
  ]);
  const stored = await call('GET', `/backtests/${made.body.id}`, key);
  expect(stored.body).toEqual(made.body);
  const read = await call('GET', `/configs/${version}`, key);
  expect(read.body.lastBacktest).toEqual(made.body);
  // What was decided stays as it was, by the version of then.
  const { body } = await call('GET', '/decisions?level=MEDIUM', key);
  expect(body.data).toMatchObject([{ level: 'MEDIUM', configVersion: 1 }]);
  const again = await call('GET', `/decisions/${body.data[0].id}/replay`, key);
  expect(again.body).toMatchObject({ identical: true });
});
