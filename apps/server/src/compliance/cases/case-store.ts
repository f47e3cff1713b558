import type {
  CaseOutcome,
  CaseState,
  CaseSubject,
  CaseSubjectType,
  ComplianceSeverity,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Case, Proposal, ReportDecision } from './case.ts';

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  subject_type: CaseSubjectType;
  subject_id: string;
  state: CaseState;
  severity: ComplianceSeverity;
  summary: string;
  opened_at: Date;
  detected_at: Date;
  suspect_known_at: Date | null;
  report_due_at: Date;
  reported_at: Date | null;
  assignee: string | null;
  proposal: Proposal | null;
  report_decision: ReportDecision | null;
  outcome: CaseOutcome | null;
  proposed_by: string | null;
  decided_by: string | null;
  closed_at: Date | null;
  previous_case_id: Uuid | null;
  reopenings: number;
  alert_count: number;
  updated_at: Date;
};

const COLUMNS = `merchant_id, id, subject_type, subject_id, state, severity, summary, opened_at,
  detected_at, suspect_known_at, report_due_at, reported_at, assignee, proposal, outcome,
  proposed_by, decided_by, closed_at, reopenings, alert_count, updated_at, report_decision,
  previous_case_id`;

/** A case of a merchant: one that is another merchant's is not found. */
export type OwnCase = { merchantId: Uuid; id: Uuid };

/** Writers about one subject go one after the other from here to the end of their transaction. */
export async function lockSubject(
  tx: Tx,
  merchantId: Uuid,
  { type, id }: CaseSubject,
): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 21))`, [
    `${merchantId}\n${type}\n${id}`,
  ]);
}

export async function insertCase(tx: Tx, each: Case): Promise<void> {
  await tx.query(
    `INSERT INTO compliance_case (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
            $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
    [
      each.merchantId,
      each.id,
      each.subject.type,
      each.subject.id,
      each.state,
      each.severity,
      each.summary,
      new Date(each.openedAtMs),
      ...changing(each),
      each.previousCaseId,
    ],
  );
}

/** Writes what changes in the life of a case; the caller holds its lock. */
export async function updateCase(tx: Tx, each: Case): Promise<void> {
  const written = await tx.query(
    `UPDATE compliance_case SET state = $3, severity = $4, detected_at = $5, suspect_known_at = $6,
            report_due_at = $7, reported_at = $8, assignee = $9, proposal = $10, outcome = $11,
            proposed_by = $12, decided_by = $13, closed_at = $14, reopenings = $15,
            alert_count = $16, updated_at = $17, report_decision = $18
      WHERE merchant_id = $1 AND id = $2 RETURNING 1 AS written`,
    [each.merchantId, each.id, each.state, each.severity, ...changing(each)],
  );
  assert(written.length === 1, 'a case that is locked is there');
}

function changing(each: Case): unknown[] {
  return [
    new Date(each.detectedAtMs),
    dateOf(each.suspectKnownAtMs),
    new Date(each.reportDueAtMs),
    dateOf(each.reportedAtMs),
    each.assignee,
    each.proposal === null ? null : JSON.stringify(each.proposal),
    each.outcome,
    each.proposedBy,
    each.decidedBy,
    dateOf(each.closedAtMs),
    each.reopenings,
    each.alertCount,
    new Date(each.updatedAtMs),
    each.reportDecision === null ? null : JSON.stringify(each.reportDecision),
  ];
}

export async function readCaseRow(tx: Tx, own: OwnCase): Promise<Case | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM compliance_case WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : caseOf(row);
}

export type LogHead = { readonly sequence: bigint; readonly hash: Uint8Array };

/** A case with the last place of its log, both of one moment. */
export async function readCaseWithHead(
  tx: Tx,
  own: OwnCase,
): Promise<{ found: Case; head: LogHead } | undefined> {
  const row = await tx.maybe<Row & { log_sequence: bigint; log_hash: Buffer }>(
    `SELECT ${COLUMNS}, log_sequence, log_hash FROM compliance_case
      WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  if (row === undefined) return undefined;
  return { found: caseOf(row), head: { sequence: row.log_sequence, hash: row.log_hash } };
}

/** The next cases of a merchant by id, from the one after `afterId` on. */
export async function readCaseIds(
  tx: Tx,
  given: { merchantId: Uuid; afterId: Uuid | null; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM compliance_case WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id > $2)
      ORDER BY id LIMIT $3`,
    [given.merchantId, given.afterId, given.limit],
  );
  return rows.map(({ id }) => id);
}

