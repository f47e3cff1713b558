import type {
  CaseOutcome,
  CaseState,
  ComplianceAlertSource,
  ComplianceSeverity,
} from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type OpenCount = { state: CaseState; severity: ComplianceSeverity; count: number };
export type OpenAges = {
  under7: number;
  under30: number;
  under60: number;
  over60: number;
  oldest: Date | null;
  dueSoon: number;
  overdue: number;
};
export type OutcomeCount = { outcome: CaseOutcome; count: number };
export type DecisionTimes = { median: number | null; p90: number | null; longest: number | null };
export type RuleCount = {
  source: ComplianceAlertSource;
  rule: string;
  alerts: number;
  open: number;
  falsePositives: number;
};

export async function countOpen(tx: Tx, merchantId: Uuid): Promise<OpenCount[]> {
  return await tx.query<OpenCount>(
    `SELECT state, severity, count(*)::integer AS count FROM compliance_case
      WHERE merchant_id = $1 AND state <> 'closed' GROUP BY state, severity`,
    [merchantId],
  );
}

/** Ages by the time of opening; due counts also closed cases whose report is still to be made. */
export async function readOpenAges(
  tx: Tx,
  given: { merchantId: Uuid; nowMs: number; reminderDays: number },
): Promise<OpenAges> {
  return await tx.one<OpenAges>(
    `SELECT count(*) FILTER (WHERE open AND age < interval '7 days')::integer AS under7,
            count(*) FILTER (WHERE open AND age >= interval '7 days'
              AND age < interval '30 days')::integer AS under30,
            count(*) FILTER (WHERE open AND age >= interval '30 days'
              AND age < interval '60 days')::integer AS under60,
            count(*) FILTER (WHERE open AND age >= interval '60 days')::integer AS over60,
            min(opened_at) FILTER (WHERE open) AS oldest,
            count(*) FILTER (WHERE left_time >= interval '0'
              AND left_time <= $3 * interval '24 hours')::integer AS "dueSoon",
            count(*) FILTER (WHERE left_time < interval '0')::integer AS overdue
       FROM (SELECT opened_at, state <> 'closed' AS open, $2 - opened_at AS age,
                    CASE WHEN reported_at IS NULL THEN report_due_at - $2 END AS left_time
               FROM compliance_case
              WHERE merchant_id = $1 AND (state <> 'closed'
                OR (outcome = 'report' AND reported_at IS NULL))) AS c`,
    [given.merchantId, new Date(given.nowMs), given.reminderDays],
  );
}

type Span = { merchantId: Uuid; fromMs: number; toMs: number };

/** What was reported counts as that, whatever was decided about the money afterwards. */
const OUTCOME = `CASE WHEN report_decision IS NULL THEN outcome ELSE 'report' END`;

export async function countOutcomes(tx: Tx, span: Span): Promise<OutcomeCount[]> {
  return await tx.query<OutcomeCount>(
    `SELECT ${OUTCOME} AS outcome, count(*)::integer AS count FROM compliance_case
      WHERE merchant_id = $1 AND closed_at >= $2 AND closed_at < $3 GROUP BY 1`,
    [span.merchantId, new Date(span.fromMs), new Date(span.toMs)],
  );
}

/** Seconds from opening to the decision. */
export async function readDecisionTimes(tx: Tx, span: Span): Promise<DecisionTimes> {
  return await tx.one<DecisionTimes>(
    `SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds))::integer AS median,
            (percentile_disc(0.9) WITHIN GROUP (ORDER BY seconds))::integer AS p90,
            max(seconds)::integer AS longest
       FROM (SELECT floor(extract(epoch FROM closed_at - opened_at)) AS seconds
               FROM compliance_case
              WHERE merchant_id = $1 AND closed_at >= $2 AND closed_at < $3) AS c`,
    [span.merchantId, new Date(span.fromMs), new Date(span.toMs)],
  );
}

/** What became of the alerts of each rule that were raised in the time. */
export async function countRules(tx: Tx, span: Span & { limit: number }): Promise<RuleCount[]> {
  return await tx.query<RuleCount>(
    `SELECT a.source, a.rule, count(*)::integer AS alerts,
            count(*) FILTER (WHERE c.state <> 'closed')::integer AS open,
            count(*) FILTER (WHERE c.outcome IN ('dismiss', 'release')
              AND c.report_decision IS NULL)::integer
              AS "falsePositives"
       FROM compliance_alert a
       JOIN compliance_case c ON c.merchant_id = a.merchant_id AND c.id = a.case_id
      WHERE a.merchant_id = $1 AND a.raised_at >= $2 AND a.raised_at < $3
      GROUP BY a.source, a.rule ORDER BY alerts DESC, a.source, a.rule LIMIT $4`,
    [span.merchantId, new Date(span.fromMs), new Date(span.toMs), span.limit],
  );
}
