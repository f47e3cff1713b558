import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DAY_MS } from './calendar.ts';
import {
  applyVerificationEvent,
  GIVE_UP_MS,
  type ProviderAnswer,
  type Verification,
  type VerificationEvent,
} from './verification.ts';

function begun(changed: Partial<Verification> = {}): Verification {
  return {
    ...{ merchantId: 'm', id: 'v', customerId: 'c', method: 'provider', level: 'standard' },
    ...{ state: 'starting', reason: null, factsDigest: new Uint8Array(32), documentIds: [] },
    ...{ reference: null, sealedLink: null, sealedNote: null, validUntilMs: null, attempts: 0 },
    ...{ nextTryAtMs: 0, proposedBy: 'key:1', createdAtMs: 0, decidedBy: null, endedAtMs: null },
    ...changed,
  };
}

const said: fc.Arbitrary<ProviderAnswer> = fc.constantFrom<ProviderAnswer>(
  { kind: 'running', reference: 'r', link: null },
  { kind: 'passed', reference: 'r', validUntilMs: null },
  { kind: 'failed', reference: 'r', reason: 'x' },
  { kind: 'unknown' },
  { kind: 'refused', reason: 'x' },
);
const silence: ProviderAnswer = { kind: 'silent', reason: 'no answer' };
const answers = fc.oneof(
  { arbitrary: said, weight: 1 },
  { arbitrary: fc.constant(silence), weight: 2 },
);
const events: fc.Arbitrary<VerificationEvent> = fc.oneof(
  {
    arbitrary: answers.map((answer): VerificationEvent => ({ type: 'answered', answer })),
    weight: 5,
  },
  {
    arbitrary: fc.constantFrom<VerificationEvent>(
      { type: 'approved', by: 'key:2' },
      { type: 'declined', by: 'key:2' },
      { type: 'overtaken' },
    ),
    weight: 1,
  },
);
const steps = fc.array(fc.record({ event: events, days: fc.nat(8) }), { maxLength: 25 });

test('a verification is approved only by a person or by a provider that said so, and ends once', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (history, decides) => {
      let one = begun();
      let nowMs = 0;
      let passes = 0;
      let approvals = 0;
      let inForce = 0;
      for (const { event, days } of history) {
        nowMs += days * DAY_MS;
        if (event.type === 'answered' && event.answer.kind === 'passed') passes++;
        if (event.type === 'approved') approvals++;
        const step = applyVerificationEvent(one, event, { nowMs, decides });
        if (one.endedAtMs !== null && step.ok) expect(step.changed).toBe(false);
        if (!step.ok) continue;
        if (step.effect === 'verify') inForce++;
        one = step.verification;
        expect(one.nextTryAtMs !== null).toBe(['starting', 'running'].includes(one.state));
        expect(one.endedAtMs === null).toBe(
          ['starting', 'running', 'proposed'].includes(one.state),
        );
      }
      expect(inForce).toBe(one.state === 'approved' ? 1 : 0);
      if (one.state === 'approved') {
        expect(passes).toBeGreaterThan(0);
        if (!decides) expect(approvals).toBeGreaterThan(0);
      }
    }),
  );
});

test('silence never passes, fails or declines anybody; it only waits, ever longer, and gives up', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 60 }), fc.boolean(), (pauses, decides) => {
      let one = begun();
      let nowMs = 0;
      let waitedMs = 0;
      for (const days of pauses) {
        nowMs += days * DAY_MS;
        const event = { type: 'answered', answer: silence } as const;
        const step = applyVerificationEvent(one, event, { nowMs, decides });
        if (!step.ok) throw new Error(step.because);
        one = step.verification;
        if (one.endedAtMs !== null) break;
        const delayMs = (one.nextTryAtMs ?? 0) - nowMs;
        expect(delayMs).toBeGreaterThanOrEqual(waitedMs);
        waitedMs = delayMs;
      }
      expect(one.state).toBe(nowMs >= GIVE_UP_MS && pauses.length > 0 ? 'abandoned' : 'starting');
    }),
  );
});

test('the level enhanced waits for a person even where the provider decides', () => {
  const event = {
    type: 'answered',
    answer: { kind: 'passed', reference: 'r', validUntilMs: null },
  };
  const step = applyVerificationEvent(begun({ level: 'enhanced' }), event as VerificationEvent, {
    ...{ nowMs: 1, decides: true },
  });
  expect(step).toMatchObject({ effect: 'tell', verification: { state: 'proposed' } });
});

test('a provider that takes back what it said is contradicted, never believed', () => {
  const passed = { kind: 'passed', reference: 'r', validUntilMs: null } as const;
  const failed = { kind: 'failed', reference: 'r', reason: 'x' } as const;
  for (const [first, then] of [
    [passed, failed],
    [failed, passed],
  ] as const) {
    const now = { nowMs: 1, decides: true };
    const step = applyVerificationEvent(begun(), { type: 'answered', answer: first }, now);
    if (!step.ok) throw new Error(step.because);
    const again = (answer: ProviderAnswer) =>
      applyVerificationEvent(step.verification, { type: 'answered', answer }, now);
    expect(again(first)).toMatchObject({ ok: true, changed: false });
    expect(again(then)).toEqual({ ok: false, because: 'contradiction' });
  }
});
