import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueOf, dueWithinMs, reportDueAtMs } from './deadlines.ts';

const DAY = 24 * 3_600_000;
const bank = { sarDaysSuspectKnown: 30, sarDaysSuspectUnknown: 60 };
const detectedAtMs = Date.UTC(2026, 0, 1);

test('with a known suspect a report is due 30 days after detection, without one at most 60', () => {
  const due = (suspectKnownAtMs: number | null) =>
    (reportDueAtMs({ detectedAtMs, suspectKnownAtMs }, bank) - detectedAtMs) / DAY;
  expect(due(detectedAtMs)).toBe(30);
  expect(due(null)).toBe(60);
  expect(due(detectedAtMs + 30 * DAY)).toBe(30);
  expect(due(detectedAtMs + 40 * DAY)).toBe(60);
});

test('knowing more never gives more time, and no report is due before it was known of', () => {
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 0, max: 100 })), (days) => {
      const suspectKnownAtMs = days === null ? null : detectedAtMs + days * DAY;
      const dueMs = reportDueAtMs({ detectedAtMs, suspectKnownAtMs }, bank);
      expect(dueMs).toBeLessThanOrEqual(
        reportDueAtMs({ detectedAtMs, suspectKnownAtMs: null }, bank),
      );
      expect(dueMs).toBeGreaterThanOrEqual(detectedAtMs + 30 * DAY);
      if (days !== null && days <= 60) expect(dueMs).toBeGreaterThanOrEqual(suspectKnownAtMs ?? 0);
    }),
  );
});

test('the list of reminders has exactly the cases that are shown as due soon or overdue', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('open', 'in_review', 'closed'),
      fc.constantFrom(null, 'report', 'dismiss'),
      fc.option(fc.constant(1)),
      fc.integer({ min: -20 * DAY, max: 20 * DAY }),
      fc.constantFrom(0, 7),
      (state, outcome, reportedAtMs, leftMs, reminderDays) => {
        const now = { nowMs: detectedAtMs, reminderDays };
        const given = { state, outcome, reportedAtMs, reportDueAtMs: detectedAtMs + leftMs };
        const due = dueOf(given, now);
        // As the query of readCaseRows has it.
        const isOpen = reportedAtMs === null && (state !== 'closed' || outcome === 'report');
        const isWithin = (which: 'soon' | 'overdue') =>
          isOpen && given.reportDueAtMs < dueWithinMs(which, now);
        expect(isWithin('overdue')).toBe(due === 'overdue');
        expect(isWithin('soon')).toBe(due === 'soon' || due === 'overdue');
        expect(due === 'met').toBe(!isOpen);
      },
    ),
  );
});