/** Stores that have cases, by id; in asSystem. */
export async function readMerchantsWithCases(
  tx: Tx,
  afterId: Uuid | null,
  limit: number,
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT m.id FROM merchant m WHERE ($1::uuid IS NULL OR m.id > $1)
        AND EXISTS (SELECT FROM compliance_case c WHERE c.merchant_id = m.id)
      ORDER BY m.id LIMIT $2`,
    [afterId, limit],
  );
  return rows.map(({ id }) => id);
}

export type CaseFilter = {
  merchantId: Uuid;
  startingAfter: Uuid | undefined;
  limit: number;
  state?: CaseState | undefined;
  severity?: ComplianceSeverity | undefined;
  assignee?: string | undefined;
  subjectType?: CaseSubjectType | undefined;
  subjectId?: string | undefined;
  /** Only cases that still need their report by then. */
  dueBeforeMs?: number | undefined;
};

/** A merchant's cases, the newest first. */
export async function readCaseRows(tx: Tx, filter: CaseFilter): Promise<Case[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM compliance_case
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3)
        AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR severity = $5)
        AND ($6::text IS NULL OR assignee = $6) AND ($7::text IS NULL OR subject_type = $7)
        AND ($8::text IS NULL OR subject_id = $8)
        AND ($9::timestamptz IS NULL OR (report_due_at < $9 AND reported_at IS NULL
          AND (state <> 'closed' OR outcome = 'report')))
      ORDER BY id DESC LIMIT $2`,
    [
      filter.merchantId,
      filter.limit,
      filter.startingAfter ?? null,
      filter.state ?? null,
      filter.severity ?? null,
      filter.assignee ?? null,
      filter.subjectType ?? null,
      filter.subjectId ?? null,
      dateOf(filter.dueBeforeMs ?? null),
    ],
  );
  return rows.map(caseOf);
}

/** Locks it: what happens to a case happens one after the other. */
export async function lockCase(tx: Tx, own: OwnCase): Promise<Case | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM compliance_case WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : caseOf(row);
}

/** The open case of a subject, locked, else undefined. */
export async function lockOpenCase(
  tx: Tx,
  merchantId: Uuid,
  subject: CaseSubject,
): Promise<Case | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM compliance_case
      WHERE merchant_id = $1 AND subject_type = $2 AND subject_id = $3 AND state <> 'closed'
        FOR NO KEY UPDATE`,
    [merchantId, subject.type, subject.id],
  );
  return row === undefined ? undefined : caseOf(row);
}

/** The case of a subject that was opened last. */
export async function findLastCaseId(
  tx: Tx,
  merchantId: Uuid,
  subject: CaseSubject,
): Promise<Uuid | null> {
  const row = await tx.maybe<{ id: Uuid }>(
    `SELECT id FROM compliance_case
      WHERE merchant_id = $1 AND subject_type = $2 AND subject_id = $3 ORDER BY id DESC LIMIT 1`,
    [merchantId, subject.type, subject.id],
  );
  return row?.id ?? null;
}

function caseOf(row: Row): Case {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    subject: { type: row.subject_type, id: row.subject_id },
    state: row.state,
    severity: row.severity,
    summary: row.summary,
    openedAtMs: row.opened_at.getTime(),
    detectedAtMs: row.detected_at.getTime(),
    suspectKnownAtMs: row.suspect_known_at?.getTime() ?? null,
    reportDueAtMs: row.report_due_at.getTime(),
    reportedAtMs: row.reported_at?.getTime() ?? null,
    reportDecision: row.report_decision,
    assignee: row.assignee,
    proposal: row.proposal,
    outcome: row.outcome,
    proposedBy: row.proposed_by,
    decidedBy: row.decided_by,
    closedAtMs: row.closed_at?.getTime() ?? null,
    previousCaseId: row.previous_case_id,
    reopenings: row.reopenings,
    alertCount: row.alert_count,
    updatedAtMs: row.updated_at.getTime(),
  };
}
