import { assert } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EXPIRY_MARGIN_MS } from './attempt-transition.ts';
import type { Payout } from './payout.ts';
import { START_MS, testLightningPayout } from './test-payouts.ts';
import { applyPayoutEvent, hasEnded, type PayoutEvent, type PayoutStep } from './transition.ts';

const HASH = 'cd'.repeat(32);
const attemptId = fc.constantFrom('a1', 'a2', 'a3', 'a4', 'a5');
const next = fc.constantFrom(null, { notBeforeMs: 9 }, { notBeforeMs: 9 });
/** The test payout's invoice ends an hour after the start. */
const ENDS_MS = START_MS + 3_600_000;
const atMs = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: START_MS, max: ENDS_MS - EXPIRY_MARGIN_MS - 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: ENDS_MS - EXPIRY_MARGIN_MS, max: ENDS_MS + 1_000 }) },
);
const origin = fc.constantFrom('manual' as const, 'processor_auto' as const);
const type = <Name extends string>(name: Name) => fc.constant(name);
const approval = { by: 'key:b', atMs: START_MS, signature: null };

const event: fc.Arbitrary<PayoutEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ type: type('approved'), approval: fc.constant(approval), atMs },
      creatorMayApprove: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: type('cancelled'), atMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ type: type('held'), reason: fc.constant('limit_per_day' as const), atMs },
      notBeforeMs: fc.constantFrom(null, 5),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      ...{ type: type('attempt_started'), attemptId, origin, atMs },
      ...{ paymentHash: fc.constant(HASH), processorId: fc.constant(null) },
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ type: type('attempt_refused'), attemptId, origin, atMs, next },
      ...{
        reason: fc.constant('not_resolved' as const),
        failureClass: type('not_resolved'),
        processorId: fc.constant(null),
      },
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ type: type('attempt_unsure'), attemptId, atMs },
      reason: fc.constantFrom('timeout_unknown' as const, 'node_unavailable' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: type('attempt_seen'), attemptId, atMs }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ type: type('attempt_succeeded'), attemptId, atMs },
      ...{ preimage: fc.constant('ee'.repeat(32)), feeMsat: fc.constantFrom(0n, 1_234n) },
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ type: type('attempt_failed'), attemptId, atMs, next },
      ...{ reason: fc.constant('no_route' as const), failureClass: type('no_route') },
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: type('gave_up'), reason: fc.constant('expired' as const), atMs }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ type: type('started'), spendId: fc.constant('s1'), origin, atMs },
      processorId: fc.constant(null),
    }),
  },
);
const story = fc.array(event, { minLength: 1, maxLength: 40 });

/** What stands in the ledger for the amount and for the fee. */
type Book = { amount: string; fee: string; moved: boolean };

function post(book: Book, ledger: Extract<PayoutStep, { ok: true }>['ledger']): void {
  for (const { template } of ledger) {
    switch (template) {
      case 'payout-reserved':
        expect(book.amount).toBe('free');
        book.amount = 'reserved';
        break;
      case 'lightning-fee-reserved':
        expect(book.fee).toBe('free');
        book.fee = 'reserved';
        break;
      case 'payout-sent':
        expect(book.amount).toBe('reserved');
        book.amount = 'sent';
        break;
      case 'payout-released':
        expect(book.amount).toBe('reserved');
        book.amount = 'free';
        break;
      case 'lightning-fee-released':
        expect(book.fee).toBe('reserved');
        book.fee = 'free';
        break;
      case 'lightning-sent':
        expect(book.moved).toBe(false);
        book.moved = true;
        break;
      case 'lightning-late':
        assert(false, 'nothing has arrived late in these stories');
        break;
      case 'payout-reversed':
        assert(false, 'what arrived over Lightning never comes back');
    }
  }
}

/** What must stand for a payout in this state: money is held exactly while it may be needed. */
function standing({ state }: Payout): Book {
  if (state === 'final') return { amount: 'sent', fee: 'free', moved: true };
  const isHeld = state === 'approved' || state === 'in_flight' || state === 'unknown';
  const stands = isHeld ? 'reserved' : 'free';
  return { amount: stands, fee: stands, moved: false };
}

function play(
  events: readonly PayoutEvent[],
  each: (before: Payout, step: PayoutStep, one: PayoutEvent) => void,
) {
  let payout = testLightningPayout();
  for (const one of events) {
    const step = applyPayoutEvent(payout, one);
    each(payout, step, one);
    if (step.ok) payout = step.payout;
  }
  return payout;
}

test('in any story the ledger holds exactly what the state says, the fee reserve with it', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(story, (events) => {
      const book: Book = { amount: 'free', fee: 'free', moved: false };
      play(events, (_, step) => {
        if (!step.ok) return;
        post(book, step.ledger);
        expect(book).toEqual(standing(step.payout));
        reached.add(step.payout.state);
      });
    }),
    { numRuns: 4_000 },
  );
  expect([...reached].sort()).toEqual([
    'approved',
    'cancelled',
    'failed',
    'final',
    'in_flight',
    'unknown',
  ]);
});

