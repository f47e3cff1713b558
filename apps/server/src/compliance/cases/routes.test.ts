import { randomFillSync, randomUUID } from 'node:crypto';
import { manualClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestMerchant } from '../../../../../tests/support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { markCaseReported } from './index.ts';

const DAY = 24 * 3_600_000;
const clock = manualClock(Date.UTC(2026, 0, 1));
let testDatabase: TestDatabase;
let api: TestApi;
let store: TestMerchant;
let auditor: string;
let reviewer: string;
let officer: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  api = await startTestApi({ ownerUrl: testDatabase.ownerUrl, clock });
  store = await api.createMerchant('Store');
  [auditor, reviewer, officer] = [
    await person('compliance:read'),
    await person('compliance:review'),
    await person('compliance:decide'),
  ];
});
afterAll(async () => {
  await api.close();
  await testDatabase.drop();
});

/** A key of its own, from the administrator: another person than all others. */
async function person(...scopes: string[]): Promise<string> {
  const made = await api.send('POST', `/v1/merchants/${store.id}/api-keys`, {
    key: api.adminKey,
    body: { name: 'p', scopes },
  });
  return made.body.secret as string;
}

async function ok(method: string, path: string, key: string, body?: unknown) {
  const answer = await api.send(method, `/v1/compliance${path}`, { key, body });
  expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

async function refused(method: string, path: string, key: string, body?: unknown) {
  const answer = await api.send(method, `/v1/compliance${path}`, { key, body });
  expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(400);
  return answer.body.code as string;
}

async function newCase(id = randomUUID(), severity = 'medium'): Promise<string> {
  const alert = { subject: { type: 'party', id }, severity, summary: 'Seen twice in a day' };
  return (await ok('POST', '/alerts', reviewer, alert)).caseId as string;
}

async function propose(id: string, outcome = 'dismiss', key = reviewer): Promise<string> {
  const body = { outcome, reason: 'Looked at all of it.' };
  return (await ok('POST', `/cases/${id}/proposal`, key, body)).proposal.id as string;
}

async function close(id: string, outcome = 'dismiss'): Promise<void> {
  const proposalId = await propose(id, outcome);
  await ok('POST', `/cases/${id}/approve`, officer, { proposalId, outcome });
}

/** What compliance/filings notes when a report is submitted. */
async function fileReport(id: string): Promise<void> {
  const note = { merchantId: store.id as Uuid, caseId: id as Uuid, reference: 'f1', by: 'key:x' };
  const telling = {
    ids: uuidV7Ids(clock, (target) => randomFillSync(target)),
    nowMs: clock.nowMs(),
  };
  await api.database.asTenant(note.merchantId, (tx) => markCaseReported(tx, telling, note));
}

async function verify(id: string) {
  return await ok('GET', `/cases/${id}/verification`, auditor);
}

test('from an alert to a decision by two persons, every step in a log that verifies', async () => {
  const subject = randomUUID();
  const id = await newCase(subject);
  const { id: keyId } = (await api.send('GET', '/v1/api-keys/current', { key: reviewer })).body;
  expect(await ok('POST', `/cases/${id}/assign`, reviewer, { keyId })).toMatchObject({
    ...{ state: 'in_review', assignee: `key:${keyId}` },
  });
  await ok('POST', `/cases/${id}/comments`, reviewer, { text: 'Called nobody.' });
  await ok('POST', `/cases/${id}/evidence`, reviewer, { title: 'Chain', data: { hops: [1, 2] } });
  expect(await newCase(subject, 'high')).toBe(id);
  const proposalId = await propose(id);
  const approval = { proposalId, outcome: 'dismiss' };
  expect(await refused('POST', `/cases/${id}/approve`, reviewer, approval)).toBe('forbidden');
  const closed = await ok('POST', `/cases/${id}/approve`, officer, approval);
  expect(closed).toMatchObject({
    ...{ state: 'closed', outcome: 'dismiss', severity: 'high', alertCount: 2, due: 'met' },
    proposedBy: `key:${keyId}`,
  });
  expect(await ok('GET', `/cases/${id}`, auditor)).toEqual(closed);
  const log = await ok('GET', `/cases/${id}/log`, auditor);
  expect(log.data.map(({ kind }: { kind: string }) => kind)).toEqual([
    ...['opened', 'alert_joined', 'assigned', 'commented', 'evidence_added', 'alert_joined'],
    ...['decision_proposed', 'decided'],
  ]);
  expect(await verify(id)).toMatchObject({ ok: true, entries: 8, fault: null });
  const all = await ok('GET', '/verification', auditor);
  expect(all).toMatchObject({ ok: true, faults: [] });
  const alerts = await ok('GET', `/alerts?case_id=${id}&source=manual`, auditor);
  expect(alerts.data.map((each: { severity: string }) => each.severity)).toContain('high');
  expect(alerts.data).toHaveLength(2);
  const found = await ok('GET', `/cases?subject_type=party&subject_id=${subject}`, auditor);
  expect(found.data).toEqual([closed]);
  // The next alert about the same party is a new case, which names the old one.
  const next = await newCase(subject);
  expect(await ok('GET', `/cases/${next}`, auditor)).toMatchObject({ previousCaseId: id });
});

test('keys that come from one first key are one person and do not decide together', async () => {
  const id = await newCase();
  const both = await person('compliance:decide', 'keys:write');
  const child = await api.send('POST', '/v1/api-keys', {
    key: both,
    body: { name: 'child', scopes: ['compliance:decide'] },
  });
  const proposalId = await propose(id, 'dismiss', both);
  const approval = { proposalId, outcome: 'dismiss' };
  const secret = child.body.secret as string;
  expect(await refused('POST', `/cases/${id}/approve`, both, approval)).toBe('forbidden');
  expect(await refused('POST', `/cases/${id}/approve`, secret, approval)).toBe('forbidden');
  expect(await ok('GET', `/cases/${id}`, auditor)).toMatchObject({ state: 'decision_proposed' });
  expect(await verify(id)).toMatchObject({ ok: true });
  expect(await ok('POST', `/cases/${id}/approve`, officer, approval)).toMatchObject({
    state: 'closed',
  });
});

test('an approval is for what was looked at: another proposal, outcome or alert refuses it', async () => {
  const subject = randomUUID();
  const id = await newCase(subject);
  const first = await propose(id, 'dismiss');
  const reject = { proposalId: first, reason: 'Too soon.' };
  const stranger = await person('compliance:review');
  expect(await refused('POST', `/cases/${id}/reject`, stranger, reject)).toBe('forbidden');
  await ok('POST', `/cases/${id}/reject`, reviewer, reject);
  const second = await propose(id, 'report');
  const approve = (proposalId: string, outcome: string) =>
    refused('POST', `/cases/${id}/approve`, officer, { proposalId, outcome });
  expect(await approve(first, 'dismiss')).toBe('conflict');
  expect(await approve(second, 'dismiss')).toBe('conflict');
  await newCase(subject);
  expect(await approve(second, 'report')).toBe('conflict');
  expect(await ok('GET', `/cases/${id}`, auditor)).toMatchObject({
    ...{ state: 'in_review', proposal: null },
  });
});

test('a case is assigned to a valid key of the store that may review, and to no other', async () => {
  const id = await newCase();
  const idOf = async (key: string) =>
    (await api.send('GET', '/v1/api-keys/current', { key })).body.id as string;
  const other = await api.createMerchant('Other');
  const revoked = await person('compliance:review');
  const revokedId = await idOf(revoked);
  await api.send('DELETE', `/v1/api-keys/${revokedId}`, { key: store.key });
  for (const keyId of [await idOf(auditor), await idOf(other.key), revokedId, randomUUID()]) {
    const code = await refused('POST', `/cases/${id}/assign`, officer, { keyId });
    expect(code, keyId).toBe('invalid_request');
  }
  const keyId = await idOf(officer);
  await ok('POST', `/cases/${id}/assign`, officer, { keyId });
  const mine = await ok('GET', `/cases?assignee=${keyId}`, auditor);
  expect(mine.data.map((each: { id: string }) => each.id)).toEqual([id]);
});

test('what waits for a report is listed before its last day, and until the report is made', async () => {
  const id = await newCase();
  const listed = async (due: string): Promise<boolean> => {
    const { data } = await ok('GET', `/cases?due=${due}&limit=100`, auditor);
    return data.some((each: { id: string }) => each.id === id);
  };
  expect([await listed('soon'), await listed('overdue')]).toEqual([false, false]);
  clock.advance(24 * DAY);
  expect([await listed('soon'), await listed('overdue')]).toEqual([true, false]);
  await close(id, 'report');
  clock.advance(7 * DAY);
  expect([await listed('soon'), await listed('overdue')]).toEqual([true, true]);
  expect(await ok('GET', `/cases/${id}`, auditor)).toMatchObject({ due: 'overdue' });
});

test('after a report is made, what becomes of the money is decided in the same case by two persons', async () => {
  const subject = randomUUID();
  const id = await newCase(subject);
  await close(id, 'report');
  const release = { outcome: 'release', reason: 'The authority asks for nothing.' };
  expect(await refused('POST', `/cases/${id}/proposal`, reviewer, release)).toBe('conflict');
  await fileReport(id);
  const filed = await ok('GET', `/cases/${id}`, auditor);
  expect(filed).toMatchObject({ state: 'closed', outcome: 'report', due: 'met' });
  clock.advance(60 * DAY);
  expect(await ok('GET', `/cases/${id}`, auditor)).toMatchObject({ due: 'met' });
  const again = { outcome: 'report', reason: 'Once more.' };
  expect(await refused('POST', `/cases/${id}/proposal`, reviewer, again)).toBe('conflict');

  // A word against it, then the decision; the one who proposed it can not approve it.
  const first = await propose(id, 'freeze');
  const no = { proposalId: first, reason: 'Nothing asks for that.' };
  expect(await ok('POST', `/cases/${id}/reject`, officer, no)).toMatchObject({
    ...{ state: 'in_review', outcome: null, due: 'met', reportDecision: filed.reportDecision },
  });
  const proposalId = await propose(id, 'release', officer);
  const approval = { proposalId, outcome: 'release' };
  expect(await refused('POST', `/cases/${id}/approve`, officer, approval)).toBe('forbidden');
  const other = await person('compliance:decide');
  expect(await ok('POST', `/cases/${id}/approve`, other, approval)).toMatchObject({
    ...{ state: 'closed', outcome: 'release', due: 'met', reopenings: 0 },
    ...{ reportedAt: filed.reportedAt, reportDecision: filed.reportDecision },
  });
  expect(await verify(id)).toMatchObject({ ok: true, entries: 9, fault: null });

  // A newer case of the subject is the one to work on.
  const third = await newCase();
  await close(third, 'report');
  await fileReport(third);
  const { subject: same } = await ok('GET', `/cases/${third}`, auditor);
  await newCase(same.id);
  expect(await refused('POST', `/cases/${third}/proposal`, reviewer, release)).toBe('conflict');
});

test('the clock is set with a reason by an officer, never into the future, and by the store’s days', async () => {
  const settings = await ok('GET', '/settings', auditor);
  expect(settings).toMatchObject({ risk: 'off', sarDaysSuspectUnknown: 30, updatedAt: null });
  const { updatedAt: _, updatedBy: __, ...rest } = settings;
  const bank = { ...rest, sarDaysSuspectUnknown: 60 };
  await ok('PUT', '/settings', officer, bank);
  const id = await newCase();
  const nowMs = clock.nowMs();
  const before = await ok('GET', `/cases/${id}`, auditor);
  expect(Date.parse(before.reportDueAt) - nowMs).toBe(60 * DAY);
  const at = (ms: number) => new Date(ms).toISOString();
  const body = { detectedAt: at(nowMs - DAY), suspectKnownAt: at(nowMs), reason: 'Found him.' };
  const after = await ok('POST', `/cases/${id}/clock`, officer, body);
  expect(Date.parse(after.reportDueAt) - nowMs).toBe(29 * DAY);
  const late = { ...body, detectedAt: at(nowMs + 1) };
  expect(await refused('POST', `/cases/${id}/clock`, officer, late)).toBe('invalid_request');
  expect(await refused('POST', `/cases/${id}/clock`, reviewer, body)).toBe('forbidden');
  await ok('PUT', '/settings', officer, rest);
  const fewer = { ...rest, sarDaysSuspectKnown: 40 };
  expect(await refused('PUT', '/settings', officer, fewer)).toBe('invalid_request');
});

test('a closed case is reopened by an officer, unless a newer one of its subject is open', async () => {
  const subject = randomUUID();
  const id = await newCase(subject);
  await close(id);
  const reopen = { reason: 'News.' };
  expect(await refused('POST', `/cases/${id}/reopen`, reviewer, reopen)).toBe('forbidden');
  const text = { text: 'A word afterwards.' };
  await ok('POST', `/cases/${id}/comments`, reviewer, text);
  expect(await ok('POST', `/cases/${id}/reopen`, officer, reopen)).toMatchObject({
    ...{ state: 'reopened', outcome: null, reopenings: 1 },
  });
  await close(id);
  await newCase(subject);
  expect(await refused('POST', `/cases/${id}/reopen`, officer, reopen)).toBe('conflict');
  expect(await verify(id)).toMatchObject({ ok: true, entries: 8 });
});

test('statistics add up: outcomes, false positives by rule, and times to decision', async () => {
  const other = await api.createMerchant('Statistics');
  const key = other.key;
  const second = await api.send('POST', `/v1/merchants/${other.id}/api-keys`, {
    key: api.adminKey,
    body: { name: 'second', scopes: ['compliance:decide'] },
  });
  const start = clock.nowMs();
  const outcomes = ['dismiss', 'release', 'report', 'freeze', null, null] as const;
  for (const [i, outcome] of outcomes.entries()) {
    const alert = { subject: { type: 'party', id: `p${i}` }, severity: 'low', summary: 's' };
    const { caseId } = await ok('POST', '/alerts', key, alert);
    if (outcome === null) continue;
    clock.advance((i + 1) * 60_000);
    const proposed = await ok('POST', `/cases/${caseId}/proposal`, key, { outcome, reason: 'r' });
    const proposalId = proposed.proposal.id;
    await ok('POST', `/cases/${caseId}/approve`, second.body.secret, { proposalId, outcome });
  }
  clock.advance(8 * DAY);
  const from = new Date(start).toISOString();
  const statistics = await ok('GET', `/statistics?from=${from}`, key);
  expect(statistics).toMatchObject({
    open: {
      ...{ total: 2, byState: { open: 2, closed: 0 }, bySeverity: { low: 2, high: 0 } },
      ...{ byAge: { under7Days: 0, under30Days: 2 }, dueSoon: 0, overdue: 0 },
    },
    closed: {
      total: 4,
      byOutcome: { dismiss: { count: 1, share: 0.25 }, refund: { count: 0, share: 0 } },
      falsePositiveRate: 0.5,
      secondsToDecision: { median: 120, p90: 240, longest: 240 },
    },
    rules: [
      {
        ...{ source: 'manual', rule: 'manual', alerts: 6, open: 2 },
        ...{ falsePositives: 2, falsePositiveRate: 0.5 },
      },
    ],
  });
  clock.advance(20 * DAY);
  // The report that was decided and is not made is due like the two that are open.
  expect((await ok('GET', '/statistics', key)).open).toMatchObject({ dueSoon: 3, overdue: 0 });
  const before = await ok('GET', `/statistics?to=${from}`, key);
  expect(before).toMatchObject({ closed: { total: 0, falsePositiveRate: null }, rules: [] });
});

test('a log is read page by page in its order', async () => {
  const id = await newCase();
  for (let i = 0; i < 5; i++) await ok('POST', `/cases/${id}/comments`, reviewer, { text: `${i}` });
  const sequences: number[] = [];
  let after = '';
  for (;;) {
    const page = await ok('GET', `/cases/${id}/log?limit=3${after}`, auditor);
    for (const { sequence } of page.data) sequences.push(sequence);
    if (!page.has_more) break;
    after = `&starting_after=${page.data.at(-1).id}`;
  }
  expect(sequences).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
