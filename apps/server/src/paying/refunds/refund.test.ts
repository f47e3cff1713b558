import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assess, capTransfers, moveCap, takenSats } from './cap.ts';
import { advanceRefund, isPaid, type PayoutNews, type Refund, type RefundEvent } from './refund.ts';
import { testRefund } from './test-refund.ts';

const PAYOUTS = ['p1', 'p2'].map(() => randomUUID());
const NOW_MS = 500_000;
const SCRIPT = new Uint8Array([0, 20]);
const news = (state: PayoutNews['state'], more: Partial<PayoutNews> = {}): RefundEvent => ({
  ...{ type: 'payout', state, payoutId: PAYOUTS[0] ?? '', reason: null, txid: null },
  ...{ feeShareSats: 0n },
  ...more,
});
const claimed: RefundEvent = {
  ...{
    type: 'claimed',
    address: 'bcrt1q',
    script: SCRIPT,
    proof: null,
    payoutId: PAYOUTS[0] ?? '',
  },
};

function apply(refund: Refund, ...events: RefundEvent[]) {
  const notices: string[] = [];
  let now = refund;
  for (const event of events) {
    const change = advanceRefund(now, event, NOW_MS);
    if (change === null) continue;
    notices.push(...change.notices);
    now = change.after;
  }
  return { refund: now, notices };
}

test('a claimed refund follows its payout: approval, sent, confirmed', () => {
  const { refund, notices } = apply(
    testRefund(),
    claimed,
    news('awaiting_approval'),
    news('approved'),
    news('in_progress'),
    news('broadcast', { txid: 'aa' }),
    news('confirmed', { txid: 'aa' }),
    news('final', { txid: 'aa' }),
  );
  expect(refund).toMatchObject({ state: 'CONFIRMED', txid: 'aa', capState: 'posted', capEpoch: 1 });
  expect(notices).toEqual(['refund.claimed', 'refund.sent', 'refund.confirmed']);
});

test('a reorganisation takes it back to SENT; a fee bump changes its txid in silence', () => {
  const { refund, notices } = apply(
    testRefund(),
    claimed,
    news('confirmed', { txid: 'aa' }),
    news('broadcast', { txid: 'aa' }),
    news('broadcast', { txid: 'bb' }),
    news('confirmed', { txid: 'bb' }),
  );
  expect(refund).toMatchObject({ state: 'CONFIRMED', txid: 'bb', capEpoch: 1 });
  expect(notices).toEqual([
    ...['refund.claimed', 'refund.sent', 'refund.confirmed', 'refund.reversed'],
    'refund.confirmed',
  ]);
});

test('a payout that is reversed and tried again takes the cap anew, one that fails frees it', () => {
  const sent = apply(testRefund(), claimed, news('broadcast', { txid: 'aa' })).refund;
  const back = apply(sent, news('approved')).refund;
  expect(back).toMatchObject({ state: 'PENDING', txid: null, capState: 'pending', capEpoch: 2 });
  const failed = apply(back, news('failed', { reason: 'output_below_dust' })).refund;
  expect(failed).toMatchObject({
    ...{ state: 'FAILED', reason: 'output_below_dust', capState: 'none' },
  });
  expect(apply(failed, news('broadcast', { txid: 'aa' })).refund).toBe(failed);
});

test('an address is named once; a link that is over, held or used takes none', () => {
  const other = { ...claimed, address: 'bcrt1other' } as RefundEvent;
  expect(apply(testRefund(), claimed, other).refund.address).toBe('bcrt1q');
  expect(apply(testRefund({ claimExpiresAtMs: NOW_MS }), claimed).refund.address).toBeNull();
  expect(apply(testRefund(), { type: 'held' }, claimed).refund.address).toBeNull();
  const cancelled = apply(testRefund(), { type: 'cancelled', reason: 'by_merchant' }, claimed);
  expect(cancelled.refund).toMatchObject({ state: 'CANCELLED', address: null, capState: 'none' });
});

test('an unclaimed refund ends with its link, a claimed one does not', () => {
  const late = { claimExpiresAtMs: NOW_MS - 1 };
  expect(apply(testRefund(late), { type: 'expired' }).refund.state).toBe('EXPIRED');
  expect(apply(testRefund(), { type: 'expired' }).refund.state).toBe('PENDING');
  const { refund } = apply(testRefund(), claimed);
  expect(apply({ ...refund, ...late }, { type: 'expired' }).refund.state).toBe('PENDING');
});

test('news of a payout that was given up changes nothing', () => {
  const { refund } = apply(testRefund(), claimed);
  const [, other = ''] = PAYOUTS;
  for (const state of ['broadcast', 'failed', 'cancelled'] as const) {
    expect(advanceRefund(refund, news(state, { payoutId: other }), NOW_MS)).toBeNull();
  }
});

