import { alertSeverities } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AlertChange,
  type AlertEvent,
  type AlertState,
  changeAlert,
  isGraver,
  REMIND_AFTER_MS,
  REOPEN_WITHIN_MS,
} from './alert.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const severity = fc.constantFrom(...alertSeverities);
const seen = severity.map((one) => ({ type: 'seen' as const, severity: one }));
const over = fc.constant({ type: 'over' as const });
const acknowledged = fc.constant({ type: 'acknowledged' as const, by: 'key:1' });
const step = fc.record({
  afterMs: fc.oneof(
    fc.integer({ min: 0, max: 10 * MINUTE_MS }),
    fc.integer({ min: 0, max: 30 * HOUR_MS }),
  ),
  what: fc.oneof(
    { weight: 5, arbitrary: seen },
    { weight: 2, arbitrary: over },
    { weight: 1, arbitrary: acknowledged },
  ),
});
/** Any life of an alert: what happens, and how long after the last. */
const life = fc.array(step, { minLength: 1, maxLength: 80 });

type Step = {
  before: AlertState | null;
  event: AlertEvent;
  change: AlertChange;
  /** The alert after it, as it would be stored. */
  after: AlertState | null;
};

function live(steps: readonly { afterMs: number; what: Partial<AlertEvent> }[]): Step[] {
  let nowMs = 1_760_000_000_000;
  let state: AlertState | null = null;
  return steps.map(({ afterMs, what }) => {
    nowMs += afterMs;
    const event = { ...what, nowMs } as AlertEvent;
    const before = state;
    const change = changeAlert(before, event);
    if ('state' in change) state = change.state;
    return { before, event, change, after: state };
  });
}

function holds(check: (steps: Step[]) => void): void {
  fc.assert(
    fc.property(life, (steps) => check(live(steps))),
    { numRuns: 2_000 },
  );
}

const told = ({ change }: Step) => ('tell' in change ? change.tell : null);
const isEmailed = ({ change }: Step) => 'email' in change && change.email;
const isOpen = (state: AlertState | null) => state !== null && state.resolvedAtMs === null;

test('openings and ends alternate: whoever counts them always knows whether it is open', () => {
  holds((steps) => {
    let open = false;
    for (const one of steps) {
      const cause = told(one);
      if (cause === 'opened' || cause === 'reopened') {
        expect(open).toBe(false);
        open = true;
      } else if (cause === 'resolved') {
        expect(open).toBe(true);
        open = false;
      } else if (cause !== null) expect(open).toBe(true);
      expect(isOpen(one.after)).toBe(open);
    }
  });
});

test('what was seen is open, what is over is not, and every sighting is counted', () => {
  holds((steps) => {
    for (const { before, event, change, after } of steps) {
      if (event.type === 'seen') {
        expect(isOpen(after)).toBe(true);
        const isNew = change.outcome === 'new';
        expect(after?.count).toBe(isNew ? 1 : (before?.count ?? 0) + 1);
        expect(after?.severity).toBe(event.severity);
        expect(after?.lastSeenAtMs).toBe(event.nowMs);
      }
      if (event.type === 'over') expect(isOpen(after)).toBe(false);
    }
  });
});

test('a sighting of an open alert is told only if it is graver, or after a long silence', () => {
  holds((steps) => {
    for (const one of steps) {
      const { before, event } = one;
      if (event.type !== 'seen' || before === null || !isOpen(before)) continue;
      const grew = isGraver(event.severity, before.told.severity);
      const silentMs = event.nowMs - before.told.atMs;
      const isDue = silentMs >= REMIND_AFTER_MS[event.severity] && before.acknowledged === null;
      expect(told(one)).toBe(grew ? 'escalated' : isDue ? 'reminder' : null);
      expect(isEmailed(one)).toBe(grew || isDue);
    }
  });
});

test('after an acknowledgement nothing is told until it grows graver, ends or comes back', () => {
  holds((steps) => {
    let quiet = false;
    for (const one of steps) {
      const { event, before, change } = one;
      const cause = told(one);
      if (quiet) expect(['escalated', 'resolved', null]).toContain(cause);
      if (cause !== null) quiet = false;
      if (event.type !== 'acknowledged') continue;
      if (isOpen(before)) quiet = true;
      else expect(change).toEqual({ outcome: 'rejected', reason: 'resolved' });
    }
  });
});

test('only the first acknowledgement counts', () => {
  const first = live([
    { afterMs: 0, what: { type: 'seen', severity: 'critical' } },
    { afterMs: 5, what: { type: 'acknowledged', by: 'key:1' } },
    { afterMs: 5, what: { type: 'acknowledged', by: 'key:2' } },
  ]);
  expect(first.map(({ after }) => after?.acknowledged?.by)).toEqual([undefined, 'key:1', 'key:1']);
});

test('trouble that comes and goes opens one alert, and e-mails at most one opening an hour', () => {
  const flapping = fc.array(fc.integer({ min: 1, max: 20 * MINUTE_MS }), { maxLength: 200 });
  fc.assert(
    fc.property(flapping, severity, (pauses, one) => {
      const steps = live(
        pauses.map((afterMs, i) => ({
          afterMs,
          what: i % 2 === 0 ? { type: 'seen', severity: one } : { type: 'over' },
        })),
      );
      expect(steps.filter(({ change }) => change.outcome === 'new').length).toBeLessThanOrEqual(1);
      const openings = steps.filter((each) => isEmailed(each) && told(each) !== 'resolved');
      const times = openings.map(({ event }) => event.nowMs);
      for (const [i, atMs] of times.entries()) {
        if (i > 0) expect(atMs - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(REOPEN_WITHIN_MS);
      }
    }),
  );
});

test('the end is e-mailed to those, and only those, who were e-mailed of this episode', () => {
  holds((steps) => {
    let wasEmailed = false;
    for (const one of steps) {
      const cause = told(one);
      if (cause === 'opened' || cause === 'reopened') wasEmailed = isEmailed(one);
      else if (cause === 'resolved') expect(isEmailed(one)).toBe(wasEmailed);
      else if (isEmailed(one)) wasEmailed = true;
    }
  });
});

test('what comes back long after its end is a new alert', () => {
  for (const [afterMs, outcome] of [
    [REOPEN_WITHIN_MS, 'changed'],
    [REOPEN_WITHIN_MS + 1, 'new'],
  ] as const) {
    const steps = live([
      { afterMs: 0, what: { type: 'seen', severity: 'warning' } },
      { afterMs: 1, what: { type: 'over' } },
      { afterMs, what: { type: 'seen', severity: 'warning' } },
    ]);
    expect(steps[2]?.change.outcome).toBe(outcome);
  }
});
