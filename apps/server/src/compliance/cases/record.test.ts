import { randomFillSync } from 'node:crypto';
import { manualClock, type Uuid, uuidV7Ids } from '@quittance/kernel';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../../tests/support/postgres.ts';
import { type Database, openDatabase, roleUrls, type Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { lockOpenCase, readCaseRow } from './case-store.ts';
import { approveDecision, proposeDecision } from './decide-case.ts';
import {
  addCaseEvidence,
  type CaseDecision,
  markCaseReported,
  raiseComplianceAlert,
  readCaseFile,
  verifyAllCases,
  verifyCase,
  verifyCases,
} from './index.ts';
import { hashOfEntry, sha256 } from './log.ts';
import { readLogRows } from './log-store.ts';
import { insertTestMerchant } from './test-support.ts';

const clock = manualClock(Date.UTC(2026, 0, 1));
const ids = uuidV7Ids(clock, (target) => randomFillSync(target));
let testDatabase: TestDatabase;
let database: Database;
let owner: pg.Client;
let merchantId: Uuid;
let caseId: Uuid;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(roleUrls(testDatabase.ownerUrl));
  owner = new pg.Client({ connectionString: testDatabase.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await database.close();
  await testDatabase.drop();
});

const telling = () => ({ ids, nowMs: clock.nowMs() });

/** A case with evidence and a proposal, of a store of its own. */
beforeEach(async () => {
  merchantId = await insertTestMerchant(database, ids);
  const alert = {
    source: 'risk',
    rule: 'r',
    severity: 'low',
    summary: 's',
    facts: { a: 1 },
  } as const;
  const subject = { type: 'payment', id: ids.next() } as const;
  const raised = await database.asSystem((tx) =>
    raiseComplianceAlert(tx, telling(), { ...alert, merchantId, subject, dedupeKey: 'k' }),
  );
  caseId = raised.caseId;
  const evidence = { merchantId, caseId, title: 'Chain', data: { hops: ['ab', 'cd'] } };
  await asTenant((tx) => addCaseEvidence(tx, telling(), evidence));
});

async function asTenant<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  return await database.asTenant(merchantId, work);
}

async function verify() {
  return await asTenant((tx) => verifyCase(tx, { merchantId, id: caseId }));
}

async function readCase() {
  return await asTenant((tx) => readCaseRow(tx, { merchantId, id: caseId }));
}

async function propose(outcome: CaseDecision['outcome']): Promise<Uuid> {
  const own = { merchantId, id: caseId };
  const given = { own, outcome, reason: 'r', by: 'key:ann' } as const;
  const { proposal } = await asTenant((tx) => proposeDecision(tx, telling(), given));
  return proposal?.id ?? '';
}

const lockNothing = { lock: async () => undefined };
const everybody = {
  samePersonAs: async (_: Tx, by: string) => new Set([by]),
};

test('the working roles can neither change, remove nor forge what was recorded', async () => {
  const attempts: [string, string][] = [
    ['change the log', `UPDATE compliance_case_log SET content = '{}'`],
    ['remove from the log', 'DELETE FROM compliance_case_log'],
    ['empty the log', 'TRUNCATE compliance_case_log'],
    [
      'write past the chain',
      `INSERT INTO compliance_case_log SELECT merchant_id, case_id, 99, gen_random_uuid(), at, actor,
         kind, content, content_sha256, prev_hash, hash FROM compliance_case_log LIMIT 1`,
    ],
    ['change an alert', `UPDATE compliance_alert SET summary = 'nothing'`],
    ['remove an alert', 'DELETE FROM compliance_alert'],
    ['remove a case', 'DELETE FROM compliance_case'],
    ['move the head', 'UPDATE compliance_case SET log_sequence = 1'],
    ['change the head', `UPDATE compliance_case SET log_hash = decode(repeat('00', 32), 'hex')`],
    ['change the subject', `UPDATE compliance_case SET subject_id = 'another'`],
    ['lift the guard', 'ALTER TABLE compliance_case_log DISABLE TRIGGER append_only'],
    ['replace the function', 'DROP FUNCTION compliance_log_append'],
  ];
  const before = await verify();
  for (const [what, sql] of attempts) {
    for (const role of ['app', 'system'] as const) {
      const run = (tx: Tx) => tx.query(sql);
      const attempt = role === 'app' ? asTenant(run) : database.asSystem(run);
      await expect(attempt, `${role}: ${what}`).rejects.toThrow(/permission denied|must be owner/);
    }
  }
  expect(await verify()).toEqual(before);
});

test('the owner too is stopped from changing the record by mistake', async () => {
  for (const sql of [
    `UPDATE compliance_case_log SET actor = 'nobody'`,
    'DELETE FROM compliance_case_log',
    'TRUNCATE compliance_case_log',
    `UPDATE compliance_alert SET severity = 'low'`,
    'DELETE FROM compliance_case',
  ]) {
    await expect(owner.query(sql), sql).rejects.toThrow('append-only');
  }
});

