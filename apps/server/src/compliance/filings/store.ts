import {
  type FilingError,
  type FilingFacts,
  type FilingKind,
  type FilingReporter,
  type FilingState,
  filingReporterSchema,
} from '@quittance/contract';
import { assert, fromHex, toHex, type Uuid } from '@quittance/kernel';
import { dateOf, type Tx } from '../../platform/db/index.ts';
import type { Filing } from './filing.ts';
import type { FilingSummary } from './findings.ts';

/** A filing of a merchant: one that is another merchant's is not found. */
export type OwnFiling = { merchantId: Uuid; id: Uuid };

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  kind: FilingKind;
  case_id: Uuid | null;
  corrects_id: Uuid | null;
  state: FilingState;
  facts: FilingFacts;
  due_at: Date | null;
  document: string | null;
  document_sha256: Uint8Array | null;
  summary: FilingSummary | null;
  validation: 'valid' | 'unvalidated' | null;
  validation_detail: string | null;
  authors: string[];
  approved_by: string | null;
  approved_at: Date | null;
  submitted_by: string | null;
  submitted_at: Date | null;
  submission_reference: string | null;
  authority_id: string | null;
  answered_at: Date | null;
  errors: FilingError[];
  created_by: string;
  created_at: Date;
  updated_at: Date;
  version: number;
};

const COLUMNS = `merchant_id, id, kind, case_id, corrects_id, created_by, created_at, state, facts,
  due_at, document, document_sha256, summary, validation, validation_detail, authors, approved_by,
  approved_at, submitted_by, submitted_at, submission_reference, authority_id, answered_at, errors,
  updated_at, version`;

export async function insertFiling(tx: Tx, filing: Filing): Promise<void> {
  await tx.query(
    `INSERT INTO filing (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
       $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`,
    [
      filing.merchantId,
      filing.id,
      filing.kind,
      filing.caseId,
      filing.correctsId,
      filing.createdBy,
      new Date(filing.createdAtMs),
      ...changing(filing),
    ],
  );
}

/** Writes what changes in a filing's life; the caller holds its lock. */
export async function updateFiling(tx: Tx, filing: Filing): Promise<void> {
  const written = await tx.query(
    `UPDATE filing SET state = $3, facts = $4, due_at = $5, document = $6, document_sha256 = $7,
            summary = $8, validation = $9, validation_detail = $10, authors = $11, approved_by = $12,
            approved_at = $13, submitted_by = $14, submitted_at = $15, submission_reference = $16,
            authority_id = $17, answered_at = $18, errors = $19, updated_at = $20, version = $21
      WHERE merchant_id = $1 AND id = $2 AND version = $21 - 1 RETURNING id`,
    [filing.merchantId, filing.id, ...changing(filing)],
  );
  assert(written.length === 1, 'a filing is written by who holds its lock');
}

function changing(filing: Filing): unknown[] {
  const { document } = filing;
  return [
    filing.state,
    JSON.stringify(filing.facts),
    dateOf(filing.dueAtMs),
    document?.xml ?? null,
    document === null ? null : fromHex(document.sha256),
    document === null ? null : JSON.stringify(document.summary),
    document?.validation ?? null,
    document?.validationDetail ?? null,
    filing.authors,
    filing.approvedBy,
    dateOf(filing.approvedAtMs),
    filing.submittedBy,
    dateOf(filing.submittedAtMs),
    filing.submissionReference,
    filing.authorityId,
    dateOf(filing.answeredAtMs),
    JSON.stringify(filing.errors),
    new Date(filing.updatedAtMs),
    filing.version,
  ];
}

export async function readFilingRow(
  tx: Tx,
  { merchantId, id }: OwnFiling,
): Promise<Filing | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM filing WHERE merchant_id = $1 AND id = $2`,
    [merchantId, id],
  );
  return row === undefined ? undefined : filingOf(row);
}

/** The same, kept from being changed by others until the transaction ends. */
export async function lockFiling(
  tx: Tx,
  { merchantId, id }: OwnFiling,
): Promise<Filing | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM filing WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    [merchantId, id],
  );
  return row === undefined ? undefined : filingOf(row);
}

/** The newest first. */
export async function readFilingRows(
  tx: Tx,
  filter: {
    merchantId: Uuid;
    state: FilingState | undefined;
    kind: FilingKind | undefined;
    caseId: string | undefined;
    startingAfter: string | undefined;
    limit: number;
  },
): Promise<Filing[]> {
  const { merchantId, state, kind, caseId, startingAfter, limit } = filter;
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM filing
      WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR kind = $3)
        AND ($4::uuid IS NULL OR case_id = $4) AND ($5::uuid IS NULL OR id < $5)
      ORDER BY id DESC LIMIT $6`,
    [merchantId, state ?? null, kind ?? null, caseId ?? null, startingAfter ?? null, limit],
  );
  return rows.map(filingOf);
}

