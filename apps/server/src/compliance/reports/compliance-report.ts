import {
  type ComplianceFigure,
  type ComplianceReport,
  complianceFigures,
} from '@quittance/contract';
import { currencyDecimals, divide, formatDecimal, isCurrency, isoTime } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { AppError } from '../../platform/errors.ts';
import { type FigureRow, type Period, sumFigures } from './store.ts';

const DAY_MS = 86_400_000;
const MAX_DAYS = 366;

/** What the figures mean, in the report itself: whoever reads it has no other page at hand. */
const NOTES = [
  'Payments count when they are confirmed, at the time they were first seen.',
  "Amounts in a currency are at the locked rate of each payment's order; orders priced in bitcoin have none.",
  'customers_paying counts each customer once; payments without a known customer are counted apart.',
  'kyc_… is the state of customers at the time of the report, of all who were there before its end.',
  'alerts_high_risk counts alerts of high severity, of every source.',
  'payments_high_risk are those that the risk engine scored HIGH in the period; payments_blocked are withheld at the time of the report.',
  'blocked_cases are those decided as frozen or refunded; blocked_customers were blocked in the period.',
  'cases_overdue are those whose last day for a report fell into the period without one in time.',
];

/** @throws {AppError} invalid_request for a period that ends before it begins, or is too long */
export function checkPeriod({ fromMs, toMs }: Pick<Period, 'fromMs' | 'toMs'>): void {
  const detail =
    toMs <= fromMs
      ? 'must be after from'
      : toMs - fromMs > MAX_DAYS * DAY_MS
        ? `at most ${MAX_DAYS} days after from`
        : null;
  if (detail === null) return;
  throw new AppError('invalid_request', 'The period can not be used.', {
    fields: [{ pointer: '/to', detail }],
  });
}

/** The report of a period, every figure with the place where its rows are listed. */
export async function readComplianceReport(
  tx: Tx,
  period: Period,
  nowMs: number,
): Promise<ComplianceReport> {
  const found = await sumFigures(tx, period);
  const figures = complianceFigures.flatMap((figure) => {
    const rows = found.filter((row) => row.figure === figure);
    // A figure without rows is zero, and says so; of currencies only those that were used.
    const none = { figure, currency: null, count: 0, sats: null, minor: null };
    return (rows.length === 0 && figure !== 'payments_fiat' ? [none] : rows)
      .sort((a, b) => ((a.currency ?? '') < (b.currency ?? '') ? -1 : 1))
      .map((row) => figureJson(row, period));
  });
  const { fromMs, toMs } = period;
  return {
    ...{ from: isoTime(fromMs), to: isoTime(toMs), generatedAt: isoTime(nowMs) },
    ...{ figures, notes: NOTES },
  };
}

function figureJson(row: FigureRow, { fromMs, toMs }: Period): ComplianceFigure {
  const { figure, currency, count, sats, minor } = row;
  const average = (sum: bigint | null) =>
    sum === null || count === 0 ? null : divide(sum, BigInt(count), 'half-even');
  const query = new URLSearchParams({ figure, from: isoTime(fromMs), to: isoTime(toMs) });
  if (currency !== null) query.set('currency', currency);
  return {
    ...{ figure, currency, count },
    sats: textOf(sats),
    averageSats: textOf(average(sats)),
    amount: money(minor, currency),
    averageAmount: money(average(minor), currency),
    rows: `/v1/compliance/reports/rows?${query.toString()}`,
  };
}

function textOf(value: bigint | null): string | null {
  return value === null ? null : String(value);
}

/** Smallest units as a decimal of their currency. */
export function money(minor: bigint | null, currency: string | null): string | null {
  if (minor === null || currency === null) return null;
  return formatDecimal(minor, isCurrency(currency) ? currencyDecimals(currency) : 2);
}
