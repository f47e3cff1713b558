import type {
  CaseSubject,
  ComplianceAlertSource,
  ComplianceSeverity,
  JsonValue,
} from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { type ComplianceSettings, readComplianceSettings } from '../settings/index.ts';
import { findAlertByKey, insertAlert } from './alert-store.ts';
import { type Case, type CaseEvent, changeCase } from './case.ts';
import { findLastCaseId, insertCase, lockOpenCase, lockSubject, updateCase } from './case-store.ts';
import { reportDueAtMs } from './deadlines.ts';
import type { CaseTelling } from './ports.ts';
import { recordEvents } from './record-event.ts';

/** Longer ones are cut: the facts say the rest. */
const MAX_SUMMARY = 500;
/** How the log names rules and other work of the server itself. */
export const SYSTEM_ACTOR = 'system';

export type NewComplianceAlert = {
  merchantId: Uuid;
  source: ComplianceAlertSource;
  /** The rule's name, 1 to 100 characters, such as "structuring". */
  rule: string;
  /** Ids have 1 to 200 characters. */
  subject: CaseSubject;
  severity: ComplianceSeverity;
  /** One sentence for a person. */
  summary: string;
  /** What the rule saw, kept as evidence. Never a secret: auditors read it. */
  facts: JsonValue;
  /** The same sighting has the same key, 1 to 300 characters; a store has it once. */
  dedupeKey: string;
  /** Who raises it where a person does; else it is the server. */
  by?: string;
};

/**
 * Tells of something that a person must look at: joins the open case of the subject, or opens one.
 * The same key again changes nothing and answers with what it made the first time. Call it in
 * asTenant or asSystem, after all other locks are taken.
 */
export async function raiseComplianceAlert(
  tx: Tx,
  telling: CaseTelling,
  alert: NewComplianceAlert,
): Promise<{ alertId: Uuid; caseId: Uuid }> {
  const place = await lockAlertPlace(tx, alert);
  const { written, ...made } = writeComplianceAlert(tx, telling, { place, alert });
  await written;
  return made;
}

/** Where an alert about a subject belongs: what is known of the subject, locked. */
export type AlertPlace = {
  /** What the same key made before. */
  readonly known: { alertId: Uuid; caseId: Uuid } | undefined;
  readonly openCase: Case | undefined;
  readonly settings: ComplianceSettings;
  readonly previousCaseId: Uuid | null;
};

/**
 * The first half of `raiseComplianceAlert`, for who writes other things with it: others wait with
 * alerts about this subject until the transaction ends.
 * @param of.dedupeKey left out by who can not have raised the alert before
 */
export async function lockAlertPlace(
  tx: Tx,
  of: Pick<NewComplianceAlert, 'merchantId' | 'subject'> & { dedupeKey?: string },
): Promise<AlertPlace> {
  const { merchantId, subject, dedupeKey } = of;
  const [, known, openCase, settings, previousCaseId] = await together([
    lockSubject(tx, merchantId, subject),
    dedupeKey === undefined
      ? Promise.resolve(undefined)
      : findAlertByKey(tx, merchantId, dedupeKey),
    lockOpenCase(tx, merchantId, subject),
    readComplianceSettings(tx, merchantId),
    findLastCaseId(tx, merchantId, subject),
  ]);
  return { known, openCase, settings, previousCaseId };
}

/**
 * The second half, in the same transaction.
 * @returns written: to be waited for together with what else is written
 */
export function writeComplianceAlert(
  tx: Tx,
  { ids, nowMs }: CaseTelling,
  { place, alert }: { place: AlertPlace; alert: NewComplianceAlert },
): { alertId: Uuid; caseId: Uuid; written: Promise<unknown> } {
  const { merchantId, subject, dedupeKey } = alert;
  assert(dedupeKey.length > 0 && dedupeKey.length <= 300, 'a dedupe key has 1 to 300 characters');
  if (place.known !== undefined) return { ...place.known, written: Promise.resolve() };
  const summary = tidy(alert.summary);
  const by = alert.by ?? SYSTEM_ACTOR;
  const told = { ...alert, summary, by };
  const opened =
    place.openCase === undefined ? openNewCase({ ids, nowMs }, told, place) : undefined;
  const before = place.openCase ?? opened?.opened;
  assert(before !== undefined, 'a case is open or opened');
  const alertId = ids.next();
  const { source, rule, severity, facts } = alert;
  const stored = {
    ...{ merchantId, id: alertId, caseId: before.id, source, rule, subject, severity, summary },
    ...{ facts, dedupeKey, raisedAtMs: nowMs },
  };
  const event = { kind: 'alert_joined', alertId, source, rule, severity, summary, facts } as const;
  const change = changeCase(before, event, { by, atMs: nowMs });
  assert(change.ok, 'a case that is not closed takes an alert');
  const after = { ...before, ...change.next };
  const happened: CaseEvent[] = opened === undefined ? [event] : [opened.event, event];
  const events = happened.map((each) => ({ id: ids.next(), event: each }));
  const written = together([
    opened === undefined ? updateCase(tx, after) : insertCase(tx, after),
    insertAlert(tx, stored, canonicalJson(facts)),
    recordEvents(tx, before, { events, by, atMs: nowMs }),
  ]);
  return { alertId, caseId: before.id, written };
}

/** The first alert is what was detected, and nobody is suspected yet. */
function openNewCase(
  { ids, nowMs }: CaseTelling,
  told: NewComplianceAlert & { by: string },
  of: Pick<AlertPlace, 'settings' | 'previousCaseId'>,
): { opened: Case; event: CaseEvent } {
  const { merchantId, subject, severity, summary, by } = told;
  const clock = { detectedAtMs: nowMs, suspectKnownAtMs: null };
  const event: CaseEvent = {
    ...{ kind: 'opened', subject, severity, summary, ...clock },
    reportDueAtMs: reportDueAtMs(clock, of.settings),
    previousCaseId: of.previousCaseId,
  };
  const change = changeCase(null, event, { by, atMs: nowMs });
  assert(change.ok, 'a case can be opened');
  return { opened: { ...change.next, merchantId, id: ids.next() }, event };
}

/** Names from outside may hold what PostgreSQL does not store and no screen shows. */
function tidy(text: string): string {
  const clean = text.replaceAll(/[\p{Cc}]+/gu, ' ').toWellFormed();
  return clean.slice(0, MAX_SUMMARY).toWellFormed().trim() || 'No summary.';
}
