import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import type { SentAttempt } from './attempt.ts';
import {
  DEAD_AFTER_EXPIRY_MS,
  FENCE_APART_MS,
  FENCE_MS,
  judgeAnswer,
  SEND_AGAIN_AFTER_MS,
  WAIT_MS,
} from './judge-answer.ts';

const PREIMAGE = '5a'.repeat(32);
const HASH = createHash('sha256').update(Buffer.from(PREIMAGE, 'hex')).digest('hex');
const START_MS = 1_000_000;

const attempt: fc.Arbitrary<SentAttempt> = fc
  .record({
    lifeMs: fc.integer({ min: 30_000, max: 1_800_000 }),
    timeoutMs: fc.integer({ min: 1_000, max: 60_000 }),
    sends: fc.integer({ min: 1, max: 3 }),
    sentMs: fc.integer({ min: 0, max: 60_000 }),
    lastAnswer: fc.constantFrom(
      null,
      'in_flight' as const,
      'not_found' as const,
      'unknown' as const,
    ),
    sinceMs: fc.option(fc.integer({ min: 0, max: 700_000 })),
  })
  .map(({ lifeMs, timeoutMs, sends, sentMs, lastAnswer, sinceMs }) => ({
    ...{ merchantId: 'm', id: 'a', payoutId: 'p', number: 1, state: 'open', origin: 'manual' },
    ...{ processorId: null, node: { id: 'n', key: 'k' }, amountMsat: 1_000n, feeLimitMsat: 10n },
    invoice: { text: 'ln', offer: null, paymentHash: HASH, expiresAtMs: START_MS + lifeMs },
    ...{ deadlineMs: START_MS + timeoutMs, sends, sentAtMs: START_MS + sentMs, lastAnswer },
    ...{ lastAnswerAtMs: null, detail: null, dueAtMs: 0, looks: 0, failure: null, preimage: null },
    ...{ sentMsat: null, feeMsat: null, startedAtMs: START_MS, endedAtMs: null },
    notFoundSinceMs: sinceMs === null || lastAnswer !== 'not_found' ? null : START_MS + sinceMs,
    ...{ watchUntilMs: null, watchDueAtMs: null, arrivedLate: false },
  }));
const nowMs = fc.integer({ min: START_MS, max: START_MS + 2_000_000 });
const failure = { failureClass: 'no_route', code: 'x', detail: 'x', at: null } as const;

test('"not found" ends nothing before it was said again after the fence, or after the invoice', () => {
  const ended = { fenced: 0, expired: 0 };
  const ageMs = fc.integer({ min: 0, max: 90_000 });
  fc.assert(
    fc.property(
      attempt,
      nowMs,
      ageMs,
      fc.boolean(),
      fc.boolean(),
      (given, now, age, own, known) => {
        // Whoever asked may have stood still since.
        const askedAtMs = now - age;
        const world = { nowMs: now, askedAtMs, isOwnReply: own, isKnownHash: known };
        const verdict = judgeAnswer(given, { state: 'not_found' }, world);
        const { deadlineMs, invoice, notFoundSinceMs, sentAtMs } = given;
        const sendingOverMs = Math.max(deadlineMs, (sentAtMs ?? 0) + WAIT_MS);
        if (verdict.type === 'open') {
          if (verdict.notFoundSinceMs !== null) {
            expect(verdict.notFoundSinceMs).toBeGreaterThanOrEqual(
              Math.min(sendingOverMs, notFoundSinceMs ?? sendingOverMs),
            );
          }
          if (verdict.maySendAgain) {
            expect(now).toBeLessThan(deadlineMs);
            expect(now).toBeLessThan(invoice.expiresAtMs);
            expect(now - (sentAtMs ?? 0)).toBeGreaterThanOrEqual(SEND_AGAIN_AFTER_MS);
          }
          return;
        }
        expect(verdict.type).toBe('failed');
        expect(given.lastAnswer).toBe('not_found');
        expect(askedAtMs).toBeGreaterThanOrEqual(deadlineMs + WAIT_MS);
        if (verdict.type === 'failed' && verdict.failure.failureClass === 'expired') {
          ended.expired++;
          expect(askedAtMs).toBeGreaterThanOrEqual(invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS);
          return;
        }
        ended.fenced++;
        expect(own).toBe(false);
        expect(askedAtMs).toBeGreaterThanOrEqual(sendingOverMs + FENCE_MS);
        expect(notFoundSinceMs).not.toBeNull();
        expect(askedAtMs - (notFoundSinceMs ?? 0)).toBeGreaterThanOrEqual(FENCE_APART_MS);
        // It stays watched as long as a node could still pay it.
        const untilMs = invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS;
        expect(verdict).toMatchObject({
          failure: { failureClass: 'node_unavailable' },
          watchUntilMs: untilMs > now ? untilMs : null,
        });
      },
    ),
    { numRuns: 6_000 },
  );
  expect(ended.expired).toBeGreaterThan(50);
  expect(ended.fenced).toBeGreaterThan(50);
});