const anyEvent: fc.Arbitrary<RefundEvent> = fc.oneof(
  fc.constant(claimed),
  fc.constant<RefundEvent>({ type: 'cancelled', reason: 'by_merchant' }),
  fc.constant<RefundEvent>({ type: 'expired' }),
  fc.constant<RefundEvent>({ type: 'held' }),
  fc
    .record({
      state: fc.constantFrom<PayoutNews['state']>(
        ...(['awaiting_approval', 'approved', 'in_progress', 'broadcast'] as const),
        ...(['confirmed', 'final', 'failed', 'cancelled'] as const),
      ),
      payoutId: fc.constantFrom(...PAYOUTS),
      txid: fc.constantFrom('aa', 'bb'),
      feeShareSats: fc.constantFrom(0n, 7n),
    })
    .map(({ state, ...more }) => news(state, more)),
  fc.constant<'resume'>('resume').map(() => ({ type: 'resumed', payoutId: null }) as RefundEvent),
);

test('any history: the ledger takes its transfers in turn, and its cap says what the state says', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 25 }), (events) => {
      let refund = testRefund();
      const open = new Map<string, 'pending' | 'posted'>([[`${refund.id} 1`, 'pending']]);
      for (const given of events) {
        const event =
          given.type === 'resumed'
            ? { ...given, payoutId: refund.address === null ? null : (PAYOUTS[1] ?? '') }
            : given;
        const change = advanceRefund(refund, event, NOW_MS);
        if (change === null) continue;
        for (const { template, reference } of capTransfers(change, NOW_MS)) {
          const key = `${reference['refundId']} ${reference['epoch']}`;
          const was = open.get(key);
          if (template === 'refund-reserved') {
            expect(was, 'an epoch begins once').toBeUndefined();
            open.set(key, 'pending');
          } else if (template === 'refund-sent') {
            expect(was).toBe('pending');
            open.set(key, 'posted');
          } else if (template === 'refund-released') {
            expect(was).toBe('pending');
            open.delete(key);
          } else {
            expect(was).toBe('posted');
            open.delete(key);
          }
        }
        refund = change.after;
        expect([...open.values()]).toEqual(refund.capState === 'none' ? [] : [refund.capState]);
        expect(refund.capState === 'posted').toBe(isPaid(refund));
        expect(advanceRefund(refund, event, NOW_MS)?.notices ?? []).toEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('the cap follows what was received, but never below what refunds hold', () => {
  const key = { merchantId: randomUUID(), orderId: randomUUID(), atMs: 1 };
  const first = moveCap({ creditedSats: 0n, epoch: 0 }, { confirmedSats: 9n, takenSats: 0n }, key);
  expect(first).toMatchObject({
    ...{ cap: { creditedSats: 9n, epoch: 1 }, transfer: { template: 'refundable-credited' } },
  });
  const gone = moveCap(first.cap, { confirmedSats: 0n, takenSats: 4n }, key);
  expect(gone).toMatchObject({
    ...{ cap: { creditedSats: 4n, epoch: 2 }, transfer: { template: 'refundable-taken-back' } },
  });
  expect(moveCap(gone.cap, { confirmedSats: 3n, takenSats: 4n }, key).transfer).toBeNull();
});

test('any reorganisation: what is kept is covered, the oldest first, and what is paid is untouched', () => {
  const anyRefund = fc
    .record({
      basisSats: fc.bigInt({ min: 1n, max: 100n }),
      kind: fc.constantFrom('waits', 'waits', 'held', 'sent', 'under way', 'over'),
    })
    .map(({ basisSats, kind }) => {
      const id = randomUUID();
      if (kind === 'held') return testRefund({ id, basisSats, held: true, capState: 'none' });
      if (kind === 'sent') {
        return testRefund({ id, basisSats, state: 'SENT', capState: 'posted' });
      }
      if (kind === 'over') {
        return testRefund({ id, basisSats, state: 'FAILED', capState: 'none' });
      }
      return testRefund({ id, basisSats, payoutId: kind === 'under way' ? id : null });
    });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 300n }), fc.array(anyRefund), (confirmed, refunds) => {
      const underWay = new Set(refunds.flatMap((each) => each.payoutId ?? []));
      const { hold, resume } = assess(confirmed, refunds, underWay);
      const after = refunds.map((each) => {
        if (hold.includes(each)) return { ...each, capState: 'none' as const };
        return resume.includes(each) ? { ...each, capState: 'pending' as const } : each;
      });
      const gone = after.filter((each) => isPaid(each) || underWay.has(each.id));
      const fixed = gone.reduce((sum, { basisSats }) => sum + basisSats, 0n);
      const most = confirmed > fixed ? confirmed : fixed;
      expect(takenSats(after) <= most).toBe(true);
      for (const each of [...hold, ...resume])
        expect(gone.map(({ id }) => id)).not.toContain(each.id);
    }),
    { numRuns: 1_000 },
  );
});
