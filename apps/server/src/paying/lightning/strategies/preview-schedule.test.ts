import { completeLightningStrategy, lightningScheduleSchema } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import { presentSchedule } from './present.ts';
import { planAhead, previewSchedule } from './preview-schedule.ts';
import { anyStrategy, failedAt, START_MS, testQuote } from './test-strategies.ts';

const MINUTE_MS = 60_000;
const tiered = completeLightningStrategy({ kind: 'tiered' });

test('tiered tries every two minutes at first, every ten later, ten times', () => {
  const { attempts, endsAtMs, endReason } = previewSchedule(tiered, {
    ...{ createdAtMs: START_MS, expiresAtMs: null },
  });
  const minutes = attempts.map(({ atMs }) => (atMs - START_MS) / MINUTE_MS);
  expect(minutes).toEqual([0, 2, 4, 6, 16, 26, 36, 46, 56, 66]);
  expect([endsAtMs, endReason]).toEqual([START_MS + 66 * MINUTE_MS, 'too_many_attempts']);
});

test('an invoice that expires gets its last attempt just before, and none after', () => {
  const expiresAtMs = START_MS + 15 * MINUTE_MS;
  const { attempts, endReason } = previewSchedule(tiered, { createdAtMs: START_MS, expiresAtMs });
  const seconds = attempts.map(({ atMs }) => (atMs - START_MS) / 1_000);
  // 15 s of margin, and 15 s for the attempt itself.
  expect(seconds).toEqual([0, 120, 240, 360, 870]);
  expect(endReason).toBe('expired');
  expect(previewSchedule(tiered, { createdAtMs: START_MS, expiresAtMs: START_MS })).toEqual({
    ...{ attempts: [], waitsForPerson: false, endsAtMs: START_MS, endReason: 'expired' },
  });
});

test('a card has one budget', () => {
  const strategy = completeLightningStrategy({ kind: 'fast_fail' });
  const { attempts, endsAtMs } = previewSchedule(strategy, {
    ...{ createdAtMs: START_MS, expiresAtMs: null, attemptMs: 20_000 },
  });
  expect(attempts).toHaveLength(2);
  expect(endsAtMs).toBe(START_MS + 30_000);
});

test('manual shows no time, but its end', () => {
  const strategy = completeLightningStrategy({ kind: 'manual' });
  const schedule = previewSchedule(strategy, { createdAtMs: START_MS, expiresAtMs: null });
  expect(schedule).toMatchObject({ attempts: [], waitsForPerson: true, endReason: 'time_over' });
});

test('the preview is what decide does', () => {
  fc.assert(
    fc.property(anyStrategy, fc.option(fc.integer({ min: 0, max: 10_000_000 })), (...args) => {
      const [strategy, expiresAfterMs] = args;
      const expiresAtMs = expiresAfterMs === null ? null : START_MS + expiresAfterMs;
      const schedule = previewSchedule(strategy, {
        ...{ createdAtMs: START_MS, expiresAtMs, attemptMs: 1_000 },
      });
      expect(schedule.attempts.length).toBeLessThanOrEqual(strategy.maxAttempts);
      schedule.attempts.forEach(({ atMs, timeoutMs }, i) => {
        const before = schedule.attempts.slice(0, i).map((attempt) => attempt.atMs);
        const history = { startedAtMs: START_MS, attempts: failedAt(before), requestedAtMs: null };
        const quote = testQuote({ expiresAtMs });
        expect(decide(strategy, history, atMs, quote)).toMatchObject({ action: 'send', timeoutMs });
      });
    }),
  );
});

test('what is still planned is the rest of the schedule', () => {
  const { attempts } = previewSchedule(tiered, { createdAtMs: START_MS, expiresAtMs: null });
  const made = attempts.slice(0, 4).map(({ atMs }) => ({ atMs }));
  const tried = failedAt(made.map(({ atMs }) => atMs)).map((one) => ({
    ...{ ...one, endedAtMs: one.startedAtMs },
  }));
  const nowMs = tried.at(-1)?.endedAtMs ?? START_MS;
  const history = { startedAtMs: START_MS, attempts: tried, requestedAtMs: null };
  const rest = planAhead(tiered, { history, nowMs, expiresAtMs: null });
  expect(rest.attempts).toEqual(attempts.slice(4));
  const open = {
    ...history,
    attempts: failedAt([START_MS]).map((o) => ({ ...o, endedAtMs: null })),
  };
  expect(() => planAhead(tiered, { history: open, nowMs, expiresAtMs: null })).toThrow('open');
});

test('a schedule is shown as times of day', () => {
  const schedule = previewSchedule(tiered, { createdAtMs: START_MS, expiresAtMs: null });
  const shown = lightningScheduleSchema.parse(presentSchedule(tiered, schedule));
  expect(shown.attempts[1]).toEqual({
    ...{ number: 2, at: '2023-11-14T22:15:20.000Z', timeoutSeconds: 60 },
  });
});
