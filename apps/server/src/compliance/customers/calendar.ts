export const DAY_MS = 86_400_000;

/**
 * The same day so many months later (or earlier), in UTC; the last day of the month where it has no
 * such day. The time of day stays.
 */
export function addMonths(ms: number, months: number): number {
  const from = new Date(ms);
  const day = from.getUTCDate();
  const to = new Date(ms);
  to.setUTCDate(1);
  to.setUTCMonth(to.getUTCMonth() + months);
  const last = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate();
  to.setUTCDate(Math.min(day, last));
  return to.getTime();
}

/** The first moment after a day, in UTC: what is good "until the 5th" is good on the 5th. */
export function endOfDay(day: string): number {
  return Date.parse(`${day}T00:00:00.000Z`) + DAY_MS;
}

/** The day whose end a moment is. */
export function dayBefore(endMs: number): string {
  return new Date(endMs - DAY_MS).toISOString().slice(0, 10);
}
