import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PaymentOutcome } from '../../receiving/lightning/index.ts';
import type { SentAttempt } from './attempt.ts';
import { DEAD_AFTER_EXPIRY_MS, judgeAnswer, SEND_AGAIN_AFTER_MS, WAIT_MS } from './judge-answer.ts';

const PREIMAGE = '5a'.repeat(32);
const HASH = createHash('sha256').update(Buffer.from(PREIMAGE, 'hex')).digest('hex');
const START_MS = 1_000_000;

const attempt: fc.Arbitrary<SentAttempt> = fc
  .record({
    lifeMs: fc.integer({ min: 30_000, max: 600_000 }),
    timeoutMs: fc.integer({ min: 1_000, max: 60_000 }),
    sends: fc.integer({ min: 1, max: 3 }),
    sentMs: fc.integer({ min: 0, max: 60_000 }),
    lastAnswer: fc.constantFrom(
      null,
      'in_flight' as const,
      'not_found' as const,
      'unknown' as const,
    ),
  })
  .map(({ lifeMs, timeoutMs, sends, sentMs, lastAnswer }) => ({
    ...{ merchantId: 'm', id: 'a', payoutId: 'p', number: 1, state: 'open', origin: 'manual' },
    ...{ processorId: null, node: { id: 'n', key: 'k' }, amountMsat: 1_000n, feeLimitMsat: 10n },
    invoice: { text: 'ln', offer: null, paymentHash: HASH, expiresAtMs: START_MS + lifeMs },
    ...{ deadlineMs: START_MS + timeoutMs, sends, sentAtMs: START_MS + sentMs, lastAnswer },
    ...{ lastAnswerAtMs: null, detail: null, dueAtMs: 0, looks: 0, failure: null, preimage: null },
    ...{ sentMsat: null, feeMsat: null, startedAtMs: START_MS, endedAtMs: null },
  }));
const nowMs = fc.integer({ min: START_MS, max: START_MS + 2_000_000 });
const failure = { failureClass: 'no_route', code: 'x', detail: 'x', at: null } as const;

test('"not found" ends nothing before the invoice, the deadline and a second look are past', () => {
  let ended = 0;
  fc.assert(
    fc.property(attempt, nowMs, fc.boolean(), (given, now, isKnownHash) => {
      const world = { nowMs: now, isOwnReply: false, isKnownHash };
      const verdict = judgeAnswer(given, { state: 'not_found' }, world);
      if (verdict.type === 'open') {
        if (verdict.maySendAgain) {
          expect(now).toBeLessThan(given.deadlineMs);
          expect(now).toBeLessThan(given.invoice.expiresAtMs);
          expect(now - (given.sentAtMs ?? 0)).toBeGreaterThanOrEqual(SEND_AGAIN_AFTER_MS);
        }
        return;
      }
      ended++;
      expect(verdict.type).toBe('failed');
      expect(given.lastAnswer).toBe('not_found');
      expect(now).toBeGreaterThanOrEqual(given.invoice.expiresAtMs + DEAD_AFTER_EXPIRY_MS);
      expect(now).toBeGreaterThanOrEqual(given.deadlineMs + WAIT_MS);
    }),
    { numRuns: 2_000 },
  );
  expect(ended).toBeGreaterThan(50);
});

test('silence and doubt never end an attempt, however late it is', () => {
  const answer: fc.Arbitrary<PaymentOutcome> = fc.constantFrom(
    { state: 'in_flight' } as const,
    { state: 'unknown', detail: 'x' } as const,
    { state: 'failed', failure: { ...failure, failureClass: 'timeout_unknown' } } as const,
  );
  fc.assert(
    fc.property(attempt, answer, nowMs, fc.boolean(), (given, said, now, isOwnReply) => {
      const world = { nowMs: now, isOwnReply, isKnownHash: false };
      expect(judgeAnswer(given, said, world).type).toBe('open');
    }),
  );
});

test('only a preimage of the hash is a success', () => {
  const world = { nowMs: START_MS, isOwnReply: true, isKnownHash: false };
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
      const world = { nowMs: now, isOwnReply: false, isKnownHash: true };
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
  const world = { nowMs: START_MS, isOwnReply: true, isKnownHash: false };
  fc.assert(
    fc.property(attempt, (given) => {
      expect(judgeAnswer(given, said, world).type).toBe(given.sends > 1 ? 'open' : 'failed');
    }),
  );
});
