import type { CaseOutcome, CaseSubject } from '@quittance/contract';
import type { Ids, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** Who tells it and when. */
export type CaseTelling = { readonly ids: Ids; readonly nowMs: number };

export type CaseDecision = {
  merchantId: Uuid;
  caseId: Uuid;
  subject: CaseSubject;
  outcome: CaseOutcome;
};

/** Does what a decision says, in the transaction that closes the case. */
export interface CaseListener {
  /**
   * Takes the locks that `caseDecided` needs. It is called before the subject and the case are locked,
   * so that a decision takes its locks in the order that everybody else takes them in.
   */
  lock(tx: Tx, decision: CaseDecision): Promise<void>;
  /**
   * @throws {AppError} when the outcome is not possible for the subject as it is now; then nothing
   *   is decided
   */
  caseDecided(tx: Tx, telling: CaseTelling, decision: CaseDecision): Promise<void>;
}
