import type { CaseLogEntry, ComplianceAlert, ComplianceCase } from '@quittance/contract';
import { isoTime, toHex } from '@quittance/kernel';
import type { Alert } from './alert-store.ts';
import type { Case } from './case.ts';
import { dueOf } from './deadlines.ts';
import { contentOf, type LogEntry } from './log.ts';

export function alertJson(alert: Alert): ComplianceAlert {
  const { merchantId: _, dedupeKey: __, raisedAtMs, ...same } = alert;
  return { ...same, raisedAt: isoTime(raisedAtMs) };
}

export function caseJson(each: Case, now: { nowMs: number; reminderDays: number }): ComplianceCase {
  const { proposal, reportDecision } = each;
  return {
    id: each.id,
    subject: each.subject,
    state: each.state,
    severity: each.severity,
    summary: each.summary,
    openedAt: isoTime(each.openedAtMs),
    detectedAt: isoTime(each.detectedAtMs),
    suspectKnownAt: timeOrNull(each.suspectKnownAtMs),
    reportDueAt: isoTime(each.reportDueAtMs),
    due: dueOf(each, now),
    reportedAt: timeOrNull(each.reportedAtMs),
    reportDecision:
      reportDecision === null
        ? null
        : {
            ...{ proposedBy: reportDecision.proposedBy, decidedBy: reportDecision.decidedBy },
            at: isoTime(reportDecision.atMs),
          },
    assignee: each.assignee,
    proposal:
      proposal === null
        ? null
        : {
            ...{ id: proposal.id, outcome: proposal.outcome, reason: proposal.reason },
            ...{ by: proposal.by, at: isoTime(proposal.atMs) },
          },
    outcome: each.outcome,
    proposedBy: each.proposedBy,
    decidedBy: each.decidedBy,
    closedAt: timeOrNull(each.closedAtMs),
    previousCaseId: each.previousCaseId,
    reopenings: each.reopenings,
    alertCount: each.alertCount,
    updatedAt: isoTime(each.updatedAtMs),
  };
}

export function logEntryJson(entry: LogEntry): CaseLogEntry {
  return {
    id: entry.id,
    sequence: Number(entry.sequence),
    at: isoTime(entry.atMs),
    actor: entry.actor,
    kind: entry.kind,
    content: contentOf(entry),
    contentSha256: toHex(entry.contentSha256),
    prevHash: toHex(entry.prevHash),
    hash: toHex(entry.hash),
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