export type FilingLogRow = {
  sequence: number;
  at: Date;
  actor: string;
  action: string;
  detail: Record<string, unknown>;
};

export async function insertFilingEvent(
  tx: Tx,
  { merchantId, id }: OwnFiling,
  event: { atMs: number; actor: string; action: string; detail: Record<string, unknown> },
): Promise<void> {
  await tx.query(
    `INSERT INTO filing_event (merchant_id, filing_id, sequence, at, actor, action, detail)
     SELECT $1, $2, coalesce(max(sequence), 0) + 1, $3, $4, $5, $6
       FROM filing_event WHERE merchant_id = $1 AND filing_id = $2`,
    [
      ...[merchantId, id, new Date(event.atMs), event.actor, event.action],
      JSON.stringify(event.detail),
    ],
  );
}

/** A filing is written a few dozen times at most. */
const MAX_LOG = 1_000;

export async function readFilingEvents(
  tx: Tx,
  { merchantId, id }: OwnFiling,
): Promise<FilingLogRow[]> {
  return await tx.query<FilingLogRow>(
    `SELECT sequence, at, actor, action, detail FROM filing_event
      WHERE merchant_id = $1 AND filing_id = $2 ORDER BY sequence LIMIT $3`,
    [merchantId, id, MAX_LOG],
  );
}

export type StoredReporter = { reporter: FilingReporter; updatedAt: Date; updatedBy: string };

export async function readReporterRow(
  tx: Tx,
  merchantId: Uuid,
): Promise<StoredReporter | undefined> {
  const row = await tx.maybe<{ reporter: unknown; updated_at: Date; updated_by: string }>(
    'SELECT reporter, updated_at, updated_by FROM filing_reporter WHERE merchant_id = $1',
    [merchantId],
  );
  if (row === undefined) return undefined;
  const reporter = filingReporterSchema.parse(row.reporter);
  return { reporter, updatedAt: row.updated_at, updatedBy: row.updated_by };
}

export async function writeReporter(
  tx: Tx,
  given: { merchantId: Uuid; reporter: FilingReporter; nowMs: number; by: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO filing_reporter (merchant_id, reporter, updated_at, updated_by)
     VALUES ($1, $2, $3, $4) ON CONFLICT (merchant_id)
     DO UPDATE SET reporter = $2, updated_at = $3, updated_by = $4`,
    [given.merchantId, JSON.stringify(given.reporter), new Date(given.nowMs), given.by],
  );
}

function filingOf(row: Row): Filing {
  const { document, document_sha256: hash, summary, validation } = row;
  assert((document === null) === (hash === null || summary === null), 'a document has its hash');
  return {
    ...{ merchantId: row.merchant_id, id: row.id, kind: row.kind, caseId: row.case_id },
    ...{ correctsId: row.corrects_id, state: row.state, facts: row.facts },
    dueAtMs: msOf(row.due_at),
    document:
      document === null || hash === null || summary === null || validation === null
        ? null
        : {
            ...{ xml: document, sha256: toHex(hash), summary, validation },
            validationDetail: row.validation_detail ?? '',
          },
    ...{ authors: row.authors, approvedBy: row.approved_by, approvedAtMs: msOf(row.approved_at) },
    ...{ submittedBy: row.submitted_by, submittedAtMs: msOf(row.submitted_at) },
    ...{ submissionReference: row.submission_reference, authorityId: row.authority_id },
    ...{ answeredAtMs: msOf(row.answered_at), errors: row.errors, createdBy: row.created_by },
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
    version: row.version,
  };
}

function msOf(date: Date | null): number | null {
  return date?.getTime() ?? null;
}

/** Whether a report of a case about the customer is being written, and when the last one ended. */
export async function readFilingDuty(
  tx: Tx,
  { merchantId, customerId }: { merchantId: Uuid; customerId: Uuid },
): Promise<{ open: boolean; lastEndedAtMs: number | null }> {
  const { open, last } = await tx.one<{ open: boolean; last: Date | null }>(
    `SELECT coalesce(bool_or(state IN ('draft', 'prepared', 'approved')), false) AS open,
            max(greatest(submitted_at, answered_at)) AS last
       FROM filing
      WHERE merchant_id = $1 AND case_id IN (SELECT compliance_cases_of_customer($1, $2))`,
    [merchantId, customerId],
  );
  return { open, lastEndedAtMs: last?.getTime() ?? null };
}
