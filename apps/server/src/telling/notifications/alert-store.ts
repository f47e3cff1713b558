import type { AlertKind, AlertSeverity } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { JsonObject } from '../events/index.ts';
import type { Alert, AlertState } from './alert.ts';

/** Tells what has happened to alerts when it is committed, and wakes the mailer. */
export const ALERTS_CHANNEL = 'quittance_alerts';
/** The first half of the key of our advisory locks, so that they meet no others. */
const LOCK_CLASS = 0x616c7274;

const COLUMNS = `merchant_id, id, kind, subject, severity, title, detail, next_step, data, opened_at,
  last_seen_at, count, told_at, told_severity, emailed_at, emailed_severity, acknowledged_at,
  acknowledged_by, resolved_at`;

type Row = {
  merchant_id: Uuid;
  id: Uuid;
  kind: string;
  subject: string;
  severity: AlertSeverity;
  title: string;
  detail: string;
  next_step: string;
  data: JsonObject;
  opened_at: Date;
  last_seen_at: Date;
  count: number;
  told_at: Date;
  told_severity: AlertSeverity;
  emailed_at: Date | null;
  emailed_severity: AlertSeverity | null;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
  resolved_at: Date | null;
};

function alertOf(row: Row): Alert {
  return {
    bookId: row.merchant_id,
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    severity: row.severity,
    title: row.title,
    detail: row.detail,
    nextStep: row.next_step,
    data: row.data,
    openedAtMs: row.opened_at.getTime(),
    lastSeenAtMs: row.last_seen_at.getTime(),
    count: row.count,
    told: { atMs: row.told_at.getTime(), severity: row.told_severity },
    emailed:
      row.emailed_at === null || row.emailed_severity === null
        ? null
        : { atMs: row.emailed_at.getTime(), severity: row.emailed_severity },
    acknowledged:
      row.acknowledged_at === null
        ? null
        : { atMs: row.acknowledged_at.getTime(), by: row.acknowledged_by ?? '' },
    resolvedAtMs: row.resolved_at?.getTime() ?? null,
  };
}

export type AlertKey = { bookId: Uuid; kind: AlertKind; subject: string };

/**
 * Waits until no other transaction works on this alert, and keeps others waiting until ours ends.
 * A lock of its own, since there may be no row yet that could be locked.
 */
export async function lockAlertKey(tx: Tx, key: AlertKey): Promise<void> {
  const name = `${key.bookId} ${key.kind} ${key.subject}`;
  await tx.query('SELECT pg_advisory_xact_lock($1::int, hashtext($2))', [LOCK_CLASS, name]);
}

/**
 * The open alert of this key, else the one that was resolved last. The row is locked too, against
 * an acknowledgement at the same time.
 */
export async function findLatestAlert(tx: Tx, key: AlertKey): Promise<Alert | undefined> {
  const row = await tx.maybe<Row>(
    `SELECT ${COLUMNS} FROM alert WHERE merchant_id = $1 AND kind = $2 AND subject = $3
     ORDER BY resolved_at DESC NULLS FIRST LIMIT 1 FOR UPDATE`,
    [key.bookId, key.kind, key.subject],
  );
  return row === undefined ? undefined : alertOf(row);
}

/** @param lock keeps others from changing it until the transaction ends */
export async function findAlert(
  tx: Tx,
  { bookId, id, lock = false }: { bookId: Uuid; id: Uuid; lock?: boolean },
): Promise<Alert | undefined> {
  const text = `SELECT ${COLUMNS} FROM alert WHERE merchant_id = $1 AND id = $2`;
  const row = await tx.maybe<Row>(lock ? `${text} FOR UPDATE` : text, [bookId, id]);
  return row === undefined ? undefined : alertOf(row);
}

/** The newest first; ids are ordered by time. */
export async function selectAlerts(
  tx: Tx,
  page: {
    bookId: Uuid;
    startingAfter: Uuid | undefined;
    limit: number;
    kind: AlertKind | undefined;
    state: 'open' | 'resolved' | undefined;
  },
): Promise<Alert[]> {
  const rows = await tx.query<Row>(
    `SELECT ${COLUMNS} FROM alert
     WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($4::text IS NULL OR kind = $4)
       AND ($5::text IS NULL OR (resolved_at IS NULL) = ($5 = 'open'))
     ORDER BY id DESC LIMIT $3`,
    [page.bookId, page.startingAfter ?? null, page.limit, page.kind ?? null, page.state ?? null],
  );
  return rows.map(alertOf);
}

/** What the open alerts of a kind are about, of all merchants. */
export async function readOpenSubjects(
  tx: Tx,
  kind: AlertKind,
): Promise<{ merchantId: Uuid; subject: string }[]> {
  return await tx.query(
    `SELECT merchant_id AS "merchantId", subject FROM alert
      WHERE kind = $1 AND resolved_at IS NULL ORDER BY merchant_id, subject`,
    [kind],
  );
}

/** Writes a new alert, or what has changed of one. */
export async function writeAlert(tx: Tx, alert: Alert, isNew: boolean): Promise<void> {
  await tx.query(isNew ? INSERT : UPDATE, [
    alert.bookId,
    alert.id,
    alert.kind,
    alert.subject,
    alert.title,
    alert.detail,
    alert.nextStep,
    JSON.stringify(alert.data),
    ...stateValues(alert),
  ]);
}

const INSERT = `
INSERT INTO alert (merchant_id, id, kind, subject, title, detail, next_step, data, severity,
  opened_at, last_seen_at, count, told_at, told_severity, emailed_at, emailed_severity,
  acknowledged_at, acknowledged_by, resolved_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`;

const UPDATE = `
UPDATE alert SET title = $5, detail = $6, next_step = $7, data = $8, severity = $9,
  opened_at = $10, last_seen_at = $11, count = $12, told_at = $13, told_severity = $14,
  emailed_at = $15, emailed_severity = $16, acknowledged_at = $17, acknowledged_by = $18,
  resolved_at = $19
WHERE merchant_id = $1 AND id = $2 AND kind = $3 AND subject = $4`;

function stateValues(state: AlertState): unknown[] {
  const { told, emailed, acknowledged, resolvedAtMs } = state;
  const time = (ms: number | null) => (ms === null ? null : new Date(ms));
  return [
    state.severity,
    new Date(state.openedAtMs),
    new Date(state.lastSeenAtMs),
    state.count,
    new Date(told.atMs),
    told.severity,
    time(emailed?.atMs ?? null),
    emailed?.severity ?? null,
    time(acknowledged?.atMs ?? null),
    acknowledged?.by ?? null,
    time(resolvedAtMs),
  ];
}

/** NOTIFY goes out at commit: what is rolled back was never told. */
export async function ringAlerts(tx: Tx, change: { kind: string; cause: string }): Promise<void> {
  await tx.query(`SELECT pg_notify('${ALERTS_CHANNEL}', $1)`, [JSON.stringify(change)]);
}

/** How many alerts are open, of all merchants and of the instance. In asSystem. */
export async function countOpen(tx: Tx): Promise<Record<AlertSeverity, number>> {
  const rows = await tx.query<{ severity: AlertSeverity; count: number }>(
    `SELECT severity, count(*)::int AS count FROM alert WHERE resolved_at IS NULL
     GROUP BY severity`,
  );
  const counts = { info: 0, warning: 0, critical: 0 };
  for (const { severity, count } of rows) counts[severity] = count;
  return counts;
}
