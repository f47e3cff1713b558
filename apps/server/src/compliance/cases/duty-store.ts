import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

/** What cases and reports about a customer say about how long it has to be kept. */
export type CaseDuty = { open: boolean; lastClosedAtMs: number | null };

/**
 * Whether a case about the customer, its orders, payments or refunds is open, and when the last one
 * was closed or reported.
 */
export async function readCaseDuty(
  tx: Tx,
  { merchantId, customerId }: { merchantId: Uuid; customerId: Uuid },
): Promise<CaseDuty> {
  const { open, last } = await tx.one<{ open: boolean; last: Date | null }>(
    `SELECT coalesce(bool_or(state <> 'closed'), false) AS open,
            max(greatest(closed_at, reported_at)) AS last
       FROM compliance_case
      WHERE merchant_id = $1 AND id IN (SELECT compliance_cases_of_customer($1, $2))`,
    [merchantId, customerId],
  );
  return { open, lastClosedAtMs: last?.getTime() ?? null };
}

/**
 * Takes the texts out of all cases and reports about a customer that has been erased, by the function
 * of the database that only the worker's role may call (migration 0030). Hashes stay.
 * @returns how many cases there were
 */
export async function redactCasesOfCustomer(
  tx: Tx,
  of: { merchantId: Uuid; customerId: Uuid; atMs: number },
): Promise<number> {
  const { cases } = await tx.one<{ cases: number }>(
    'SELECT compliance_redact_customer($1, $2, $3) AS cases',
    [of.merchantId, of.customerId, new Date(of.atMs)],
  );
  return cases;
}