test('any other answer breaks the row of "not found", and so does one from before the end', () => {
  const other: fc.Arbitrary<PaymentOutcome> = fc.constantFrom(
    { state: 'in_flight' } as const,
    { state: 'unknown', detail: 'x' } as const,
  );
  fc.assert(
    fc.property(attempt, other, nowMs, (given, said, now) => {
      const world = { nowMs: now, askedAtMs: now, isOwnReply: false, isKnownHash: false };
      expect(judgeAnswer(given, said, world)).toMatchObject({ notFoundSinceMs: null });
      const early = { ...world, askedAtMs: given.deadlineMs - 1 };
      const verdict = judgeAnswer(given, { state: 'not_found' }, early);
      expect(verdict).toMatchObject({ type: 'open', notFoundSinceMs: null });
    }),
  );
});

test('a sending that came to nothing says nothing of those before it', () => {
  const refused = { ...failure, failureClass: 'node_unavailable' } as const;
  const local = { ...failure, failureClass: 'expired', code: 'not_sent' } as const;
  fc.assert(
    fc.property(attempt, nowMs, fc.constantFrom(refused, local), (given, now, said) => {
      const world = { nowMs: now, askedAtMs: now, isOwnReply: true, isKnownHash: false };
      const { type } = judgeAnswer(given, { state: 'failed', failure: said }, world);
      expect(type).toBe(given.sends > 1 ? 'open' : 'failed');
    }),
  );
});

test('what was given to a node several times and failed stays watched: one sending may be lost', () => {
  fc.assert(
    fc.property(attempt, nowMs, (given, now) => {
      const world = { nowMs: now, askedAtMs: now, isOwnReply: true, isKnownHash: false };
      const verdict = judgeAnswer(given, { state: 'failed', failure }, world);
      const untilMs = given.invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS;
      const isWatched = given.sends > 1 && untilMs > now;
      expect(verdict).toMatchObject({ watchUntilMs: isWatched ? untilMs : null });
    }),
  );
});

test('silence and doubt never end an attempt, however late it is', () => {
  const answer: fc.Arbitrary<PaymentOutcome> = fc.constantFrom(
    { state: 'in_flight' } as const,
    { state: 'unknown', detail: 'x' } as const,
    { state: 'failed', failure: { ...failure, failureClass: 'timeout_unknown' } } as const,
  );
  fc.assert(
    fc.property(attempt, answer, nowMs, fc.boolean(), (given, said, now, isOwnReply) => {
      const world = { nowMs: now, askedAtMs: now, isOwnReply, isKnownHash: false };
      expect(judgeAnswer(given, said, world).type).toBe('open');
    }),
  );
});

test('only a preimage of the hash is a success', () => {
  const world = {
    ...{ nowMs: START_MS, askedAtMs: START_MS, isOwnReply: true, isKnownHash: false },
  };
  const said = (preimage: string) =>
    ({ state: 'succeeded', preimage, amountMsat: 1_000n, feeMsat: 1n, endedAtMs: null }) as const;
  fc.assert(
    fc.property(attempt, fc.stringMatching(/^[0-9a-f]{0,66}$/), (given, preimage) => {
      fc.pre(preimage !== PREIMAGE);
      expect(judgeAnswer(given, said(preimage), world).type).toBe('open');
      expect(judgeAnswer(given, said(PREIMAGE), world).type).toBe('succeeded');
    }),
  );
});

test('an old failure of the same hash does not end an attempt that may still be arriving', () => {
  fc.assert(
    fc.property(attempt, nowMs, (given, now) => {
      const world = { nowMs: now, askedAtMs: now, isOwnReply: false, isKnownHash: true };
      const { type } = judgeAnswer(given, { state: 'failed', failure }, world);
      const isQuiet = now >= (given.sentAtMs ?? 0) + SEND_AGAIN_AFTER_MS;
      expect(type).toBe(isQuiet ? 'failed' : 'open');
      const reply = judgeAnswer(
        given,
        { state: 'failed', failure },
        { ...world, isOwnReply: true },
      );
      expect(reply.type).toBe('failed');
    }),
  );
});

test('"already paid" of what was sent before is not taken for a failure', () => {
  const said = { state: 'failed', failure: { ...failure, failureClass: 'already_paid' } } as const;
  const world = {
    ...{ nowMs: START_MS, askedAtMs: START_MS, isOwnReply: true, isKnownHash: false },
  };
  fc.assert(
    fc.property(attempt, (given) => {
      expect(judgeAnswer(given, said, world).type).toBe(given.sends > 1 ? 'open' : 'failed');
    }),
  );
});
