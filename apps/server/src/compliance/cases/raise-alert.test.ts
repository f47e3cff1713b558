import { randomFillSync } from 'node:crypto';
import { manualClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls } from '../../platform/db/index.ts';
import { readAlertRow } from './alert-store.ts';
import { readCaseRow } from './case-store.ts';
import { type NewComplianceAlert, raiseComplianceAlert } from './index.ts';
import { insertTestMerchant } from './test-support.ts';

const clock = manualClock(Date.UTC(2026, 0, 1));
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
let testDatabase: TestDatabase;
let database: Database;
let merchantId: Uuid;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  merchantId = await insertTestMerchant(database, ids);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

function alertOf(changed: Partial<NewComplianceAlert> = {}): NewComplianceAlert {
  return {
    merchantId,
    source: 'risk',
    rule: 'source_blacklisted',
    subject: { type: 'payment', id: ids.next() },
    severity: 'medium',
    summary: 'The payment spends coins of a listed address.',
    facts: { hops: 1 },
    dedupeKey: ids.next(),
    ...changed,
  };
}

async function raise(alert: NewComplianceAlert) {
  return await database.asTenant(alert.merchantId, (tx) =>
    raiseComplianceAlert(tx, { ids, nowMs: clock.nowMs() }, alert),
  );
}

async function readCase(id: Uuid) {
  return await database.asTenant(merchantId, (tx) => readCaseRow(tx, { merchantId, id }));
}

test('alerts about one subject join its open case, which is as grave as the gravest', async () => {
  const subject = { type: 'order', id: ids.next() } as const;
  const first = await raise(alertOf({ subject }));
  const second = await raise(alertOf({ subject, severity: 'high' }));
  const third = await raise(alertOf({ subject, severity: 'low' }));
  const other = await raise(alertOf({ subject: { type: 'payment', id: subject.id } }));
  expect([second.caseId, third.caseId]).toEqual([first.caseId, first.caseId]);
  expect(other.caseId).not.toBe(first.caseId);
  expect(await readCase(first.caseId)).toMatchObject({
    state: 'open',
    severity: 'high',
    alertCount: 3,
    subject,
  });
});

test('the same sighting told again answers the same and changes nothing', async () => {
  const alert = alertOf();
  const first = await raise(alert);
  const before = await readCase(first.caseId);
  clock.advance(1_000);
  expect(await raise({ ...alert, severity: 'high', summary: 'other words' })).toEqual(first);
  expect(await readCase(first.caseId)).toEqual(before);
});

test('alerts that are raised at the same time about one subject open one case', async () => {
  const subject = { type: 'party', id: 'bc1qsomebody' } as const;
  const raised = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      raise(alertOf({ subject, dedupeKey: `twin ${Math.floor(i / 2)}` })),
    ),
  );
  expect(new Set(raised.map(({ caseId }) => caseId)).size).toBe(1);
  expect(new Set(raised.map(({ alertId }) => alertId)).size).toBe(4);
  expect(await readCase(raised[0]?.caseId ?? '')).toMatchObject({ alertCount: 4 });
});

test('what a name from outside holds neither breaks the alert nor is lost in its facts', async () => {
  const facts = { name: 'a\u0000b\ud800', deep: [{ z: 1, a: null }] };
  const { alertId } = await raise(alertOf({ summary: `Evil\u0000 ${'x'.repeat(600)}`, facts }));
  const alert = await database.asTenant(merchantId, (tx) =>
    readAlertRow(tx, { merchantId, id: alertId }),
  );
  expect(alert).toMatchObject({ facts });
  expect(alert?.summary).toMatch(/^Evil  x{490,}$/);
});
