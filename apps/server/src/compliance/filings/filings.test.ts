import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SarFacts } from '@quittance/contract';
import { manualClock, type Uuid } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { sampleFiling } from './index.ts';
import { oneLine } from './xml/text.ts';

const testData =
  process.env['QUITTANCE_TESTDATA'] ?? join(import.meta.dirname, '../../../../../../shared/data');
const schemas = existsSync(join(testData, 'filings')) ? join(testData, 'filings') : null;
const clock = manualClock(Date.UTC(2026, 10, 21, 12));
const reporter = {
  ...sampleFiling('sar', 1).reporter,
  ...{ name: 'Quittance Test Store', otherName: 'QTS', contactOffice: 'Compliance office' },
  ...{ transmitterContact: 'Jane Roe', institution: 'msb', tinKind: 'ein', tin: '12-3456789' },
  address: { street: '1 Main St', city: 'Vienna', state: 'VA', postCode: '22102', country: 'US' },
};

let testDatabase: TestDatabase;
let api: TestApi;
let shop: TestMerchant;
let officer: string;
let second: string;
let auditor: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock, filingSchemas: schemas });
  shop = await api.createMerchant('Store');
  officer = await keyOf(['compliance:decide']);
  second = await keyOf(['compliance:decide']);
  auditor = await keyOf(['compliance:read']);
  await send('PUT', '/v1/compliance/filing-reporter', { key: officer, body: reporter });
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

/** Of the administrator: two such keys are two persons. */
async function keyOf(scopes: string[]): Promise<string> {
  const path = `/v1/merchants/${shop.id}/api-keys`;
  const made = await send('POST', path, { key: api.adminKey, body: { name: 'k', scopes } });
  return made.body.secret;
}

async function send(method: string, path: string, sent: Parameters<TestApi['send']>[2]) {
  const answer = await api.send(method, path, sent);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
  return answer;
}

const facts: SarFacts = {
  kind: 'sar',
  filingDate: '2026-11-21',
  report: 'initial',
  subjects: [{ type: 'individual', name: 'Mann', firstName: 'Janice' }],
  activity: { from: '2026-11-01', to: '2026-11-20', amountUsd: '15265.25', kinds: [{ code: 821 }] },
  narrative: 'Janice Mann sent bitcoin from a listed address.',
};

async function draft(body: object = { kind: 'sar', facts }) {
  const made = await send('POST', '/v1/compliance/filings', { key: officer, body });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body;
}

async function act(id: string, action: string, key: string, body: object = {}) {
  return await send('POST', `/v1/compliance/filings/${id}/${action}`, { key, body });
}

async function prepared() {
  const { id } = await draft();
  const made = await act(id, 'prepare', officer);
  expect(made.status, JSON.stringify(made.body)).toBe(200);
  return made.body;
}

async function submitted() {
  const { id, document } = await prepared();
  const documentSha256 = document.sha256;
  const approved = await act(id, 'approve', second, { documentSha256, acceptUnvalidated: true });
  expect(approved.status, JSON.stringify(approved.body)).toBe(200);
  return (await act(id, 'submit', officer, { reference: 'T1' })).body;
}

test('a report goes from draft to acknowledged, each step by who may do it', async () => {
  const { id, document, state } = await prepared();
  expect(state).toBe('prepared');
  expect(document).toMatchObject({
    validation: schemas === null ? 'unvalidated' : 'valid',
    total: '15266',
  });
  const file = await fetch(`${api.baseUrl}/v1/compliance/filings/${id}/document`, {
    headers: { authorization: `Bearer ${auditor}` },
  });
  expect(await file.text()).toContain('<fc2:FormTypeCode>SARX<');
  const own = { documentSha256: document.sha256, acceptUnvalidated: true };
  expect((await act(id, 'submit', officer)).body.code).toBe('conflict');
  expect((await act(id, 'approve', officer, own)).body.code).toBe('forbidden');
  const other = { ...own, documentSha256: '0'.repeat(64) };
  expect((await act(id, 'approve', second, other)).body.code).toBe('conflict');
  expect((await act(id, 'approve', second, own)).body.state).toBe('approved');
  const sent = await act(id, 'submit', officer, { reference: 'T1' });
  expect(sent.body).toMatchObject({ state: 'submitted', submissionReference: 'T1', due: 'met' });
  const xml = acknowledgement('31000055053784', 'WARN');
  const answered = await act(id, 'answer', officer, { xml });
  expect(answered.body).toMatchObject({
    state: 'acknowledged',
    authorityId: '31000055053784',
    errors: [{ code: 'C21', level: 'warning', text: 'The value is an invalid number string.' }],
  });
  const log = await send('GET', `/v1/compliance/filings/${id}/log`, { key: auditor });
  expect(log.body.data.map(({ action }: { action: string }) => action)).toEqual([
    ...['created', 'prepared', 'approved', 'submitted', 'answered'],
  ]);
});

