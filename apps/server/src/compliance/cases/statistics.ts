import {
  type CaseStatistics,
  caseOutcomes,
  caseStates,
  complianceSeverities,
} from '@quittance/contract';
import { isoTime, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readComplianceSettings } from '../settings/index.ts';
import {
  countOpen,
  countOutcomes,
  countRules,
  type OpenCount,
  type OutcomeCount,
  readDecisionTimes,
  readOpenAges,
  type RuleCount,
} from './statistics-store.ts';

const MAX_RULES = 200;

/**
 * How much work there is and what comes of it: open cases as they are now, closed ones and alerts of
 * a time (`toMs` not included). A case that was dismissed or released was a false positive.
 */
export async function readCaseStatistics(
  tx: Tx,
  given: { merchantId: Uuid; fromMs: number; toMs: number; nowMs: number },
): Promise<CaseStatistics> {
  const { merchantId, fromMs, toMs, nowMs } = given;
  const { reminderDays } = await readComplianceSettings(tx, merchantId);
  const span = { merchantId, fromMs, toMs };
  const counts = await countOpen(tx, merchantId);
  const ages = await readOpenAges(tx, { merchantId, nowMs, reminderDays });
  const outcomes = await countOutcomes(tx, span);
  const { median, p90, longest } = await readDecisionTimes(tx, span);
  const rules = await countRules(tx, { ...span, limit: MAX_RULES });
  const isTimed = median !== null && p90 !== null && longest !== null;
  return {
    from: isoTime(fromMs),
    to: isoTime(toMs),
    open: {
      total: sumOf(counts),
      byState: countsBy(caseStates, counts, ({ state }) => state),
      bySeverity: countsBy(complianceSeverities, counts, ({ severity }) => severity),
      byAge: {
        under7Days: ages.under7,
        under30Days: ages.under30,
        under60Days: ages.under60,
        over60Days: ages.over60,
      },
      oldestOpenedAt: ages.oldest?.toISOString() ?? null,
      dueSoon: ages.dueSoon,
      overdue: ages.overdue,
    },
    closed: {
      ...outcomesJson(outcomes),
      secondsToDecision: isTimed ? { median, p90, longest } : null,
    },
    rules: rules.map(ruleJson),
  };
}

function outcomesJson(outcomes: readonly OutcomeCount[]) {
  const total = sumOf(outcomes);
  const counts = countsBy(caseOutcomes, outcomes, ({ outcome }) => outcome);
  return {
    total,
    byOutcome: {
      release: { count: counts.release, share: shareOf(counts.release, total) },
      refund: { count: counts.refund, share: shareOf(counts.refund, total) },
      freeze: { count: counts.freeze, share: shareOf(counts.freeze, total) },
      dismiss: { count: counts.dismiss, share: shareOf(counts.dismiss, total) },
      report: { count: counts.report, share: shareOf(counts.report, total) },
    },
    falsePositiveRate: shareOf(counts.release + counts.dismiss, total),
  };
}

function ruleJson(rule: RuleCount) {
  const closed = rule.alerts - rule.open;
  return { ...rule, falsePositiveRate: shareOf(rule.falsePositives, closed) };
}

function sumOf(counts: readonly { count: number }[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}

function countsBy<Name extends string, Row extends OpenCount | OutcomeCount>(
  names: readonly Name[],
  rows: readonly Row[],
  nameOf: (row: Row) => Name,
): Record<Name, number> {
  const none = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  for (const row of rows) none[nameOf(row)] += row.count;
  return none;
}

/** To four digits; a share is for people, money is not counted in it. */
function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000;
}
