const DAY_MS = 24 * 3_600_000;

export type ReportClock = {
  /** When the facts that may call for a report were first seen. */
  readonly detectedAtMs: number;
  /** Since when somebody is suspected; null: nobody is. */
  readonly suspectKnownAtMs: number | null;
};
export type ClockDays = {
  readonly sarDaysSuspectKnown: number;
  readonly sarDaysSuspectUnknown: number;
};

/**
 * The last moment for a report. The longer time is for finding a suspect: who is found within the
 * shorter one brings it back, who is found later does not make the report late at once
 * (31 CFR 1020.320(b)(3): never more than the longer time after detection).
 */
export function reportDueAtMs({ detectedAtMs, suspectKnownAtMs }: ReportClock, days: ClockDays) {
  const knownMs = detectedAtMs + days.sarDaysSuspectKnown * DAY_MS;
  const unknownMs = detectedAtMs + days.sarDaysSuspectUnknown * DAY_MS;
  return suspectKnownAtMs !== null && suspectKnownAtMs <= knownMs ? knownMs : unknownMs;
}

export type Due = 'met' | 'later' | 'soon' | 'overdue';

/** How a case stands to its last day. A case that was decided without a report has none. */
export function dueOf(
  given: {
    state: string;
    outcome: string | null;
    reportedAtMs: number | null;
    reportDueAtMs: number;
  },
  now: { nowMs: number; reminderDays: number },
): Due {
  const isDecided = given.state === 'closed' && given.outcome !== 'report';
  if (given.reportedAtMs !== null || isDecided) return 'met';
  if (now.nowMs > given.reportDueAtMs) return 'overdue';
  return now.nowMs >= given.reportDueAtMs - now.reminderDays * DAY_MS ? 'soon' : 'later';
}

/** Cases whose last moment is before this are due soon (or overdue), or overdue. */
export function dueWithinMs(
  due: 'soon' | 'overdue',
  { nowMs, reminderDays }: { nowMs: number; reminderDays: number },
): number {
  return due === 'overdue' ? nowMs : nowMs + reminderDays * DAY_MS + 1;
}
