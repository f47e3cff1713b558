import { createHash } from 'node:crypto';
import type { FilingError, FilingFacts, FilingKind } from '@quittance/contract';
import type { Clock, Ids, Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { addCaseEvidence, markCaseReported, readCaseFile } from '../cases/index.ts';
import type { KnownCustomer } from '../customers/index.ts';
import { readAcknowledgement } from './acknowledgement.ts';
import { buildFiling } from './build.ts';
import { filingDueAtMs } from './deadline.ts';
import { draftFacts } from './draft.ts';
import { incomplete, invalidDocument, noSuchFiling, refusalError } from './errors.ts';
import { changeFiling, type Filing, type FilingDocument, type FilingEvent } from './filing.ts';
import {
  insertFiling,
  insertFilingEvent,
  lockFiling,
  type OwnFiling,
  readFilingRow,
  readReporterRow,
  updateFiling,
} from './store.ts';
import { otherAddresses, subjectOfCustomer } from './subject-of-customer.ts';
import { findCustomerOf, readTransfers } from './subject-store.ts';
import type { FilingValidator } from './validate.ts';

export type FilingDeps = {
  database: Database;
  clock: Clock;
  ids: Ids;
  network: string;
  validator: FilingValidator;
  /** Tenancy's: which of these actors are the same person as `by`. */
  samePersonAs(tx: Tx, by: string, others: Iterable<string>): Promise<ReadonlySet<string>>;
  /** Who a customer is (compliance/customers); null: nobody knows, or it has been erased. */
  readCustomer(tx: Tx, own: { merchantId: Uuid; id: Uuid }): Promise<KnownCustomer | null>;
};

/** A draft tells of so much before the detection; a person takes off what does not belong to it. */
const ACTIVITY_DAYS = 365;
const DAY_MS = 86_400_000;

export type Doing = { own: OwnFiling; by: string; nowMs: number };

/**
 * Makes a draft: of given facts, or of a case's evidence.
 * @throws {AppError} not_found, invalid_request
 */
export async function createFiling(
  tx: Tx,
  deps: FilingDeps,
  given: {
    merchantId: Uuid;
    kind: FilingKind;
    caseId: Uuid | null;
    facts: FilingFacts | undefined;
    by: string;
    nowMs: number;
  },
): Promise<Filing> {
  const { merchantId, kind, caseId, by, nowMs } = given;
  if (given.facts !== undefined && given.facts.kind !== kind) throw refusalError('other_kind');
  const file = caseId === null ? null : await readCaseFile(tx, { merchantId, caseId });
  const facts = given.facts ?? (await factsOfCase(tx, deps, { ...given, file }));
  const filing = newFiling({
    ...{ merchantId, id: deps.ids.next(), kind, caseId, correctsId: null, facts, by, nowMs },
    caseDueAtMs: file?.found.reportDueAtMs ?? null,
  });
  await insertFiling(tx, filing);
  const event = { atMs: nowMs, actor: by, action: 'created', detail: { kind, caseId } };
  await insertFilingEvent(tx, filing, event);
  return filing;
}

async function factsOfCase(
  tx: Tx,
  deps: FilingDeps,
  given: {
    merchantId: Uuid;
    kind: FilingKind;
    nowMs: number;
    file: Awaited<ReturnType<typeof readCaseFile>> | null;
  },
): Promise<FilingFacts> {
  const { merchantId, kind, file, nowMs } = given;
  if (file === null) {
    throw new AppError('invalid_request', 'A filing needs facts, or a case to make them of.', {
      fields: [{ pointer: '/facts', detail: 'or caseId' }],
    });
  }
  const { found, alerts } = file;
  const { subject } = found;
  const sinceMs = found.detectedAtMs - ACTIVITY_DAYS * DAY_MS;
  const transfers = await readTransfers(tx, { merchantId, subject, sinceMs });
  const id = await findCustomerOf(tx, { merchantId, subject });
  const known = id === null ? null : await deps.readCustomer(tx, { merchantId, id });
  const person = known === null ? null : subjectOfCustomer(known);
  const alsoKnown = known === null ? [] : otherAddresses(known);
  const reporter = (await readReporterRow(tx, merchantId))?.reporter ?? null;
  const source = {
    ...{ caseId: found.id, summary: found.summary, subject, detectedAtMs: found.detectedAtMs },
    ...{ alerts, transfers, person, alsoKnown, network: deps.network },
  };
  return draftFacts(kind, source, { reporter, nowMs });
}

type NewFiling = Pick<Filing, 'merchantId' | 'id' | 'kind' | 'caseId' | 'correctsId' | 'facts'> & {
  by: string;
  nowMs: number;
  caseDueAtMs: number | null;
};

function newFiling({ by, nowMs, caseDueAtMs, ...same }: NewFiling): Filing {
  return {
    ...same,
    state: 'draft',
    dueAtMs: filingDueAtMs(same.facts, caseDueAtMs),
    document: null,
    authors: [by],
    ...{ approvedBy: null, approvedAtMs: null, submittedBy: null, submittedAtMs: null },
    ...{ submissionReference: null, authorityId: null, answeredAtMs: null, errors: [] },
    createdBy: by,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    version: 1,
  };
}

/** @throws {AppError} not_found, conflict */
export async function editFiling(
  tx: Tx,
  { own, by, nowMs }: Doing,
  given: { facts: FilingFacts; version: number },
): Promise<Filing> {
  const before = await locked(tx, own);
  if (before.version !== given.version) {
    throw new AppError('conflict', 'Somebody has changed it meanwhile. Read it again.');
  }
  const dueAtMs =
    before.kind === 'ctr' ? filingDueAtMs(given.facts, before.dueAtMs) : before.dueAtMs;
  const event = { kind: 'edited', facts: given.facts, dueAtMs } as const;
  return await apply(tx, { before, event, by, nowMs });
}

/**
 * Builds the document and has it checked. Reads only: the check takes its time and holds no lock.
 * @throws {AppError} not_found, filing_incomplete, filing_invalid
 */
export async function makeDocument(
  deps: Pick<FilingDeps, 'database' | 'validator'>,
  own: OwnFiling,
): Promise<{ document: FilingDocument; version: number }> {
  const { filing, reporter } = await deps.database.asTenant(own.merchantId, async (tx) => ({
    filing: await readFilingRow(tx, own),
    reporter: (await readReporterRow(tx, own.merchantId))?.reporter,
  }));
  if (filing === undefined) throw noSuchFiling();
  if (reporter === undefined) {
    throw incomplete([{ pointer: '/reporter', detail: 'say who files: /filing-reporter' }]);
  }
  const built = buildFiling(filing.facts, reporter);
  if (!built.ok) throw incomplete(built.findings);
  const [checked] = await deps.validator.validate(filing.kind, [built.xml]);
  if (checked?.state === 'invalid') throw invalidDocument(checked.errors);
  const isValid = checked?.state === 'valid';
  return {
    version: filing.version,
    document: {
      xml: built.xml,
      sha256: createHash('sha256').update(built.xml).digest('hex'),
      summary: built.summary,
      validation: isValid ? 'valid' : 'unvalidated',
      validationDetail: isValid
        ? `XSD ${checked.schemaSha256}`
        : (checked?.reason ?? 'nobody has checked it'),
    },
  };
}

/** @throws {AppError} not_found, conflict when it changed since the document was made */
export async function storeDocument(
  tx: Tx,
  { own, by, nowMs }: Doing,
  { document, version }: { document: FilingDocument; version: number },
): Promise<Filing> {
  const before = await locked(tx, own);
  if (before.version !== version) {
    throw new AppError('conflict', 'Somebody has changed it meanwhile. Prepare it again.');
  }
  return await apply(tx, { before, event: { kind: 'prepared', document }, by, nowMs });
}

/** @throws {AppError} not_found, conflict; forbidden to whoever wrote any of it, with whichever key */
export async function approveFiling(
  tx: Tx,
  deps: Pick<FilingDeps, 'samePersonAs'>,
  { own, by, nowMs }: Doing,
  given: { documentSha256: string; acceptUnvalidated: boolean },
): Promise<Filing> {
  const before = await locked(tx, own);
  const same = await deps.samePersonAs(tx, by, before.authors);
  const byAuthor = before.authors.some((author) => same.has(author));
  return await apply(tx, { before, event: { kind: 'approved', ...given, byAuthor }, by, nowMs });
}

/** @throws {AppError} not_found, conflict */
export async function returnFiling(
  tx: Tx,
  { own, by, nowMs }: Doing,
  given: { kind: 'returned' | 'withdrawn'; reason: string },
): Promise<Filing> {
  return await apply(tx, { before: await locked(tx, own), event: given, by, nowMs });
}

/**
 * Notes that a person has sent it: from here on it never changes. Its case's clock stops, and its
 * case's log seals the document's hash.
 * @throws {AppError} not_found, conflict
 */
export async function submitFiling(
  tx: Tx,
  deps: Pick<FilingDeps, 'ids'>,
  { own, by, nowMs }: Doing,
  reference: string | null,
): Promise<Filing> {
  const before = await locked(tx, own);
  const after = await apply(tx, { before, event: { kind: 'submitted', reference }, by, nowMs });
  const { caseId, merchantId, document, id, kind } = after;
  if (caseId === null || document === null) return after;
  const telling = { ids: deps.ids, nowMs };
  const name = `${kind} ${id}, SHA-256 ${document.sha256}`;
  const { found } = await readCaseFile(tx, { merchantId, caseId });
  if (found.reportedAtMs === null) {
    await markCaseReported(tx, telling, { merchantId, caseId, reference: name, by });
  } else {
    const data = { filingId: id, documentSha256: document.sha256 };
    const title = `Another report was submitted: ${name}`;
    await addCaseEvidence(tx, telling, { merchantId, caseId, title, data, by });
  }
  return after;
}

export type GivenAnswer =
  | { xml: string }
  | {
      status: 'accepted' | 'rejected';
      authorityId?: string | undefined;
      errors?: FilingError[] | undefined;
    };

/** Takes in what the authority has answered. @throws {AppError} not_found, conflict, invalid_request */
export async function answerFiling(
  tx: Tx,
  { own, by, nowMs }: Doing,
  given: GivenAnswer,
): Promise<Filing> {
  const before = await locked(tx, own);
  const answer = 'xml' in given ? fromXml(before, given.xml) : fromStatus(given);
  return await apply(tx, { before, event: { kind: 'answered', ...answer }, by, nowMs });
}

function fromXml({ kind }: Filing, xml: string) {
  if (kind === 'goaml') {
    throw new AppError('invalid_request', 'goAML answers with a status, not with this file.', {
      fields: [{ pointer: '/xml', detail: 'send status instead' }],
    });
  }
  const read = readAcknowledgement(xml);
  const [answer, more] = read.ok ? read.answers : [];
  if (!read.ok || answer === undefined || more !== undefined) {
    const detail = read.ok ? 'it answers several reports, this was one' : read.reason;
    throw new AppError('invalid_request', 'This is not the acknowledgement of this filing.', {
      fields: [{ pointer: '/xml', detail }],
    });
  }
  return answer;
}

function fromStatus(given: Exclude<GivenAnswer, { xml: string }>) {
  const { status, authorityId = null, errors = [] } = given;
  return { accepted: status === 'accepted', authorityId, errors };
}

/**
 * A new draft in the place of one that was answered: a correction of what the authority has taken,
 * or the same again when it was refused.
 * @throws {AppError} not_found, conflict
 */
export async function correctFiling(
  tx: Tx,
  deps: Pick<FilingDeps, 'ids'>,
  { own, by, nowMs }: Doing,
): Promise<Filing> {
  const before = await locked(tx, own);
  if (before.state !== 'acknowledged' && before.state !== 'rejected') {
    throw new AppError('conflict', 'Only what the authority has answered is filed anew.');
  }
  const facts = before.state === 'rejected' ? before.facts : correctionOf(before);
  const filing = newFiling({
    ...{ merchantId: before.merchantId, id: deps.ids.next(), kind: before.kind, facts, by, nowMs },
    ...{ caseId: before.caseId, correctsId: before.id, caseDueAtMs: before.dueAtMs },
  });
  await insertFiling(tx, filing);
  const detail = { correctsId: before.id };
  await insertFilingEvent(tx, filing, { atMs: nowMs, actor: by, action: 'created', detail });
  return filing;
}

function correctionOf({ facts, authorityId }: Filing): FilingFacts {
  if (facts.kind === 'goaml') {
    return authorityId === null ? facts : { ...facts, fiuReference: authorityId };
  }
  return { ...facts, report: 'correction', priorReportId: authorityId ?? '0'.repeat(14) };
}

async function locked(tx: Tx, own: OwnFiling): Promise<Filing> {
  const found = await lockFiling(tx, own);
  if (found === undefined) throw noSuchFiling();
  return found;
}

async function apply(
  tx: Tx,
  { before, event, by, nowMs }: { before: Filing; event: FilingEvent; by: string; nowMs: number },
): Promise<Filing> {
  const change = changeFiling(before, event, { by, atMs: nowMs });
  if (!change.ok) throw refusalError(change.refusal);
  await updateFiling(tx, change.next);
  const told = { atMs: nowMs, actor: by, action: event.kind, detail: detailOf(event) };
  await insertFilingEvent(tx, change.next, told);
  return change.next;
}

/** What the log keeps of an event: of documents their hash, of facts that they changed. */
function detailOf(event: FilingEvent): Record<string, unknown> {
  switch (event.kind) {
    case 'edited': {
      const hash = createHash('sha256').update(JSON.stringify(event.facts)).digest('hex');
      return { factsSha256: hash };
    }
    case 'prepared': {
      const { sha256, validation, validationDetail } = event.document;
      return { sha256, validation, validationDetail };
    }
    case 'approved':
      return { documentSha256: event.documentSha256, acceptUnvalidated: event.acceptUnvalidated };
    case 'returned':
    case 'withdrawn':
      return { reason: event.reason };
    case 'submitted':
      return { reference: event.reference };
    case 'answered':
      return {
        accepted: event.accepted,
        authorityId: event.authorityId,
        errors: event.errors.length,
      };
  }
}
