import type { JsonValue } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { readComplianceSettings } from '../settings/index.ts';
import { type Case, type CaseEvent, changeCase } from './case.ts';
import {
  lockCase,
  lockOpenCase,
  lockSubject,
  type OwnCase,
  readCaseRow,
  updateCase,
} from './case-store.ts';
import { reportDueAtMs } from './deadlines.ts';
import { noSuchCase, refusalError } from './errors.ts';
import type { CaseTelling } from './ports.ts';
import { SYSTEM_ACTOR } from './raise-alert.ts';
import { recordEvent } from './record-event.ts';

/**
 * Does one thing to a case, with its entry in the log.
 * @throws {AppError} not_found, conflict
 */
export async function workOnCase(
  tx: Tx,
  telling: CaseTelling,
  given: { own: OwnCase; event: CaseEvent; by: string },
): Promise<Case> {
  const before = await lockCase(tx, given.own);
  if (before === undefined) throw noSuchCase();
  return await applyToCase(tx, telling, { before, event: given.event, by: given.by });
}

/** The same for who holds the case's lock. */
export async function applyToCase(
  tx: Tx,
  { ids, nowMs }: CaseTelling,
  given: { before: Case; event: CaseEvent; by: string },
): Promise<Case> {
  const { before, event, by } = given;
  const change = changeCase(before, event, { by, atMs: nowMs });
  if (!change.ok) throw refusalError(change.refusal);
  const after = { ...before, ...change.next };
  await updateCase(tx, after);
  await recordEvent(tx, before, { id: ids.next(), event, by, atMs: nowMs });
  return after;
}

/**
 * Says since when the clock for a report runs, and whether somebody is suspected.
 * @throws {AppError} not_found, conflict, invalid_request for times to come
 */
export async function setCaseClock(
  tx: Tx,
  telling: CaseTelling,
  given: {
    own: OwnCase;
    clock: { detectedAtMs: number; suspectKnownAtMs: number | null };
    reason: string;
    by: string;
  },
): Promise<Case> {
  const { own, clock, reason, by } = given;
  refuseFuture('/detectedAt', clock.detectedAtMs, telling.nowMs);
  refuseFuture('/suspectKnownAt', clock.suspectKnownAtMs ?? 0, telling.nowMs);
  const days = await readComplianceSettings(tx, own.merchantId);
  const dueAtMs = reportDueAtMs(clock, days);
  const event = { kind: 'clock_set', ...clock, reportDueAtMs: dueAtMs, reason } as const;
  return await workOnCase(tx, telling, { own, event, by });
}

function refuseFuture(pointer: string, atMs: number, nowMs: number): void {
  if (atMs <= nowMs) return;
  const fields = [{ pointer, detail: 'must not be in the future' }];
  throw new AppError('invalid_request', 'What is known now was not seen in the future.', {
    fields,
  });
}

/**
 * Opens a closed case again. What its decision did is not undone.
 * @throws {AppError} not_found; conflict when it is not closed, or when a newer case of the subject
 *   is open: that one is to be worked on
 */
export async function reopenCase(
  tx: Tx,
  telling: CaseTelling,
  given: { own: OwnCase; reason: string; by: string },
): Promise<Case> {
  const { own, reason, by } = given;
  const found = await readCaseRow(tx, own);
  if (found === undefined) throw noSuchCase();
  await lockSubject(tx, own.merchantId, found.subject);
  await refuseOtherOpenCase(tx, found);
  return await workOnCase(tx, telling, { own, event: { kind: 'reopened', reason }, by });
}

/**
 * One case of a subject is open at most. For who holds the subject's lock.
 * @throws {AppError} conflict
 */
export async function refuseOtherOpenCase(
  tx: Tx,
  { merchantId, id, subject }: Pick<Case, 'merchantId' | 'id' | 'subject'>,
): Promise<void> {
  const other = await lockOpenCase(tx, merchantId, subject);
  if (other === undefined || other.id === id) return;
  throw new AppError('conflict', `The case ${other.id} about the same subject is open.`);
}

/**
 * Puts a snapshot into a case's log, whatever its state. For other modules of compliance.
 * @param data is kept as it is now, as canonical JSON
 * @throws {AppError} not_found
 */
export async function addCaseEvidence(
  tx: Tx,
  telling: CaseTelling,
  given: { merchantId: Uuid; caseId: Uuid; title: string; data: JsonValue; by?: string },
): Promise<void> {
  const { merchantId, caseId: id, title, data, by = SYSTEM_ACTOR } = given;
  const event = { kind: 'evidence_added', title, data } as const;
  await workOnCase(tx, telling, { own: { merchantId, id }, event, by });
}

/**
 * Notes that the report of a case was submitted: its clock has stopped. For compliance/filings.
 * @param reference names the filing
 * @throws {AppError} not_found; conflict when a report was noted before
 */
export async function markCaseReported(
  tx: Tx,
  telling: CaseTelling,
  given: { merchantId: Uuid; caseId: Uuid; reference: string; by: string },
): Promise<void> {
  const { merchantId, caseId: id, reference, by } = given;
  await workOnCase(tx, telling, {
    own: { merchantId, id },
    event: { kind: 'reported', reference },
    by,
  });
}
