import { assert } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Payout, PayoutApproval } from './payout.ts';
import { START_MS, testPayout } from './test-payouts.ts';
import { applyPayoutEvent, hasEnded, type PayoutEvent, type PayoutStep } from './transition.ts';

const KEYS = ['key:creator', 'key:b', 'key:c', 'key:d'];
const PERSONS = [null, null, 'p1', 'p2'];
const SPENDS = ['s1', 's2', 's3'];
const TXIDS = ['aa', 'bb'];

const approval: fc.Arbitrary<PayoutApproval> = fc
  .record({ by: fc.constantFrom(...KEYS), person: fc.constantFrom(...PERSONS) })
  .map(({ by, person }) => ({
    by,
    atMs: START_MS,
    signature: person === null ? null : { approver: person, expiresAtMs: 1, signature: '00' },
  }));
const spendId = fc.constantFrom(...SPENDS);
const atMs = fc.integer({ min: START_MS, max: START_MS + 1_000 });

const event: fc.Arbitrary<PayoutEvent> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('approved' as const),
      approval,
      creatorMayApprove: fc.boolean(),
      atMs,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('auto_approved' as const),
      approval: fc.constant(null),
      atMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cancelled' as const), atMs }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('held' as const),
      reason: fc.constantFrom('insufficient_funds' as const, 'destination_held' as const),
      notBeforeMs: fc.constantFrom(null, 5),
      atMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hastened' as const), atMs }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('freed' as const), atMs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('started' as const),
      spendId,
      origin: fc.constantFrom('manual' as const, 'processor_auto' as const),
      processorId: fc.constant(null),
      atMs,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('spend_moved' as const),
      spendId,
      to: fc.constantFrom(
        'broadcast' as const,
        'confirmed' as const,
        'broadcast' as const,
        'confirmed' as const,
        'final' as const,
      ),
      txid: fc.constantFrom(...TXIDS),
      feeShareSats: fc.constantFrom(0n, 7n),
      reason: fc.constantFrom(null, 'conflict_not_final' as const),
      atMs,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('spend_noted' as const),
      spendId,
      reason: fc.constantFrom(null, 'signer_unavailable' as const),
      atMs,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('pay_requested' as const),
      request: fc.constant({ by: 'key:b', atMs: 1, targetBlocks: 6, maxFeeRateSatPerVb: 9 }),
      atMs,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('spend_failed' as const),
      spendId,
      reason: fc.constant('coin_gone' as const),
      retry: fc.constantFrom(null, { notBeforeMs: 9, maxAttempts: 3 }),
      atMs,
    }),
  },
);
const story = fc.record({
  events: fc.array(event, { minLength: 1, maxLength: 40 }),
  approvalsNeeded: fc.integer({ min: 1, max: 3 }),
});

/** The ledger as far as one payout on chain goes: what stands in each epoch. */
type Book = Map<number, 'reserved' | 'sent' | 'released' | 'reversed'>;
const NEEDED = {
  'payout-reserved': undefined,
  'payout-sent': 'reserved',
  'payout-released': 'reserved',
  'payout-reversed': 'sent',
} as const;
const MADE = {
  'payout-reserved': 'reserved',
  'payout-sent': 'sent',
  'payout-released': 'released',
  'payout-reversed': 'reversed',
} as const;

function post(book: Book, ledger: Extract<PayoutStep, { ok: true }>['ledger']): void {
  for (const intent of ledger) {
    const { template } = intent;
    assert(
      template in NEEDED && 'epoch' in intent,
      `${template} has no place in a payout on chain`,
    );
    const { epoch } = intent;
    const stands = book.get(epoch);
    expect(stands, `${template} in epoch ${epoch}`).toBe(NEEDED[template as keyof typeof NEEDED]);
    book.set(epoch, MADE[template as keyof typeof MADE]);
  }
}

/** What must stand in the ledger for a payout in this state. */
function standing({ state }: Payout): 'reserved' | 'sent' | null {
  if (state === 'approved' || state === 'in_progress') return 'reserved';
  return state === 'broadcast' || state === 'confirmed' || state === 'final' ? 'sent' : null;
}

test('in any story the ledger holds exactly what the state says, and each transfer fits the one before', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(story, ({ events, approvalsNeeded }) => {
      let payout = testPayout({ approvalsNeeded });
      const book: Book = new Map();
      for (const each of events) {
        const step = applyPayoutEvent(payout, each);
        if (!step.ok) continue;
        post(book, step.ledger);
        payout = step.payout;
        const open = [...book.values()].filter((entry) => entry === 'reserved' || entry === 'sent');
        expect(open).toEqual(standing(payout) === null ? [] : [standing(payout)]);
        reached.add(payout.state);
        if (payout.ledgerEpoch > 0) reached.add('reversed');
      }
    }),
    { numRuns: 3_000 },
  );
  // The property is worth little unless every state really came up.
  expect([...reached].sort()).toEqual([
    'approved',
    'awaiting_approval',
    'broadcast',
    'cancelled',
    'confirmed',
    'failed',
    'final',
    'in_progress',
    'reversed',
  ]);
});

test('a payout that has ended never changes again', () => {
  fc.assert(
    fc.property(story, event, ({ events }, last) => {
      let payout = testPayout();
      for (const each of events) {
        const step = applyPayoutEvent(payout, each);
        if (step.ok) payout = step.payout;
      }
      fc.pre(hasEnded(payout));
      const step = applyPayoutEvent(payout, last);
      if (step.ok) expect(step).toEqual({ ok: true, payout, ledger: [], notices: [] });
    }),
    { numRuns: 3_000 },
  );
});