function acknowledgement(bsaId: string, level: string, status = 'A'): string {
  return `<?xml version="1.0" encoding="UTF-8"?><EFilingBatchXML SeqNum="1" StatusCode="${status}">
    <EFilingSubmissionXML SeqNum="1" StatusCode="${status}"><EFilingActivityXML SeqNum="1">
    <BSAID>${bsaId}</BSAID><EFilingActivityErrorXML SeqNum="1"><ErrorContextText>Party[2]
    </ErrorContextText><ErrorElementNameText>X</ErrorElementNameText><ErrorLevelText>${level}
    </ErrorLevelText><ErrorText>The value is an invalid number string.</ErrorText><ErrorTypeCode>C21
    </ErrorTypeCode></EFilingActivityErrorXML><EFilingActivityErrorXML SeqNum="2"/>
    </EFilingActivityXML></EFilingSubmissionXML></EFilingBatchXML>`;
}

test('a key that comes from an author’s key is the author: it can not approve', async () => {
  const { id, document } = await draftBy(shop.key);
  const child = await send('POST', '/v1/api-keys', {
    key: shop.key,
    body: { name: 'mine too', scopes: ['compliance:decide'] },
  });
  const body = { documentSha256: document.sha256, acceptUnvalidated: true };
  expect((await act(id, 'approve', child.body.secret, body)).body.code).toBe('forbidden');
  expect((await act(id, 'approve', second, body)).status).toBe(200);
});

async function draftBy(key: string) {
  const body = { kind: 'sar', facts };
  const made = await send('POST', '/v1/compliance/filings', { key, body });
  return (await act(made.body.id, 'prepare', key)).body;
}

test('what is missing is told field by field, and nothing is kept', async () => {
  const wrong = { ...facts, filingDate: '2026-02-30', narrative: 'a'.repeat(20_001) };
  const { id } = await draft({ kind: 'sar', facts: wrong });
  const refused = await act(id, 'prepare', officer);
  expect(refused.status).toBe(422);
  expect(refused.body).toMatchObject({
    code: 'filing_incomplete',
    fields: [
      { pointer: '/filingDate' },
      { pointer: '/narrative', detail: expect.stringContaining('20001') },
    ],
  });
  const read = await send('GET', `/v1/compliance/filings/${id}`, { key: auditor });
  expect(read.body).toMatchObject({ state: 'draft', document: null });
});

test('editing takes the approval away, and only the newest version can be edited', async () => {
  const { id, document, version } = await prepared();
  const body = { documentSha256: document.sha256, acceptUnvalidated: true };
  await act(id, 'approve', second, body);
  const path = `/v1/compliance/filings/${id}`;
  const old = await send('PUT', path, { key: officer, body: { facts, version } });
  expect(old.body.code).toBe('conflict');
  const now = (await send('GET', path, { key: officer })).body.version;
  const edited = await send('PUT', path, { key: officer, body: { facts, version: now } });
  expect(edited.body).toMatchObject({ state: 'draft', approvedBy: null, document: null });
});

test('what was submitted never changes: not by the interface, not by the working role', async () => {
  const { id, version } = await submitted();
  const path = `/v1/compliance/filings/${id}`;
  expect((await send('PUT', path, { key: officer, body: { facts, version } })).status).toBe(409);
  expect((await act(id, 'prepare', officer)).status).toBe(409);
  expect((await act(id, 'withdraw', officer, { reason: 'no' })).status).toBe(409);
  const tries = [
    `UPDATE filing SET document = 'x', document_sha256 = sha256('x'), state = 'rejected' WHERE id = $1`,
    `UPDATE filing SET state = 'draft' WHERE id = $1`,
    `UPDATE filing SET authors = '{nobody}', state = 'rejected' WHERE id = $1`,
    `DELETE FROM filing WHERE id = $1`,
    `UPDATE filing_event SET actor = 'nobody' WHERE filing_id = $1`,
    `DELETE FROM filing_event WHERE filing_id = $1`,
  ];
  for (const text of tries) {
    const tried = api.database.asTenant(shop.id as Uuid, (tx) => tx.query(text, [id]));
    await expect(tried, text).rejects.toThrow();
  }
  const client = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  try {
    // The triggers stop even the owner of the tables.
    for (const text of tries)
      await expect(client.query(text, [id])).rejects.toThrow(/submitted|append-only|deleted/);
  } finally {
    await client.end();
  }
});