test('a store writes into the logs of its own cases only', async () => {
  const stranger = await insertTestMerchant(database, ids);
  const append = database.asTenant(stranger, (tx) =>
    tx.query('SELECT compliance_log_append($1, $2, 1, $4, ARRAY[$3::uuid], ARRAY[$4], ARRAY[$4])', [
      ...[merchantId, caseId, ids.next(), 'x'],
    ]),
  );
  await expect(append).rejects.toThrow('not yours');
  const evidence = { merchantId, caseId, title: 'x', data: {} };
  const add = database.asTenant(stranger, (tx) => addCaseEvidence(tx, telling(), evidence));
  await expect(add).rejects.toThrow(AppError);
});

/** What an owner can do who lifts the guards. */
async function tamper(sql: string, values: unknown[] = []): Promise<void> {
  await owner.query('BEGIN');
  await owner.query('ALTER TABLE compliance_case_log DISABLE TRIGGER append_only');
  await owner.query(sql, values);
  await owner.query('ALTER TABLE compliance_case_log ENABLE TRIGGER append_only');
  await owner.query('COMMIT');
}

test('whoever lifts the guards and changes the record is found out by the chain', async () => {
  expect(await verify()).toMatchObject({ ok: true, entries: 3, fault: null });
  await tamper(
    `UPDATE compliance_case_log SET content = '{"title":"Chain","data":{}}'
                 WHERE case_id = $1 AND sequence = 3`,
    [caseId],
  );
  expect(await verify()).toMatchObject({
    ...{ ok: false, fault: { kind: 'wrong_content', sequence: 3 } },
  });
  const all = await verifyCases(database, merchantId);
  expect(all).toMatchObject({ ok: false, cases: 1, faults: [{ caseId }] });
});

test('the command that verifies all stores names the case and the entry', async () => {
  const lines: string[] = [];
  await tamper(`UPDATE compliance_case_log SET actor = 'x' WHERE case_id = $1 AND sequence = 2`, [
    caseId,
  ]);
  const { ok, stores } = await verifyAllCases(database, (line) => lines.push(line));
  expect(ok).toBe(false);
  expect(stores).toBeGreaterThan(1);
  expect(lines).toContain(`  case ${caseId}: entry 2 is wrong (wrong_hash)`);
  expect(lines.at(-1)).toMatch(/^BROKEN: \d+ cases of \d+ stores verified$/);
});

test('one who computes the hashes anew is found out at the head, or by the digest of all cases', async () => {
  const { digest } = await verifyCases(database, merchantId);
  const rows = await asTenant((tx) =>
    readLogRows(tx, { merchantId, id: caseId }, { startingAfter: undefined, limit: 10 }),
  );
  const last = rows[2];
  if (last === undefined) throw new Error('there are three entries');
  const content = '{"data":{},"title":"Chain"}';
  const forged = { ...last, content, contentSha256: sha256(content) };
  const hash = hashOfEntry(forged);
  await tamper(
    `UPDATE compliance_case_log SET content = $2, content_sha256 = $3, hash = $4
      WHERE case_id = $1 AND sequence = 3`,
    [caseId, content, forged.contentSha256, hash],
  );
  expect(await verify()).toMatchObject({ fault: { kind: 'wrong_head', sequence: 3 } });
  await tamper('UPDATE compliance_case SET log_hash = $2 WHERE id = $1', [caseId, hash]);
  const all = await verifyCases(database, merchantId);
  expect(all.ok, 'the forgery is perfect').toBe(true);
  expect(all.digest, 'but not what was noted elsewhere').not.toBe(digest);
});

test('a removed end of the log is found out, and a case that says what its log does not', async () => {
  await asTenant((tx) =>
    tx.query(`UPDATE compliance_case SET severity = 'high' WHERE id = $1`, [caseId]),
  );
  expect(await verify()).toMatchObject({ fault: { kind: 'wrong_state' } });
  await tamper('DELETE FROM compliance_case_log WHERE case_id = $1 AND sequence = 3', [caseId]);
  expect(await verify()).toMatchObject({ fault: { kind: 'missing', sequence: 3 } });
});

test('contents that were erased after the retention leave the chain whole', async () => {
  await tamper('UPDATE compliance_case_log SET content = NULL WHERE case_id = $1', [caseId]);
  expect(await verify()).toMatchObject({ ok: true, entries: 3, erased: 3 });
});

