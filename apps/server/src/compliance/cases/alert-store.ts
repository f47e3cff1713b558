import type {
  CaseSubject,
  CaseSubjectType,
  ComplianceAlertSource,
  ComplianceSeverity,
  JsonValue,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OwnCase } from './case-store.ts';

/** What a rule said, once. */
export type Alert = {
  readonly merchantId: Uuid;
  readonly id: Uuid;
  readonly caseId: Uuid;
  readonly source: ComplianceAlertSource;
  readonly rule: string;
  readonly subject: CaseSubject;
  readonly severity: ComplianceSeverity;
  readonly summary: string;
  readonly facts: JsonValue;
  readonly dedupeKey: string;
  readonly raisedAtMs: number;
};

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  case_id: Uuid;
  source: ComplianceAlertSource;
  rule: string;
  subject_type: CaseSubjectType;
  subject_id: string;
  severity: ComplianceSeverity;
  summary: string;
  facts: JsonValue;
  dedupe_key: string;
  raised_at: Date;
};

const COLUMNS = `merchant_id, id, case_id, source, rule, subject_type, subject_id, severity, summary,
  facts, dedupe_key, raised_at`;

/** @param factsText canonical JSON, stored as it is */
export async function insertAlert(tx: Tx, alert: Alert, factsText: string): Promise<void> {
  await tx.query(
    `INSERT INTO compliance_alert (${COLUMNS})
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      alert.merchantId,
      alert.id,
      alert.caseId,
      alert.source,
      alert.rule,
      alert.subject.type,
      alert.subject.id,
      alert.severity,
      alert.summary,
      factsText,
      alert.dedupeKey,
      new Date(alert.raisedAtMs),
    ],
  );
}

/** The alert that this was told as before, if it was. */
export async function findAlertByKey(
  tx: Tx,
  merchantId: Uuid,
  dedupeKey: string,
): Promise<{ alertId: Uuid; caseId: Uuid } | undefined> {
  return await tx.maybe(
    `SELECT id AS "alertId", case_id AS "caseId" FROM compliance_alert
      WHERE merchant_id = $1 AND dedupe_key = $2`,
    [merchantId, dedupeKey],
  );
}

export async function readAlertRow(
  tx: Tx,
  own: { merchantId: Uuid; id: Uuid },
): Promise<Alert | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM compliance_alert WHERE merchant_id = $1 AND id = $2`,
    [own.merchantId, own.id],
  );
  return row === undefined ? undefined : alertOf(row);
}

export type AlertFilter = {
  merchantId: Uuid;
  startingAfter: Uuid | undefined;
  limit: number;
  caseId?: Uuid | undefined;
  source?: ComplianceAlertSource | undefined;
  rule?: string | undefined;
  severity?: ComplianceSeverity | undefined;
};

/** A merchant's alerts, the newest first. */
export async function readAlertRows(tx: Tx, filter: AlertFilter): Promise<Alert[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM compliance_alert
      WHERE merchant_id = $1 AND ($3::uuid IS NULL OR id < $3)
        AND ($4::uuid IS NULL OR case_id = $4) AND ($5::text IS NULL OR source = $5)
        AND ($6::text IS NULL OR rule = $6) AND ($7::text IS NULL OR severity = $7)
      ORDER BY id DESC LIMIT $2`,
    [
      filter.merchantId,
      filter.limit,
      filter.startingAfter ?? null,
      filter.caseId ?? null,
      filter.source ?? null,
      filter.rule ?? null,
      filter.severity ?? null,
    ],
  );
  return rows.map(alertOf);
}

/** All alerts of a case, the oldest first. */
export async function readAlertsOfCase(tx: Tx, own: OwnCase, limit: number): Promise<Alert[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM compliance_alert WHERE merchant_id = $1 AND case_id = $2
      ORDER BY id LIMIT $3`,
    [own.merchantId, own.id, limit],
  );
  return rows.map(alertOf);
}

function alertOf(row: Row): Alert {
  return {
    merchantId: row.merchant_id,
    id: row.id,
    caseId: row.case_id,
    source: row.source,
    rule: row.rule,
    subject: { type: row.subject_type, id: row.subject_id },
    severity: row.severity,
    summary: row.summary,
    facts: row.facts,
    dedupeKey: row.dedupe_key,
    raisedAtMs: row.raised_at.getTime(),
  };
}