test('an event that comes twice changes nothing the second time', () => {
  fc.assert(
    fc.property(story, ({ events }) => {
      let payout = testPayout();
      for (const each of events) {
        const step = applyPayoutEvent(payout, each);
        if (!step.ok) continue;
        payout = step.payout;
        const again = applyPayoutEvent(payout, each);
        if (!again.ok) continue;
        expect(again.ledger).toEqual([]);
        expect(again.notices).toEqual([]);
        expect(again.payout).toBe(payout);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a payout has one spend exactly while it is being paid, and never takes up a second one', () => {
  fc.assert(
    fc.property(story, ({ events }) => {
      let payout = testPayout();
      for (const each of events) {
        const step = applyPayoutEvent(payout, each);
        if (!step.ok) continue;
        if (payout.spendId !== null && step.payout.spendId !== null) {
          expect(step.payout.spendId).toBe(payout.spendId);
        }
        payout = step.payout;
        const isPaid = ['in_progress', 'broadcast', 'confirmed', 'final'].includes(payout.state);
        expect(payout.spendId !== null).toBe(isPaid);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('as many different keys and persons approve as are needed, each counted once', () => {
  fc.assert(
    fc.property(
      fc.array(approval, { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      (given, needed) => {
        let payout = testPayout({ approvalsNeeded: needed });
        for (const each of given) {
          const step = applyPayoutEvent(payout, {
            type: 'approved',
            approval: each,
            creatorMayApprove: true,
            atMs: START_MS,
          });
          if (step.ok) payout = step.payout;
          const keys = new Set(payout.approvals.map(({ by }) => by));
          const persons = payout.approvals.flatMap(({ signature }) => signature?.approver ?? []);
          expect(keys.size).toBe(payout.approvals.length);
          expect(new Set(persons).size).toBe(persons.length);
          expect(payout.state === 'approved').toBe(payout.approvals.length >= needed);
        }
      },
    ),
  );
});

test('the creator alone never satisfies four eyes, and is refused where the policy says so', () => {
  const own: PayoutApproval = { by: 'key:creator', atMs: START_MS, signature: null };
  const approve = (payout: Payout, given: PayoutApproval, creatorMayApprove: boolean) =>
    applyPayoutEvent(payout, {
      type: 'approved',
      approval: given,
      creatorMayApprove,
      atMs: START_MS,
    });
  const first = approve(testPayout({ approvalsNeeded: 2 }), own, true);
  assert(first.ok, 'the creator may be one of two');
  const again = approve(
    first.payout,
    { ...own, signature: { approver: 'p', expiresAtMs: 1, signature: '' } },
    true,
  );
  assert(again.ok, 'a repetition is no error');
  expect(again.payout.state).toBe('awaiting_approval');
  expect(approve(testPayout(), own, false)).toEqual({
    ok: false,
    rejection: 'creator_may_not_approve',
  });
});

test('a spend that is told of late has its missed steps told too', () => {
  const paying = testPayout({
    state: 'in_progress',
    spendId: 's1',
    approvals: [],
    approvedAtMs: 1,
  });
  const step = applyPayoutEvent(paying, {
    type: 'spend_moved',
    spendId: 's1',
    to: 'confirmed',
    txid: 'aa',
    feeShareSats: 3n,
    reason: null,
    atMs: 9,
  });
  assert(step.ok, 'it fits');
  expect(step.notices).toEqual(['payout.broadcast', 'payout.confirmed']);
  expect(step.ledger).toEqual([{ template: 'payout-sent', epoch: 0 }]);
  const back = applyPayoutEvent(step.payout, {
    type: 'spend_moved',
    spendId: 's1',
    to: 'broadcast',
    txid: 'aa',
    feeShareSats: 3n,
    reason: null,
    atMs: 10,
  });
  assert(back.ok, 'a reorganisation takes it back');
  expect(back.notices).toEqual(['payout.broadcast']);
  expect(back.ledger).toEqual([]);
});

test('an event about another spend than its own is refused', () => {
  const paying = testPayout({ state: 'in_progress', spendId: 's1' });
  for (const type of ['spend_moved', 'spend_failed'] as const) {
    const other = {
      spendId: 's2',
      to: 'final',
      txid: 'x',
      feeShareSats: 0n,
      reason: 'coin_gone',
      retry: null,
      atMs: 1,
    } as const;
    expect(applyPayoutEvent(paying, { type, ...other })).toEqual({
      ok: false,
      rejection: 'other_spend',
    });
  }
});

test('what a check held goes on at once when it is freed, and no other wait ends by it', () => {
  const approved = applyPayoutEvent(testPayout(), {
    ...{ type: 'auto_approved', approval: null, atMs: START_MS },
  });
  assert(approved.ok, 'a payout can be approved');
  for (const reason of ['destination_held', 'limit_per_payout'] as const) {
    const hold = { type: 'held', reason, notBeforeMs: 99, atMs: 2 } as const;
    const held = applyPayoutEvent(approved.payout, hold);
    assert(held.ok, 'an approved payout can be held');
    const freed = applyPayoutEvent(held.payout, { type: 'freed', atMs: 3 });
    const expected =
      reason === 'destination_held'
        ? { state: 'approved', reason: null, notBeforeMs: null }
        : { state: 'approved', reason, notBeforeMs: 99 };
    expect(freed).toMatchObject({ ok: true, payout: expected, ledger: [], notices: [] });
  }
});
