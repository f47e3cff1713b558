import { createHash } from 'node:crypto';
import type { CaseFaultKind, CasesVerification, CaseVerification } from '@quittance/contract';
import { toHex, type Uuid } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { canonicalJson } from '../../platform/http/index.ts';
import { type Case, type CaseEvent, type CaseFacts, changeCase } from './case.ts';
import { type LogHead, type OwnCase, readCaseIds, readCaseWithHead } from './case-store.ts';
import { noSuchCase } from './errors.ts';
import { findFault, isSame, LOG_START, type LogEntry, type LogPlace } from './log.ts';
import { readLogRows } from './log-store.ts';

/** Entries that are in memory at once; one may hold evidence of a megabyte. */
const ENTRIES_AT_ONCE = 50;
const CASES_AT_ONCE = 500;
/** More say no more than that everything is wrong. */
const MAX_FAULTS = 100;

type Checked = {
  place: LogPlace;
  /** What the log adds up to; undefined once content that was erased is missing for that. */
  facts: CaseFacts | null | undefined;
  entries: number;
  erased: number;
  fault: { kind: CaseFaultKind; sequence: bigint } | undefined;
};

/**
 * Computes a case's log again: every entry is the one that was written, none is missing, and what they
 * add up to is what the case says. Changes nothing.
 * @throws {AppError} not_found
 */
export async function verifyCase(tx: Tx, own: OwnCase): Promise<CaseVerification> {
  const read = await readCaseWithHead(tx, own);
  if (read === undefined) throw noSuchCase();
  const { found, head } = read;
  let checked: Checked = {
    ...{ place: LOG_START, facts: null, entries: 0, erased: 0, fault: undefined },
  };
  let startingAfter: Uuid | undefined;
  // What is written after the head was read is none of this check.
  while (checked.fault === undefined && checked.place.sequence < head.sequence) {
    const rows = await readLogRows(tx, own, { startingAfter, limit: ENTRIES_AT_ONCE });
    const page = rows.filter(({ sequence }) => sequence <= head.sequence);
    if (page.length === 0) break;
    for (const entry of page) checked = checkEntry(checked, entry);
    startingAfter = page.at(-1)?.id;
  }
  const fault = checked.fault ?? findEndFault(checked, { found, head });
  return {
    caseId: own.id,
    ok: fault === undefined,
    entries: checked.entries,
    erased: checked.erased,
    headHash: toHex(head.hash),
    fault: fault === undefined ? null : { ...fault, sequence: Number(fault.sequence) },
  };
}

function checkEntry(before: Checked, entry: LogEntry): Checked {
  if (before.fault !== undefined) return before;
  const fault = findFault(before.place, entry);
  if (fault !== undefined) return { ...before, fault };
  const { sequence, hash, content } = entry;
  const at = { ...before, place: { sequence, hash }, entries: before.entries + 1 };
  if (content === null) return { ...at, facts: undefined, erased: before.erased + 1 };
  if (before.facts === undefined) return at;
  // Its hash says that this program wrote it, from an event.
  const event = { kind: entry.kind, ...JSON.parse(content) } as CaseEvent;
  const change = changeCase(before.facts, event, { by: entry.actor, atMs: entry.atMs });
  if (!change.ok) return { ...at, fault: { kind: 'wrong_state', sequence } };
  return { ...at, facts: change.next };
}

function findEndFault(
  { place, facts }: Checked,
  { found, head }: { found: Case; head: LogHead },
): Checked['fault'] {
  const { sequence } = head;
  if (place.sequence < sequence) return { kind: 'missing', sequence: place.sequence + 1n };
  if (!isSame(place.hash, head.hash)) return { kind: 'wrong_head', sequence };
  if (facts === undefined) return undefined;
  const { merchantId: _, id: __, ...said } = found;
  if (canonicalJson(facts) !== canonicalJson(said)) return { kind: 'wrong_state', sequence };
  return undefined;
}

/** Verifies all cases of a store, each in a transaction of its own. */
export async function verifyCases(
  database: Pick<Database, 'asTenant'>,
  merchantId: Uuid,
): Promise<CasesVerification> {
  const digest = createHash('sha256').update('quittance-cases-1\n');
  const total: CasesVerification = { ok: true, cases: 0, entries: 0, digest: '', faults: [] };
  let afterId: Uuid | null = null;
  for (;;) {
    const page: { merchantId: Uuid; afterId: Uuid | null; limit: number } = {
      ...{ merchantId, afterId, limit: CASES_AT_ONCE },
    };
    const ids = await database.asTenant(merchantId, (tx) => readCaseIds(tx, page));
    for (const id of ids) {
      const one = await database.asTenant(merchantId, (tx) => verifyCase(tx, { merchantId, id }));
      total.cases++;
      total.entries += one.entries;
      total.ok &&= one.ok;
      if (!one.ok && total.faults.length < MAX_FAULTS) total.faults.push(one);
      digest.update(`${id} ${one.headHash}\n`);
    }
    if (ids.length < CASES_AT_ONCE) return { ...total, digest: digest.digest('hex') };
    afterId = ids.at(-1) ?? null;
  }
}
