import { randomFillSync } from 'node:crypto';
import { type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eraseDue } from '../../apps/server/src/compliance/customers/index.ts';
import { sampleFiling } from '../../apps/server/src/compliance/filings/index.ts';
import { customerDeps } from '../../apps/server/src/wiring/compliance/routes.ts';
import { startTestApi, type TestApi, type TestMerchant } from '../support/api.ts';
import { customerBody, testScreener } from '../support/customers.ts';
import { payOrder } from '../support/pay-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/*
 * What people write about somebody beside his profile: notes on orders, comments in cases, reports.
 * Each text here holds the word below; where it stands in the database afterwards is the measure.
 */

const SECRET = 'Quirinus-Geheim';
let shiftMs = 0;
const clock = { nowMs: () => Date.now() + shiftMs };
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
let second: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  store = await api.createMerchant('Store');
  second = await api.keyFor(store.id as Uuid);
  const { reporter } = sampleFiling('sar', 1);
  const mine = {
    ...reporter,
    ...{ name: 'Store', otherName: 'S', contactOffice: 'Office', transmitterContact: 'Jane Roe' },
    ...{ tinKind: 'ein', tin: '12-3456789', institution: 'msb' },
    address: { street: '1 Main St', city: 'Vienna', state: 'VA', postCode: '22102', country: 'US' },
    goaml: null,
  };
  await send('PUT', '/v1/compliance/filing-reporter', mine);
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

async function send(method: string, path: string, body?: unknown, key = store.key) {
  const answer = await api.send(method, path, { key, ...(body === undefined ? {} : { body }) });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

/** One round of the worker that looks after erasures. */
async function workerRound(): Promise<void> {
  const screener = await testScreener();
  const parts = { clock, ids, random: randomFillSync as never, sealer: api.sealer, screener };
  const deps = { ...customerDeps(parts), database: api.database };
  await eraseDue(deps as never, new AbortController().signal);
}

async function customer(): Promise<Uuid> {
  const names = [{ text: `${SECRET} Muster`, kind: 'primary' }];
  return (await send('POST', '/v1/compliance/customers', { ...customerBody, names })).id;
}

async function orderOf(customerId: Uuid) {
  return await send('POST', '/v1/orders', {
    ...{ amount: '10.00', currency: 'EUR', customerId, externalId: 'no-1' },
    ...{ description: `for ${SECRET}`, metadata: { note: `${SECRET} rang` } },
  });
}

/** The tables that hold the word in the clear, but for stored answers, which go after a day. */
async function tablesWith(text: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      if (name.startsWith('idempotency_key')) continue;
      const { rows } = await client.query(
        `SELECT 1 FROM ${client.escapeIdentifier(name)} t
          WHERE position($1 IN t::text) > 0 LIMIT 1`,
        [text],
      );
      if (rows.length > 0) found.push(name);
    }
    return found;
  } finally {
    await client.end();
  }
}

/** A case with a comment, a reason and evidence, closed by two persons, and a report of it. */
async function closedCaseWithReport(subject: { type: string; id: string }) {
  const alert = { subject, severity: 'high', summary: `${SECRET} paid`, facts: { who: SECRET } };
  const { caseId } = await send('POST', '/v1/compliance/alerts', alert);
  const path = `/v1/compliance/cases/${caseId}`;
  await send('POST', `${path}/comments`, { text: `${SECRET} was here` });
  const filing = await send('POST', '/v1/compliance/filings', { kind: 'sar', caseId });
  const at = `/v1/compliance/filings/${filing.id}`;
  const { document } = await send('POST', `${at}/prepare`, {});
  const approval = { documentSha256: document.sha256, acceptUnvalidated: true };
  await send('POST', `${at}/approve`, approval, second);
  await send('POST', `${at}/submit`, { reference: 'T1' });
  await send('POST', `${at}/answer`, { status: 'accepted', authorityId: '31000055053784' });
  const proposal = { outcome: 'dismiss', reason: `${SECRET} explained it` };
  const proposed = await send('POST', `${path}/proposal`, proposal);
  const { proposalId } = { proposalId: proposed.proposal.id };
  await send('POST', `${path}/approve`, { proposalId, outcome: 'dismiss' }, second);
  return { caseId, filing: at, sha256: document.sha256 as string };
}