test('the decision and what follows from it are one transaction: if that fails, nothing is decided', async () => {
  const proposalId = await propose('refund');
  const told: CaseDecision[] = [];
  const approve = (caseDecided: (tx: Tx, t: unknown, decision: CaseDecision) => Promise<void>) =>
    asTenant((tx) =>
      approveDecision(
        tx,
        { ...everybody, caseListener: { ...lockNothing, caseDecided } },
        {
          ...{ own: { merchantId, id: caseId }, proposalId, outcome: 'refund', by: 'key:bob' },
          telling: telling(),
        },
      ),
    );
  const failing = approve(async () => {
    throw new AppError('conflict', 'The payment is not held.');
  });
  await expect(failing).rejects.toThrow('not held');
  expect(await readCase()).toMatchObject({ state: 'decision_proposed' });
  await approve(async (_tx, _telling, decision) => void told.push(decision));
  const found = await readCase();
  expect(found).toMatchObject({ state: 'closed', decidedBy: 'key:bob' });
  expect(told).toEqual([{ merchantId, caseId, outcome: 'refund', subject: found?.subject }]);
  expect(await verify()).toMatchObject({ ok: true, entries: 5 });
});

test('two officers who approve at the same moment decide once', async () => {
  const proposalId = await propose('dismiss');
  let told = 0;
  const caseListener = {
    ...lockNothing,
    caseDecided: async () => {
      told++;
    },
  };
  const approvals = await Promise.allSettled(
    ['key:bob', 'key:cid', 'key:dan'].map((by) =>
      asTenant((tx) =>
        approveDecision(
          tx,
          { ...everybody, caseListener },
          {
            ...{ own: { merchantId, id: caseId }, proposalId, outcome: 'dismiss', by },
            telling: telling(),
          },
        ),
      ),
    ),
  );
  expect(approvals.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(told).toBe(1);
});

test('an alert that comes while an officer approves joins the case in time, or opens the next one', async () => {
  const found = await readCase();
  if (found === undefined) throw new Error('the case is there');
  const { subject } = found;
  const caseListener = { ...lockNothing, caseDecided: async () => undefined };
  for (let i = 0; i < 10; i++) {
    const open = await asTenant((tx) => lockOpenCase(tx, merchantId, subject));
    const own = { merchantId, id: open?.id ?? '' };
    const wish = { own, outcome: 'dismiss', reason: 'r', by: 'key:ann' } as const;
    const proposed = await asTenant((tx) => proposeDecision(tx, telling(), wish));
    const approval = { own, proposalId: proposed.proposal?.id ?? '', outcome: 'dismiss' } as const;
    const alert = { source: 'risk', rule: 'r', severity: 'low', summary: 's', facts: {} } as const;
    const [approved, raised] = await Promise.allSettled([
      asTenant((tx) =>
        approveDecision(
          tx,
          { ...everybody, caseListener },
          { ...approval, by: 'key:bob', telling: telling() },
        ),
      ),
      asTenant((tx) =>
        raiseComplianceAlert(tx, telling(), { ...alert, merchantId, subject, dedupeKey: `${i}` }),
      ),
    ]);
    if (raised.status === 'rejected') throw raised.reason;
    const joined = raised.value.caseId === own.id;
    expect(approved.status).toBe(joined ? 'rejected' : 'fulfilled');
    expect(await asTenant((tx) => readCaseRow(tx, own))).toMatchObject({
      state: joined ? 'in_review' : 'closed',
    });
  }
  expect(await verifyCases(database, merchantId)).toMatchObject({ ok: true });
});

test('a decision locks what it changes before its case, in the order of those who raise alerts', async () => {
  const proposalId = await propose('freeze');
  let isCaseFree = false;
  const caseListener = {
    // Whoever holds the rows of other modules and raises an alert then locks the case: were it locked
    // by now, each of the two would wait for the other.
    async lock() {
      await owner.query('BEGIN');
      await owner.query('SELECT FROM compliance_case WHERE id = $1 FOR NO KEY UPDATE NOWAIT', [
        caseId,
      ]);
      await owner.query('ROLLBACK');
      isCaseFree = true;
    },
    caseDecided: async () => undefined,
  };
  const own = { merchantId, id: caseId };
  const approval = { own, proposalId, outcome: 'freeze', by: 'key:bob' } as const;
  await asTenant((tx) =>
    approveDecision(tx, { ...everybody, caseListener }, { ...approval, telling: telling() }),
  );
  expect(isCaseFree).toBe(true);
});

test('a report is noted once, stops the clock, and stands in the file with all evidence', async () => {
  const note = { merchantId, caseId, reference: 'filing 1', by: 'key:bob' };
  await asTenant((tx) => markCaseReported(tx, telling(), note));
  const twice = asTenant((tx) => markCaseReported(tx, telling(), note));
  await expect(twice).rejects.toThrow('noted already');
  const file = await asTenant((tx) => readCaseFile(tx, { merchantId, caseId }));
  expect(file.found.reportedAtMs).toBe(clock.nowMs());
  expect(file.alerts).toMatchObject([{ rule: 'r', facts: { a: 1 } }]);
  expect(file.log.map(({ kind }) => kind)).toEqual([
    ...['opened', 'alert_joined', 'evidence_added', 'reported'],
  ]);
  expect(file.log[2]?.content).toEqual({ title: 'Chain', data: { hops: ['ab', 'cd'] } });
});
