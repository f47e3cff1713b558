import type { CaseSubject } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What a subject's cases say about how long it has to be kept. */
export type CaseDuty = { open: boolean; lastClosedAtMs: number | null };

/** Whether a case of the subject is open, and when the last one was closed or reported. */
export async function readCaseDuty(
  tx: Tx,
  merchantId: Uuid,
  subject: CaseSubject,
): Promise<CaseDuty> {
  const { open, last } = await tx.one<{ open: boolean; last: Date | null }>(
    `SELECT coalesce(bool_or(state <> 'closed'), false) AS open,
            max(greatest(closed_at, reported_at)) AS last
       FROM compliance_case
      WHERE merchant_id = $1 AND subject_type = $2 AND subject_id = $3`,
    [merchantId, subject.type, subject.id],
  );
  return { open, lastClosedAtMs: last?.getTime() ?? null };
}