test('a correction names the report it corrects; a refused one is filed anew as it was', async () => {
  const taken = await submitted();
  await act(taken.id, 'answer', officer, { xml: acknowledgement('31000055053784', 'WARN') });
  const corrected = await act(taken.id, 'correct', officer);
  expect(corrected.body).toMatchObject({
    state: 'draft',
    correctsId: taken.id,
    facts: { report: 'correction', priorReportId: '31000055053784' },
  });
  const refused = await submitted();
  const answer = await act(refused.id, 'answer', officer, {
    xml: acknowledgement('31000055053785', 'FATAL'),
  });
  expect(answer.body.state).toBe('rejected');
  const again = await act(refused.id, 'correct', officer);
  expect(again.body.facts).toEqual({ ...facts, report: 'initial' });
});

test('an answer that is not of this filing is refused and changes nothing', async () => {
  const { id } = await submitted();
  const two = acknowledgement('31000055053784', 'WARN').replace(
    '</EFilingActivityXML>',
    '</EFilingActivityXML><EFilingActivityXML SeqNum="2"><BSAID>31000055053785</BSAID></EFilingActivityXML>',
  );
  const bomb = `<!DOCTYPE a [<!ENTITY b "b">]>${acknowledgement('31000055053784', 'WARN')}`;
  for (const xml of ['<a/>', '<a', two, bomb, '{}']) {
    const refused = await act(id, 'answer', officer, { xml });
    expect(refused.body.code, xml.slice(0, 50)).toBe('invalid_request');
  }
  const read = await send('GET', `/v1/compliance/filings/${id}`, { key: auditor });
  expect(read.body.state).toBe('submitted');
});

test('a draft of a case says who, what, when, where, why and how, with addresses and transactions', async () => {
  const txid = 'ab'.repeat(32);
  const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
  const alert = await send('POST', '/v1/compliance/alerts', {
    key: officer,
    body: {
      subject: { type: 'party', id: address },
      severity: 'high',
      summary: 'Coins came through a mixer',
      facts: { inputs: [{ address, txid }], hops: 2 },
    },
  });
  expect(alert.status, JSON.stringify(alert.body)).toBe(201);
  const { caseId } = alert.body;
  const made = await draft({ kind: 'sar', caseId });
  for (const word of ['WHO:', 'WHAT:', 'WHEN:', 'WHERE:', 'WHY:', 'HOW:', address, txid]) {
    expect(made.facts.narrative).toContain(word);
  }
  expect(made.facts.activity.kinds).toEqual([{ code: 821 }]);
  expect(made.dueAt).toBe('2026-12-21T12:00:00.000Z');
  const ready = await act(made.id, 'prepare', officer);
  expect(ready.status, JSON.stringify(ready.body)).toBe(200);
  const body = { documentSha256: ready.body.document.sha256, acceptUnvalidated: true };
  await act(made.id, 'approve', second, body);
  await act(made.id, 'submit', officer, {});
  const known = await send('GET', `/v1/compliance/cases/${caseId}`, { key: auditor });
  expect(known.body).toMatchObject({ due: 'met', reportedAt: '2026-11-21T12:00:00.000Z' });
  expect(oneLine(made.facts.narrative)).not.toContain('undefined');
});

test('a CTR is due fifteen days after the transaction', async () => {
  const made = await draft({
    kind: 'ctr',
    facts: {
      ...{ kind: 'ctr', filingDate: '2026-11-21', report: 'initial' },
      ...{ transactionDate: '2026-11-20', persons: [], details: [] },
    },
  });
  expect(made.dueAt).toBe('2026-12-05T23:59:59.999Z');
  const refused = await act(made.id, 'prepare', officer);
  expect(refused.body.fields.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    ...['/details', '/persons'],
  ]);
});