test('a payout never has two attempts open, and loses one only when it has failed for certain', () => {
  fc.assert(
    fc.property(story, (events) => {
      play(events, (before, step) => {
        if (!step.ok) return;
        const [had, has] = [before.lightning?.attemptId, step.payout.lightning?.attemptId];
        const isOpen = ['in_flight', 'unknown', 'final'].includes(step.payout.state);
        expect(has !== null).toBe(isOpen);
        if (had !== null && has !== null) expect(has).toBe(had);
        if (had !== null && has === null) expect(step.payout.lightning?.lastAttemptId).toBe(had);
      });
    }),
    { numRuns: 3_000 },
  );
});

test('unknown ends only by what is known: never by expiry, cancelling or giving up', () => {
  fc.assert(
    fc.property(story, event, (events, last) => {
      const payout = play(events, () => {});
      fc.pre(payout.state === 'unknown' || payout.state === 'in_flight');
      const step = applyPayoutEvent(payout, last);
      if (!step.ok || step.payout.state === payout.state) return;
      const knows = ['attempt_succeeded', 'attempt_failed', 'attempt_seen', 'attempt_unsure'];
      expect(knows).toContain(last.type);
    }),
    { numRuns: 4_000 },
  );
});

test('no attempt is begun, and nothing is approved, in or after the last seconds of an invoice', () => {
  fc.assert(
    fc.property(story, (events) => {
      play(events, (before, step) => {
        if (!step.ok || step.payout.state === before.state) return;
        const isBegun = step.payout.state === 'in_flight' && before.state === 'approved';
        const isApproved = before.state === 'awaiting_approval' && step.payout.state === 'approved';
        if (isBegun || isApproved) {
          expect(step.payout.updatedAtMs).toBeLessThan(ENDS_MS - EXPIRY_MARGIN_MS);
        }
      });
    }),
    { numRuns: 3_000 },
  );
});

test('an event that comes twice changes nothing the second time, and an end is an end', () => {
  fc.assert(
    fc.property(story, event, (events, last) => {
      const payout = play(events, (_, step, one) => {
        if (!step.ok) return;
        const again = applyPayoutEvent(step.payout, one);
        if (again.ok) {
          expect(again).toEqual({ ok: true, payout: step.payout, ledger: [], notices: [] });
        }
      });
      const step = applyPayoutEvent(payout, last);
      if (!step.ok) return;
      const twice = applyPayoutEvent(step.payout, last);
      if (twice.ok)
        expect(twice).toEqual({ ok: true, payout: step.payout, ledger: [], notices: [] });
      if (hasEnded(payout)) expect(step.payout).toBe(payout);
    }),
    { numRuns: 3_000 },
  );
});

test('what arrives after it counted as failed is booked once, and pays a payout that nothing else pays', () => {
  const seen = new Set<string>();
  const late = {
    type: 'attempt_arrived_late',
    ...{ attemptId: 'late', paymentHash: 'ab'.repeat(32) },
    ...{ preimage: 'ef'.repeat(32), feeMsat: 7n, atMs: ENDS_MS },
  } as const;
  fc.assert(
    fc.property(story, (events) => {
      const payout = play(events, () => {});
      fc.pre(payout.state !== 'awaiting_approval');
      const step = applyPayoutEvent(payout, { ...late, isBooked: false });
      assert(step.ok, 'it is always taken in');
      seen.add(payout.state);
      const templates = step.ledger.map(({ template }) => template);
      const isOpen = payout.state === 'in_flight' || payout.state === 'unknown';
      if (isOpen || payout.state === 'final') {
        // It can not be called back: two payments, each booked.
        expect(step.payout).toMatchObject({ state: payout.state, lightning: payout.lightning });
        expect(templates).toEqual(['lightning-late']);
      } else {
        expect(step.payout).toMatchObject({ state: 'final', lightning: { attemptId: 'late' } });
        const wasReserved = payout.state === 'approved';
        expect(templates.includes('lightning-sent')).toBe(wasReserved);
        expect(templates.includes('lightning-late')).toBe(!wasReserved);
        expect(applyPayoutEvent(step.payout, { ...late, isBooked: false })).toMatchObject({
          ledger: [],
        });
      }
      if (!isOpen) return;
      // The open one fails: then the late one has paid it, and is not booked again.
      const failed = applyPayoutEvent(step.payout, {
        type: 'attempt_failed',
        ...{ attemptId: payout.lightning?.attemptId ?? '', atMs: ENDS_MS },
        ...{ failureClass: 'no_route', reason: 'already_paid', next: null },
      });
      assert(failed.ok, 'an open attempt may fail');
      const paid = applyPayoutEvent(failed.payout, { ...late, isBooked: true });
      expect(paid).toMatchObject({ ok: true, ledger: [], payout: { state: 'final' } });
    }),
    { numRuns: 2_000 },
  );
  expect([...seen].sort()).toEqual([
    ...['approved', 'cancelled', 'failed', 'final', 'in_flight', 'unknown'],
  ]);
});

test('a spend never takes up a payout over Lightning, nor an attempt one on chain', () => {
  const approved = testLightningPayout({ state: 'approved' });
  const spend = {
    type: 'started',
    spendId: 's',
    origin: 'manual',
    processorId: null,
    atMs: 1,
  } as const;
  expect(applyPayoutEvent(approved, spend)).toEqual({ ok: false, rejection: 'not_approved' });
  const onchain = { ...approved, method: 'onchain', lightning: null } as const;
  const attempt = { type: 'attempt_seen', attemptId: 'a', atMs: 1 } as const;
  expect(applyPayoutEvent(onchain, attempt)).toEqual({ ok: false, rejection: 'other_attempt' });
});
