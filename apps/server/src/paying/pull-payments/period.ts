import type { PullPaymentPeriod } from '@quittance/contract';

/** Milliseconds since 1970; the end is not part of it. Null: it never ends. */
export type Period = { readonly startMs: number; readonly endMs: number | null };

const DAY_MS = 86_400_000;
const DAYS_OF_WEEK = 7;
/** 1970-01-01 was a Thursday: three days after a Monday. */
const MONDAY_OFFSET_DAYS = 3;

/**
 * The period of a limit that a moment lies in. Days, weeks (from Monday, ISO 8601) and months are
 * those of UTC, so that everybody can tell when a limit is fresh; without a period there is one, from
 * the beginning of the pull payment on.
 */
export function periodAt(
  period: PullPaymentPeriod | null,
  { startsAtMs, nowMs }: { startsAtMs: number; nowMs: number },
): Period {
  switch (period) {
    case null:
      return { startMs: startsAtMs, endMs: null };
    case 'day':
      return daysAt(nowMs, 1, 0);
    case 'week':
      return daysAt(nowMs, DAYS_OF_WEEK, MONDAY_OFFSET_DAYS);
    default:
      return monthAt(nowMs);
  }
}

/** The day, in UTC, that a moment lies in. */
export function dayAt(nowMs: number): { startMs: number; endMs: number } {
  return daysAt(nowMs, 1, 0);
}

function daysAt(nowMs: number, days: number, offsetDays: number) {
  const lengthMs = days * DAY_MS;
  const offsetMs = offsetDays * DAY_MS;
  const startMs = Math.floor((nowMs + offsetMs) / lengthMs) * lengthMs - offsetMs;
  return { startMs, endMs: startMs + lengthMs };
}

function monthAt(nowMs: number): Period {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { startMs: Date.UTC(year, month, 1), endMs: Date.UTC(year, month + 1, 1) };
}
