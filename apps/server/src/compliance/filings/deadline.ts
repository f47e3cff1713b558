import type { FilingDue, FilingFacts } from '@quittance/contract';
import { hasEnded, type Filing } from './filing.ts';

const DAY_MS = 86_400_000;
/** A CTR is filed within 15 days of the transaction (31 CFR 1010.306(a)(1)). */
const CTR_DAYS = 15;
/** "soon" for what has no case: a working week. */
export const SOON_MS = 7 * DAY_MS;

/** The end of the last day for a filing. @param caseDueAtMs of its case, as compliance/cases has it */
export function filingDueAtMs(facts: FilingFacts, caseDueAtMs: number | null): number | null {
  if (facts.kind !== 'ctr') return caseDueAtMs;
  const ms = Date.parse(`${facts.transactionDate}T00:00:00Z`);
  return Number.isNaN(ms) ? null : ms + (CTR_DAYS + 1) * DAY_MS - 1;
}

export function dueOf(filing: Pick<Filing, 'state' | 'dueAtMs'>, nowMs: number): FilingDue {
  const { state, dueAtMs } = filing;
  if (state === 'submitted' || hasEnded(state)) return 'met';
  if (dueAtMs === null) return 'unknown';
  if (nowMs > dueAtMs) return 'overdue';
  return dueAtMs - nowMs <= SOON_MS ? 'soon' : 'later';
}
