import type { ComplianceFigureName } from '@quittance/contract';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';

export type Period = { merchantId: Uuid; fromMs: number; toMs: number };

/**
 * Every row that counts for a figure: $1 store, $2 from, $3 to. The report adds these rows up and
 * the list of rows shows them, so a figure can't be another than its rows.
 */
const COUNTED = `
  WITH paid AS (
    SELECT p.id, p.first_seen_at AS at, p.amount_sats AS sats, o.customer_id,
           CASE WHEN o.price_currency <> 'BTC' THEN o.price_currency END AS currency,
           CASE WHEN o.price_currency <> 'BTC'
                THEN round(p.amount_sats::numeric * o.price_minor / o.due_sats)::bigint END AS minor
      FROM payment p JOIN orders o ON o.merchant_id = p.merchant_id AND o.id = p.order_id
     WHERE p.merchant_id = $1 AND p.first_seen_at >= $2 AND p.first_seen_at < $3
       AND p.state IN ('confirmed', 'final')
  ), counted AS (
    SELECT 'payments' AS figure, 'payment' AS kind, id, at, sats, NULL::text AS currency,
           NULL::bigint AS minor FROM paid
     UNION ALL
    SELECT 'payments_fiat', 'payment', id, at, sats, currency, minor FROM paid
     WHERE currency IS NOT NULL
     UNION ALL
    SELECT 'payments_without_fiat', 'payment', id, at, sats, NULL, NULL FROM paid
     WHERE currency IS NULL
     UNION ALL
    SELECT 'payments_without_customer', 'payment', id, at, sats, NULL, NULL FROM paid
     WHERE customer_id IS NULL
     UNION ALL
    SELECT 'payments_high_risk', 'payment', d.payment_id, d.decided_at, p.amount_sats, NULL, NULL
      FROM risk_decision d JOIN payment p ON p.merchant_id = d.merchant_id AND p.id = d.payment_id
     WHERE d.merchant_id = $1 AND d.decided_at >= $2 AND d.decided_at < $3
       AND d.level = 'HIGH' AND NOT d.trial
     UNION ALL
    SELECT 'payments_blocked', 'payment', id, first_seen_at, amount_sats, NULL, NULL FROM payment
     WHERE merchant_id = $1 AND first_seen_at >= $2 AND first_seen_at < $3
       AND state IN ('confirmed', 'final') AND hold IN ('held', 'frozen', 'returnable')
     UNION ALL
    SELECT 'customers_paying', 'customer', customer_id, min(at), sum(sats)::bigint, NULL, NULL
      FROM paid WHERE customer_id IS NOT NULL GROUP BY customer_id
     UNION ALL
    SELECT 'payouts', 'payout', id, finished_at, amount_sats, NULL, NULL FROM payout
     WHERE merchant_id = $1 AND finished_at >= $2 AND finished_at < $3 AND state = 'final'
     UNION ALL
    SELECT 'customers_new', 'customer', id, created_at, NULL, NULL, NULL FROM customer
     WHERE merchant_id = $1 AND created_at >= $2 AND created_at < $3
     UNION ALL
    SELECT 'kyc_' || state, 'customer', id, created_at, NULL, NULL, NULL FROM customer
     WHERE merchant_id = $1 AND created_at < $3
     UNION ALL
    SELECT 'alerts', 'alert', id, raised_at, NULL, NULL, NULL FROM compliance_alert
     WHERE merchant_id = $1 AND raised_at >= $2 AND raised_at < $3
     UNION ALL
    SELECT 'alerts_high_risk', 'alert', id, raised_at, NULL, NULL, NULL FROM compliance_alert
     WHERE merchant_id = $1 AND raised_at >= $2 AND raised_at < $3 AND severity = 'high'
     UNION ALL
    SELECT 'cases_opened', 'case', id, opened_at, NULL, NULL, NULL FROM compliance_case
     WHERE merchant_id = $1 AND opened_at >= $2 AND opened_at < $3
     UNION ALL
    SELECT 'cases_closed', 'case', id, closed_at, NULL, NULL, NULL FROM compliance_case
     WHERE merchant_id = $1 AND closed_at >= $2 AND closed_at < $3
     UNION ALL
    SELECT 'cases_overdue', 'case', id, report_due_at, NULL, NULL, NULL FROM compliance_case
     WHERE merchant_id = $1 AND report_due_at >= $2 AND report_due_at < $3
       AND (reported_at > report_due_at
            OR reported_at IS NULL AND (state <> 'closed' OR outcome = 'report'))
     UNION ALL
    SELECT CASE kind WHEN 'sar' THEN 'sars_filed' WHEN 'ctr' THEN 'ctrs_filed' ELSE 'goaml_filed' END,
           'filing', id, submitted_at, NULL, NULL, NULL FROM filing
     WHERE merchant_id = $1 AND submitted_at >= $2 AND submitted_at < $3
     UNION ALL
    SELECT 'blocked_cases', 'case', id, closed_at, NULL, NULL, NULL FROM compliance_case
     WHERE merchant_id = $1 AND closed_at >= $2 AND closed_at < $3
       AND outcome IN ('freeze', 'refund')
     UNION ALL
    SELECT 'blocked_customers', 'customer', id, blocked_at, NULL, NULL, NULL FROM customer
     WHERE merchant_id = $1 AND blocked_at >= $2 AND blocked_at < $3
  )`;

export type FigureRow = {
  figure: ComplianceFigureName;
  currency: string | null;
  count: number;
  sats: bigint | null;
  minor: bigint | null;
};

/** All figures of a period, of one moment: a single statement. */
export async function sumFigures(tx: Tx, period: Period): Promise<FigureRow[]> {
  return await tx.query<FigureRow>(
    `${COUNTED} SELECT figure, currency, count(*)::int AS count, sum(sats)::bigint AS sats,
            sum(minor)::bigint AS minor FROM counted GROUP BY figure, currency`,
    valuesOf(period),
  );
}

export type CountedRow = {
  kind: 'payment' | 'payout' | 'customer' | 'alert' | 'case' | 'filing';
  id: Uuid;
  at: Date;
  sats: bigint | null;
  currency: string | null;
  minor: bigint | null;
};

/** The rows behind one figure, by their ids. */
export async function readCountedRows(
  tx: Tx,
  given: Period & {
    figure: ComplianceFigureName;
    currency: string | undefined;
    startingAfter: string | undefined;
    limit: number;
  },
): Promise<CountedRow[]> {
  const { figure, currency, startingAfter, limit } = given;
  return await tx.query<CountedRow>(
    `${COUNTED} SELECT kind, id, at, sats, currency, minor FROM counted
      WHERE figure = $4 AND ($5::text IS NULL OR currency = $5) AND ($6::uuid IS NULL OR id > $6)
      ORDER BY id LIMIT $7`,
    [...valuesOf(given), figure, currency ?? null, startingAfter ?? null, limit],
  );
}

function valuesOf({ merchantId, fromMs, toMs }: Period): unknown[] {
  return [merchantId, new Date(fromMs), new Date(toMs)];
}
