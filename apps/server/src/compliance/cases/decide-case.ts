import type { CaseOutcome } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import type { Case } from './case.ts';
import { lockCase, lockSubject, type OwnCase, readCaseRow } from './case-store.ts';
import { noSuchCase, ownProposal } from './errors.ts';
import type { CaseListener, CaseTelling } from './ports.ts';
import { applyToCase, refuseOtherOpenCase } from './work-on-case.ts';

export type DecideDeps = {
  /** Tenancy's: which of these actors are the same person as `by`. */
  samePersonAs(tx: Tx, by: string, others: Iterable<string>): Promise<ReadonlySet<string>>;
  caseListener: CaseListener;
};

/**
 * Proposes how to decide a case; after a report is made, what becomes of the money.
 * @throws {AppError} not_found; conflict, also when a newer case of the subject is open
 */
export async function proposeDecision(
  tx: Tx,
  telling: CaseTelling,
  given: { own: OwnCase; outcome: CaseOutcome; reason: string; by: string },
): Promise<Case> {
  const { own, outcome, reason, by } = given;
  const proposalId = telling.ids.next();
  const event = { kind: 'decision_proposed', proposalId, outcome, reason } as const;
  const before = await lockWithSubject(tx, own);
  if (before.state === 'closed') await refuseOtherOpenCase(tx, before);
  return await applyToCase(tx, telling, { before, event, by });
}

/**
 * Closes a case as it was proposed, and does what the outcome says in the same transaction.
 * @throws {AppError} not_found; conflict when the proposal is no more, or the outcome is not possible
 *   now; forbidden to the person who proposed it, with whichever key
 */
export async function approveDecision(
  tx: Tx,
  deps: DecideDeps,
  given: { own: OwnCase; proposalId: Uuid; outcome: CaseOutcome; by: string; telling: CaseTelling },
): Promise<Case> {
  const { own, proposalId, outcome, by, telling } = given;
  const { merchantId, id: caseId } = own;
  const found = await readCaseRow(tx, own);
  if (found === undefined) throw noSuchCase();
  // Whom a case is about never changes, so that it can be read before the case is locked.
  const decision = { merchantId, caseId, subject: found.subject, outcome };
  await deps.caseListener.lock(tx, decision);
  const before = await lockWithSubject(tx, own);
  const event = { kind: 'decided', proposalId, outcome } as const;
  const after = await applyToCase(tx, telling, { before, event, by });
  if (await isProposer(tx, deps, { before, by })) throw ownProposal();
  await deps.caseListener.caseDecided(tx, telling, decision);
  return after;
}

/**
 * Takes a proposal away: who proposed it takes it back, an officer rejects it.
 * @throws {AppError} not_found, conflict, forbidden
 */
export async function rejectDecision(
  tx: Tx,
  deps: Pick<DecideDeps, 'samePersonAs'>,
  given: {
    own: OwnCase;
    proposalId: Uuid;
    reason: string;
    by: string;
    isOfficer: boolean;
    telling: CaseTelling;
  },
): Promise<Case> {
  const { own, proposalId, reason, by, telling } = given;
  const before = await lockCase(tx, own);
  if (before === undefined) throw noSuchCase();
  const event = { kind: 'proposal_rejected', proposalId, reason } as const;
  const after = await applyToCase(tx, telling, { before, event, by });
  if (!given.isOfficer && !(await isProposer(tx, deps, { before, by }))) {
    throw new AppError('forbidden', 'This API key lacks the scope compliance:decide.');
  }
  return after;
}

async function isProposer(
  tx: Tx,
  deps: Pick<DecideDeps, 'samePersonAs'>,
  { before, by }: { before: Case; by: string },
): Promise<boolean> {
  if (before.proposal === null) return false;
  const same = await deps.samePersonAs(tx, by, [before.proposal.by]);
  return same.has(before.proposal.by);
}

/** In the order in which an alert locks them: the subject, then its case. */
async function lockWithSubject(tx: Tx, own: OwnCase): Promise<Case> {
  const found = await readCaseRow(tx, own);
  if (found === undefined) throw noSuchCase();
  await lockSubject(tx, own.merchantId, found.subject);
  const locked = await lockCase(tx, own);
  if (locked === undefined) throw noSuchCase();
  return locked;
}