test('what the law asks for stays until the retention of cases and reports is over, then the texts go and the chains still verify', async () => {
  const id = await customer();
  const order = await orderOf(id);
  const amountSats = BigInt(order.dueSats);
  await payOrder(api.database, { id: order.id, amountSats, firstSeenAtMs: clock.nowMs() }, ids);
  const about = await closedCaseWithReport({ type: 'order', id: order.id });
  const kept = await send('POST', `/v1/compliance/customers/${id}/erasure`, {});
  expect(kept).toMatchObject({ rule: 'retention_period', doneAt: null });
  await workerRound();
  const before = await tablesWith(SECRET);
  for (const table of ['orders', 'compliance_case_log', 'compliance_alert', 'filing']) {
    expect(before).toContain(table);
  }
  const chain = await send('GET', `/v1/compliance/cases/${about.caseId}/verification`);
  expect(chain).toMatchObject({ ok: true, erased: 0 });

  shiftMs += Date.parse(kept.dueAt) - clock.nowMs() + 1_000;
  await workerRound();
  expect(await tablesWith(SECRET)).toEqual([]);
  const after = await send('GET', `/v1/compliance/cases/${about.caseId}/verification`);
  expect(after).toMatchObject({ ok: true, entries: chain.entries, erased: chain.entries });
  expect(after.headHash).toBe(chain.headHash);
  const filed = await send('GET', about.filing);
  expect(filed).toMatchObject({
    state: 'acknowledged',
    document: null,
    authorityId: '31000055053784',
  });
  expect(filed.facts).toMatchObject({ subjects: [], narrative: 'Erased after the retention.' });
  const { rows } = await owner<{ hash: string }>(
    `SELECT encode(document_sha256, 'hex') AS hash FROM filing`,
  );
  expect(rows).toEqual([{ hash: about.sha256 }]);
  expect(await send('GET', `/v1/orders/${order.id}`)).toMatchObject({
    ...{ metadata: {}, description: null, externalId: 'no-1', customerId: id },
    receivedSats: order.dueSats,
  });
  for (const path of ['cases', 'alerts', 'filings']) {
    await send('GET', `/v1/compliance/${path}?limit=100`);
  }
  await workerRound();
});

test('notes on orders of somebody whom no law asks to keep go at once; an order that can still be paid is waited for', async () => {
  const id = await customer();
  const order = await orderOf(id);
  const waiting = await send('POST', `/v1/compliance/customers/${id}/erasure`, {});
  expect(waiting).toMatchObject({ rule: 'open_order', doneAt: null });
  shiftMs += Date.parse(waiting.dueAt) - clock.nowMs() + 1_000;
  const done = await send('POST', `/v1/compliance/customers/${id}/erasure`, {});
  expect(done).toMatchObject({ rule: 'no_duty' });
  const { metadata, description } = await send('GET', `/v1/orders/${order.id}`);
  expect({ metadata, description }).toEqual({ metadata: {}, description: null });
  expect(await tablesWith(SECRET)).toEqual([]);
});

test('a case or a report that is still open keeps the customer, whatever else has ended', async () => {
  const id = await customer();
  const order = await orderOf(id);
  const amountSats = BigInt(order.dueSats);
  await payOrder(api.database, { id: order.id, amountSats, firstSeenAtMs: clock.nowMs() }, ids);
  const alert = { subject: { type: 'order', id: order.id }, severity: 'low', summary: 'seen' };
  await send('POST', '/v1/compliance/alerts', alert);
  shiftMs += 20 * 366 * 86_400_000;
  const kept = await send('POST', `/v1/compliance/customers/${id}/erasure`, {});
  expect(kept).toMatchObject({ rule: 'open_case', doneAt: null });
});

async function owner<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  try {
    return await client.query<Row>(text, values);
  } finally {
    await client.end();
  }
}

test('no working role can redact by itself: not by the setting, not by the function, not somebody who is a customer', async () => {
  const id = await customer();
  const tries = [
    `UPDATE compliance_case_log SET content = NULL`,
    `UPDATE filing SET document = NULL, redacted_at = now() WHERE state = 'acknowledged'`,
  ];
  for (const text of tries) {
    for (const as of ['asTenant', 'asSystem'] as const) {
      const run = async (tx: { query(text: string): Promise<unknown> }) => {
        await tx.query(`SELECT set_config('quittance.redacting', 'on', true)`);
        await tx.query(text);
      };
      const tried =
        as === 'asTenant'
          ? api.database.asTenant(store.id as Uuid, run)
          : api.database.asSystem(run);
      await expect(tried, `${as} ${text}`).rejects.toThrow();
    }
  }
  const call = `SELECT compliance_redact_customer('${store.id}', '${id}', now())`;
  const asTenant = api.database.asTenant(store.id as Uuid, (tx) => tx.query(call));
  await expect(asTenant).rejects.toThrow('permission denied');
  const asSystem = api.database.asSystem((tx) => tx.query(call));
  await expect(asSystem).rejects.toThrow('has not been erased');
  // Even the owner does not by mistake.
  await expect(owner(tries[0] ?? '')).rejects.toThrow('append-only');
});
