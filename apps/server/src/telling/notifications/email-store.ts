import type { AlertEventCause, AlertSeverity } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Locale } from './texts/index.ts';

export type EmailState = 'pending' | 'sent' | 'failed';

export type NewEmail = {
  bookId: Uuid;
  id: Uuid;
  alertId: Uuid;
  cause: AlertEventCause;
  recipient: string;
  subject: string;
  body: string;
  locale: Locale;
  severity: AlertSeverity;
  createdAtMs: number;
};

export async function insertEmails(tx: Tx, emails: readonly NewEmail[]): Promise<void> {
  await tx.query(
    `INSERT INTO alert_email (merchant_id, id, alert_id, cause, recipient, subject, body, locale,
       severity, state, next_attempt_at, created_at)
     SELECT merchant_id, id, alert_id, cause, recipient, subject, body, locale, severity, 'pending',
       created_at, created_at
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],
       $7::text[], $8::text[], $9::text[], $10::timestamptz[])
       AS new (merchant_id, id, alert_id, cause, recipient, subject, body, locale, severity,
         created_at)`,
    [
      emails.map(({ bookId }) => bookId),
      emails.map(({ id }) => id),
      emails.map(({ alertId }) => alertId),
      emails.map(({ cause }) => cause),
      emails.map(({ recipient }) => recipient),
      emails.map(({ subject }) => subject),
      emails.map(({ body }) => body),
      emails.map(({ locale }) => locale),
      emails.map(({ severity }) => severity),
      emails.map(({ createdAtMs }) => new Date(createdAtMs)),
    ],
  );
}

/** The largest number of e-mails that one recipient of a book was sent since a time. */
export async function countRecent(
  tx: Tx,
  { bookId, sinceMs }: { bookId: Uuid; sinceMs: number },
): Promise<number> {
  const { count } = await tx.one<{ count: number }>(
    `SELECT coalesce(max(count), 0)::int AS count FROM (
       SELECT count(*) FROM alert_email WHERE merchant_id = $1 AND created_at > $2
       GROUP BY recipient
     ) AS of_recipient`,
    [bookId, new Date(sinceMs)],
  );
  return count;
}

/** An e-mail that this process holds until its lease ends. */
export type ClaimedEmail = {
  bookId: Uuid;
  id: Uuid;
  alertId: Uuid;
  recipient: string;
  subject: string;
  body: string;
  locale: Locale;
  severity: AlertSeverity;
  createdAtMs: number;
  /** 1 for the first; also fences: a later claim has a higher number. */
  attempt: number;
  deferrals: number;
};

type ClaimRow = {
  merchant_id: Uuid;
  id: Uuid;
  alert_id: Uuid;
  recipient: string;
  subject: string;
  body: string;
  locale: Locale;
  severity: AlertSeverity;
  created_at: Date;
  attempts: number;
  deferrals: number;
};

/** Takes what is due, the longest waiting first. Two mailers skip each other's rows. */
export async function claimEmails(
  tx: Tx,
  request: { nowMs: number; leaseMs: number; limit: number },
): Promise<ClaimedEmail[]> {
  const rows = await tx.query<ClaimRow>(
    `WITH due AS (
       SELECT merchant_id, id FROM alert_email
       WHERE state = 'pending' AND next_attempt_at <= $1
       ORDER BY next_attempt_at LIMIT $3
       FOR UPDATE SKIP LOCKED
     )
     UPDATE alert_email AS email
     SET next_attempt_at = $2, attempts = email.attempts + 1
     FROM due
     WHERE email.merchant_id = due.merchant_id AND email.id = due.id
     RETURNING email.merchant_id, email.id, email.alert_id, email.recipient, email.subject,
       email.body, email.locale, email.severity, email.created_at, email.attempts, email.deferrals`,
    [new Date(request.nowMs), new Date(request.nowMs + request.leaseMs), request.limit],
  );
  return rows.map((row) => ({
    bookId: row.merchant_id,
    id: row.id,
    alertId: row.alert_id,
    recipient: row.recipient,
    subject: row.subject,
    body: row.body,
    locale: row.locale,
    severity: row.severity,
    createdAtMs: row.created_at.getTime(),
    attempt: row.attempts,
    deferrals: row.deferrals,
  }));
}

export type EmailOutcome = {
  email: ClaimedEmail;
  state: EmailState;
  nextAttemptAtMs: number;
  deferrals: number;
  error: string | null;
};

/**
 * Writes what came of attempts. Who took over after our lease ended has a higher attempt number,
 * and then only "sent" is still news.
 */
export async function recordEmailOutcomes(
  tx: Tx,
  outcomes: readonly EmailOutcome[],
  nowMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE alert_email AS email
     SET state = outcome.state, next_attempt_at = outcome.next_attempt_at,
       deferrals = outcome.deferrals, last_error = outcome.error,
       finished_at = CASE WHEN outcome.state = 'pending' THEN NULL ELSE $8::timestamptz END
     FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::int[],
       $7::text[])
       AS outcome (merchant_id, id, attempt, state, next_attempt_at, deferrals, error)
     WHERE email.merchant_id = outcome.merchant_id AND email.id = outcome.id
       AND email.state = 'pending'
       AND (email.attempts = outcome.attempt OR outcome.state = 'sent')`,
    [
      outcomes.map(({ email }) => email.bookId),
      outcomes.map(({ email }) => email.id),
      outcomes.map(({ email }) => email.attempt),
      outcomes.map(({ state }) => state),
      outcomes.map(({ nextAttemptAtMs }) => new Date(nextAttemptAtMs)),
      outcomes.map(({ deferrals }) => deferrals),
      outcomes.map(({ error }) => error),
      new Date(nowMs),
    ],
  );
}

/** When the oldest e-mail that is due became due; undefined: none is. */
export async function oldestDueMs(tx: Tx, nowMs: number): Promise<number | undefined> {
  const { at } = await tx.one<{ at: Date | null }>(
    `SELECT min(next_attempt_at) AS at FROM alert_email
     WHERE state = 'pending' AND next_attempt_at <= $1`,
    [new Date(nowMs)],
  );
  return at?.getTime();
}

export type EmailLogEntry = {
  recipient: string;
  cause: string;
  state: EmailState;
  attempts: number;
  nextAttemptAtMs: number | null;
  createdAtMs: number;
  finishedAtMs: number | null;
  lastError: string | null;
};

type LogRow = {
  recipient: string;
  cause: string;
  state: EmailState;
  attempts: number;
  next_attempt_at: Date;
  created_at: Date;
  finished_at: Date | null;
  last_error: string | null;
};

/** The e-mails about an alert, newest first. */
export async function selectEmailsOf(
  tx: Tx,
  of: { bookId: Uuid; alertId: Uuid; limit: number },
): Promise<EmailLogEntry[]> {
  const rows = await tx.query<LogRow>(
    `SELECT recipient, cause, state, attempts, next_attempt_at, created_at, finished_at, last_error
     FROM alert_email WHERE merchant_id = $1 AND alert_id = $2 ORDER BY id DESC LIMIT $3`,
    [of.bookId, of.alertId, of.limit],
  );
  return rows.map((row) => ({
    recipient: row.recipient,
    cause: row.cause,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAtMs: row.state === 'pending' ? row.next_attempt_at.getTime() : null,
    createdAtMs: row.created_at.getTime(),
    finishedAtMs: row.finished_at?.getTime() ?? null,
    lastError: row.last_error,
  }));
}
