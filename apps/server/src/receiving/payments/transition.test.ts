import type { Uuid } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { confirmedInAll, excessSats, remainingSats, statusOf, totals } from './amounts.ts';
import {
  isAvailable,
  isConfirmed,
  isLive,
  isWithheld,
  NO_REFUNDS,
  type PayableOrder,
  type Payment,
  type PaymentEvent,
  reviewOf,
} from './payment.ts';
import type { LedgerIntent, Notice } from './order-change.ts';
import { applyEvents } from './transition.ts';

const EXPIRES_MS = 1_000_000;
const MONITOR_UNTIL_MS = 2_000_000;

const ORDER: PayableOrder = {
  merchantId: '00000000-0000-7000-8000-000000000001',
  id: '00000000-0000-7000-8000-000000000002',
  status: 'PENDING',
  dueSats: 100_000n,
  toleranceBelowSats: 1_000n,
  toleranceAboveSats: 1_000n,
  requiredConfirmations: 3,
  latePolicy: 'hold',
  screening: 'off',
  expiresAtMs: EXPIRES_MS,
  monitorUntilMs: MONITOR_UNTIL_MS,
  expiredAtMs: null,
  cancelledAtMs: null,
  lateAcceptedAtMs: null,
  receivedSats: 0n,
  confirmedSats: 0n,
  lateSats: 0n,
  reviewSats: 0n,
  settledSats: 0n,
  settlementEpoch: 0,
  refunds: NO_REFUNDS,
  version: 1,
};

type State = { order: PayableOrder; payments: readonly Payment[] };
const START: State = { order: ORDER, payments: [] };

/** Double entry as the ledger does it, as far as receiving needs it. */
function newBooks() {
  const pending = new Map<string, bigint>();
  const posted = new Map<string, bigint>();
  const seen = new Set<string>();
  let settlement: { epoch: number; merchantSats: bigint; excessSats: bigint } | null = null;
  let lastEpoch = 0;
  let draw: { epoch: number; heldSats: bigint; excessSats: bigint } | null = null;
  let lastDraw = 0;
  const balances = {
    wallet: 0n,
    channels: 0n,
    unapplied: 0n,
    available: 0n,
    excess: 0n,
    drawn: 0n,
    held: 0n,
    frozen: 0n,
  };
  const apart = new Set<string>();
  return {
    balances,
    pendingSats: () => [...pending.values()].reduce((sum, amount) => sum + amount, 0n),
    post(intent: LedgerIntent) {
      if (intent.template === 'lightning-received') {
        const { paymentId, amountSats, receivedMsat } = intent;
        expect(seen.has(paymentId), 'an invoice is booked once').toBe(false);
        seen.add(paymentId);
        expect(receivedMsat / 1_000n, 'all whole satoshis count').toBe(amountSats);
        balances.channels += amountSats;
        balances.unapplied += amountSats;
      } else if (isHoldIntent(intent)) {
        const { template, paymentId, epoch, amountSats } = intent;
        const id = `${template} ${paymentId} ${epoch}`;
        expect(apart.has(id), 'no move is made twice in an epoch').toBe(false);
        apart.add(id);
        const account = template === 'compliance-held' || template === 'compliance-released';
        const into = template === 'compliance-held' || template === 'compliance-frozen';
        const sign = into ? 1n : -1n;
        balances[account ? 'held' : 'frozen'] += sign * amountSats;
        balances.unapplied -= sign * amountSats;
      } else if ('paymentId' in intent) {
        const { amountSats } = intent;
        const id = `${intent.paymentId} ${intent.epoch}`;
        if (intent.template === 'payment-seen') {
          expect(seen.has(id), 'a payment is seen once in an epoch').toBe(false);
          seen.add(id);
          pending.set(id, amountSats);
        } else if (intent.template === 'payment-reorged') {
          expect(posted.get(id), 'only what was confirmed is reversed').toBe(amountSats);
          posted.delete(id);
          balances.wallet -= amountSats;
          balances.unapplied -= amountSats;
        } else {
          expect(pending.get(id), 'only what is pending is resolved').toBe(amountSats);
          pending.delete(id);
          if (intent.template === 'payment-confirmed') {
            posted.set(id, amountSats);
            balances.wallet += amountSats;
            balances.unapplied += amountSats;
          }
        }
      } else if (intent.template === 'refund-drawn') {
        expect(draw, 'refunds draw once at a time').toBeNull();
        expect(intent.epoch, 'draw epochs grow').toBeGreaterThan(lastDraw);
        lastDraw = intent.epoch;
        draw = intent;
        balances.unapplied -= intent.heldSats;
        balances.excess -= intent.excessSats;
        balances.drawn += intent.heldSats + intent.excessSats;
      } else if (intent.template === 'refund-undrawn') {
        const { epoch, heldSats, excessSats: excess } = intent;
        expect(draw, 'exactly what was drawn is given back').toMatchObject({
          ...{ epoch, heldSats, excessSats: excess },
        });
        draw = null;
        balances.unapplied += heldSats;
        balances.excess += excess;
        balances.drawn -= heldSats + excess;
      } else if (intent.template === 'order-settled') {
        expect(settlement, 'an order is settled once at a time').toBeNull();
        expect(intent.epoch, 'settlement epochs grow').toBeGreaterThan(lastEpoch);
        lastEpoch = intent.epoch;
        settlement = intent;
        balances.unapplied -= intent.merchantSats + intent.excessSats;
        balances.available += intent.merchantSats;
        balances.excess += intent.excessSats;
      } else if (intent.template === 'order-unsettled') {
        expect(settlement, 'exactly what was settled is undone').toMatchObject({
          epoch: intent.epoch,
          merchantSats: intent.merchantSats,
          excessSats: intent.excessSats,
        });
        settlement = null;
        balances.unapplied += intent.merchantSats + intent.excessSats;
        balances.available -= intent.merchantSats;
        balances.excess -= intent.excessSats;
      }
      for (const [name, sats] of Object.entries(balances)) {
        expect(sats >= 0n, `${name} is not below zero`).toBe(true);
      }
    },
  };
}

type HoldTemplate =
  | 'compliance-held'
  | 'compliance-released'
  | 'compliance-frozen'
  | 'compliance-unfrozen';

function isHoldIntent(
  intent: LedgerIntent,
): intent is Extract<LedgerIntent, { template: HoldTemplate }> {
  return intent.template.startsWith('compliance-');
}

type Applied = State & { notices: readonly Notice[]; ledger: readonly LedgerIntent[] };

function apply(state: State, ...events: PaymentEvent[]): Applied {
  const change = applyEvents(state.order, state.payments, events);
  return change ?? { ...state, notices: [], ledger: [] };
}

/** Applies one after the other, as separate transactions, and gives every status on the way. */
function statuses(events: PaymentEvent[], order: PayableOrder = ORDER): string[] {
  let state: State = { order, payments: [] };
  return events.map((event) => {
    state = apply(state, event);
    return state.order.status;
  });
}

const id = (txid: string): Uuid => `00000000-0000-8000-8000-0000000000${txid}`;

function seen(txid: string, amountSats: bigint, more: { atMs?: number; replaces?: string[] } = {}) {
  return {
    type: 'seen',
    paymentId: id(txid),
    txid,
    vout: 0,
    amountSats,
    firstSeenAtMs: more.atMs ?? 0,
    replaces: more.replaces ?? [],
  } satisfies PaymentEvent;
}

function included(
  txid: string,
  amountSats: bigint,
  more: { height?: number; fork?: string; coinbase?: boolean; atMs?: number } = {},
) {
  const height = more.height ?? 10;
  return {
    ...seen(txid, amountSats, more),
    type: 'included',
    height,
    blockHash: `${more.fork ?? 'a'}${height}`,
    coinbase: more.coinbase ?? false,
  } satisfies PaymentEvent;
}

const about = (type: 'confirmed' | 'final' | 'returned' | 'dropped', txid: string) =>
  ({ type, txid, vout: 0 }) satisfies PaymentEvent;
const replaced = (txid: string, by: string): PaymentEvent => ({
  type: 'replaced',
  txid,
  vout: 0,
  by,
});
/** An invoice that was paid with a part of a satoshi more than the amount says. */
function lightning(hash: string, amountSats: bigint, atMs = 0): PaymentEvent {
  const receivedMsat = amountSats * 1_000n + 999n;
  const paymentHash = hash.repeat(32);
  return {
    ...{ type: 'lightning_settled', paymentId: id(hash), paymentHash },
    ...{ amountSats, receivedMsat, settledAtMs: atMs },
  };
}
const EXPIRED: PaymentEvent = { type: 'expired', atMs: EXPIRES_MS + 1 };

// --- any history ---------------------------------------------------------------------------------

const TXIDS = ['a1', 'b2', 'c3'];
const HASHES = ['d4', 'e5', 'f6'];
const AMOUNTS = [1n, 50_000n, 98_999n, 99_000n, 100_000n, 101_000n, 101_001n, 250_000n];

type History = { order: PayableOrder; events: PaymentEvent[] };

const histories: fc.Arbitrary<History> = fc
  .record({
    amounts: fc.tuple(...TXIDS.map(() => fc.constantFrom(...AMOUNTS))),
    latePolicy: fc.constantFrom('hold' as const, 'accept' as const),
    screening: fc.constantFrom('off' as const, 'on' as const, 'on' as const, 'shadow' as const),
    steps: fc.array(
      fc.record({
        kind: fc.constantFrom(
          ...([
            'seen',
            'included',
            'included',
            'confirmed',
            'confirmed',
            'final',
            'returned',
          ] as const),
          ...(['replaced', 'dropped', 'expired', 'cancelled', 'late_accepted'] as const),
          ...(['lightning', 'lightning'] as const),
          ...(['approve', 'hold', 'hold', 'hold_released'] as const),
          ...(['hold_frozen', 'hold_returned'] as const),
        ),
        onLightning: fc.boolean(),
        which: fc.nat(TXIDS.length - 1),
        height: fc.integer({ min: 10, max: 13 }),
        fork: fc.constantFrom('a', 'b'),
        atMs: fc.constantFrom(
          0,
          EXPIRES_MS,
          EXPIRES_MS + 1,
          MONITOR_UNTIL_MS,
          MONITOR_UNTIL_MS + 1,
        ),
      }),
      { maxLength: 30 },
    ),
  })
  .map(({ amounts, latePolicy, screening, steps }) => ({
    order: { ...ORDER, latePolicy, screening },
    events: steps.map(({ kind, which, height, fork, atMs, onLightning }): PaymentEvent => {
      const txid = TXIDS[which] ?? '';
      const amount = amounts[which] ?? 0n;
      if (kind === 'seen') return seen(txid, amount, { atMs });
      if (kind === 'included') return included(txid, amount, { height, fork, atMs });
      if (kind === 'replaced') return replaced(txid, 'ff');
      if (kind === 'lightning') return lightning(HASHES[which] ?? '', amount, atMs);
      const paymentId = id((onLightning ? HASHES : TXIDS)[which] ?? '');
      if (kind === 'approve' || kind === 'hold') {
        return { type: 'screened', verdict: kind, paymentId };
      }
      if (kind === 'hold_released' || kind === 'hold_frozen' || kind === 'hold_returned') {
        return { type: kind, paymentId };
      }
      if (kind === 'expired' || kind === 'cancelled' || kind === 'late_accepted') {
        return { type: kind, atMs };
      }
      return about(kind, txid);
    }),
  }));

function replay({ order, events }: History, eachStep: (state: State, event: PaymentEvent) => void) {
  let state: State = { order, payments: [] };
  const books = newBooks();
  for (const event of events) {
    const change = applyEvents(state.order, state.payments, [event]);
    if (change !== null) {
      for (const intent of change.ledger) books.post(intent);
      state = change;
    }
    eachStep(state, event);
  }
  return { state, books };
}

test('any history: totals, status and books say the same, and an event said twice changes nothing', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { state, books } = replay(history, (now, event) => {
        expect(applyEvents(now.order, now.payments, [event])).toBeNull();
      });
      const { order, payments } = state;
      const live = payments.filter(isLive);
      const sum = (list: readonly Payment[]) =>
        list.reduce((total, { amountSats }) => total + amountSats, 0n);
      const counted = live.filter(
        ({ late, firstSeenAtMs, hold }) =>
          hold !== 'returnable' &&
          (!late ||
            order.lateAcceptedAtMs !== null ||
            (order.latePolicy === 'accept' && firstSeenAtMs <= MONITOR_UNTIL_MS)),
      );
      const returnable = live.filter(({ hold }) => hold === 'returnable');
      expect(order.receivedSats).toBe(sum(counted));
      expect(order.confirmedSats).toBe(sum(counted.filter(isAvailable)));
      expect(order.lateSats).toBe(sum(live) - sum(counted) - sum(returnable));
      expect(order.reviewSats).toBe(sum(live.filter(isWithheld)));
      // Held money lies apart as long as it is confirmed, and is nobody's.
      const apart = (hold: Payment['hold']) =>
        sum(live.filter((each) => isConfirmed(each) && each.hold === hold));
      expect(books.balances.held).toBe(apart('held'));
      expect(books.balances.frozen).toBe(apart('frozen'));
      // No hidden state: what the rows say now gives the status, whatever happened before.
      expect(order.status).toBe(statusOf(order, payments, totals(order, payments)));
      const { wallet, channels } = books.balances;
      const by = (method: Payment['method']) => live.filter((each) => each.method === method);
      expect(wallet).toBe(sum(by('onchain').filter(isConfirmed)));
      expect(channels).toBe(sum(by('lightning')));
      expect(books.pendingSats()).toBe(sum(live.filter((each) => !isConfirmed(each))));
      const settled = order.status === 'CONFIRMED' || order.status === 'OVERPAID';
      expect(order.settledSats).toBe(settled ? order.confirmedSats : 0n);
      expect(books.balances.excess).toBe(settled ? excessSats(order, order.confirmedSats) : 0n);
      expect(books.balances.available + books.balances.excess).toBe(order.settledSats);
      expect(books.balances.unapplied).toBe(
        wallet + channels - order.settledSats - apart('held') - apart('frozen'),
      );
    }),
    { numRuns: 3_000 },
  );
});

const wishes = fc.constantFrom(0n, 1n, 10_000n, 50_000n, 99_000n, 100_000n, 250_000n);
const refundSums = fc
  .record({
    refundedSats: wishes,
    refundingSats: wishes,
    heldWantedSats: wishes,
    excessWantedSats: wishes,
  })
  .map((sums): PaymentEvent => ({ type: 'refunds', ...sums }));

/** Histories in which refunds change their sums at any time, even to what makes no sense. */
const refundHistories: fc.Arbitrary<History> = fc
  .tuple(histories, fc.array(fc.tuple(fc.nat(30), refundSums), { maxLength: 8 }))
  .map(([{ order, events }, refunds]) => {
    const all = [...events];
    for (const [at, event] of refunds) all.splice(Math.min(at, all.length), 0, event);
    return { order, events: all };
  });

test('any history with refunds: they draw what is there and no more, and the settlement stays', () => {
  fc.assert(
    fc.property(refundHistories, (history) => {
      // newBooks() refuses whatever would take an account below zero on the way.
      const { state, books } = replay(history, (now, event) => {
        expect(applyEvents(now.order, now.payments, [event])).toBeNull();
      });
      const { order, payments } = state;
      const { refunds } = order;
      expect(order.status).toBe(statusOf(order, payments, totals(order, payments)));
      const inAll = confirmedInAll(payments);
      const nothingLeft = refunds.refundedSats > 0n && refunds.refundedSats >= inAll;
      expect(order.status === 'REFUNDED').toBe(nothingLeft);
      const least = (a: bigint, b: bigint) => (a < b ? a : b);
      const excess = excessSats(order, order.settledSats);
      expect(refunds.heldDrawnSats).toBe(least(refunds.heldWantedSats, inAll - order.settledSats));
      expect(refunds.excessDrawnSats).toBe(least(refunds.excessWantedSats, excess));
      const byLightning = payments.filter(({ method }) => method === 'lightning');
      const channels = byLightning.reduce((total, { amountSats }) => total + amountSats, 0n);
      const confirmed = payments.filter(isConfirmed);
      const chain = confirmed.reduce((total, { amountSats }) => total + amountSats, 0n);
      const apart = (hold: Payment['hold']) =>
        confirmed.reduce((total, each) => total + (each.hold === hold ? each.amountSats : 0n), 0n);
      expect(books.balances).toEqual({
        channels,
        wallet: chain - channels,
        unapplied:
          chain - apart('held') - apart('frozen') - order.settledSats - refunds.heldDrawnSats,
        available: order.settledSats - excess,
        excess: excess - refunds.excessDrawnSats,
        drawn: refunds.heldDrawnSats + refunds.excessDrawnSats,
        held: apart('held'),
        frozen: apart('frozen'),
      });
      // What is paid back does not touch whether the order was paid.
      const without = history.events.filter(({ type }) => type !== 'refunds');
      const { order: unrefunded } = replay({ ...history, events: without }, () => undefined).state;
      const cancels = history.events.some(({ type }) => type === 'cancelled');
      if (!cancels) expect(order.settledSats).toBe(unrefunded.settledSats);
    }),
    { numRuns: 3_000 },
  );
});

test('any history: events applied one by one or all together end alike', () => {
  fc.assert(
    fc.property(refundHistories, ({ order, events }) => {
      // A cancellation and an acceptance look at the status, which a batch derives at its end.
      const chain = events.filter(({ type }) => type !== 'cancelled' && type !== 'late_accepted');
      const { state, books } = replay({ order, events: chain }, () => undefined);
      const change = applyEvents(order, [], chain);
      const together = newBooks();
      for (const intent of change?.ledger ?? []) together.post(intent);
      expect(change?.order.status ?? order.status).toBe(state.order.status);
      expect(change?.payments ?? []).toEqual(state.payments);
      expect(together.balances).toEqual(books.balances);
    }),
    { numRuns: 1_000 },
  );
});

test('any history: a block that leaves the chain and comes back restores the totals', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const { state, books } = replay(history, () => undefined);
      for (const payment of state.payments) {
        if (payment.state !== 'included' && payment.state !== 'confirmed') continue;
        const { txid, amountSats, height, blockHash } = payment;
        if (txid === null) continue;
        const back: PaymentEvent = {
          ...included(txid, amountSats),
          height: height ?? 0,
          blockHash: blockHash ?? '',
        };
        const again = payment.state === 'confirmed' ? [back, about('confirmed', txid)] : [back];
        const after = apply(state, about('returned', txid), ...again);
        for (const intent of after.ledger) books.post(intent);
        const { receivedSats, confirmedSats, lateSats, settledSats, status } = state.order;
        expect(after.order).toMatchObject({
          ...{ receivedSats, confirmedSats, lateSats, settledSats, status },
        });
        expect(after.order.settlementEpoch).toBeGreaterThanOrEqual(state.order.settlementEpoch);
        return;
      }
    }),
    { numRuns: 500 },
  );
});

test('any history: an order whose counted payments are final stays paid for good', () => {
  fc.assert(
    fc.property(histories, histories, (first, then) => {
      const { state } = replay(first, () => undefined);
      const finals = state.payments.flatMap(({ txid, amountSats, state: at }) =>
        at === 'final' || txid === null
          ? []
          : [included(txid, amountSats), about('confirmed', txid), about('final', txid)],
      );
      let last = apply(state, ...finals);
      const paid = (status: string) => status === 'CONFIRMED' || status === 'OVERPAID';
      if (!paid(last.order.status)) return;
      const known = new Set(last.payments.map((payment) => payment.id));
      for (const event of then.events) {
        last = apply(last, event);
        expect(paid(last.order.status)).toBe(true);
        const newcomers = last.payments.some((payment) => !known.has(payment.id));
        if (!newcomers) expect(last.order.settledSats).toBe(last.order.confirmedSats);
      }
    }),
    { numRuns: 500 },
  );
});

// --- named cases ---------------------------------------------------------------------------------

test('partial and repeated payments add up', () => {
  expect(
    statuses([
      seen('a1', 40_000n),
      seen('b2', 60_000n),
      included('a1', 40_000n),
      about('confirmed', 'a1'),
      included('b2', 60_000n, { height: 11 }),
      about('confirmed', 'b2'),
    ]),
  ).toEqual(['UNDERPAID', 'UNCONFIRMED', 'UNCONFIRMED', 'UNCONFIRMED', 'UNCONFIRMED', 'CONFIRMED']);
});

test.each([
  [98_999n, 'UNDERPAID', 'UNDERPAID', 1_001n],
  [99_000n, 'UNCONFIRMED', 'CONFIRMED', 0n],
  [101_000n, 'UNCONFIRMED', 'CONFIRMED', 0n],
  [101_001n, 'UNCONFIRMED', 'OVERPAID', 0n],
])('tolerance: of 100000 ± 1000 sat, %i is %s and then %s', (amount, first, then, remaining) => {
  const all = statuses([seen('a1', amount), included('a1', amount), about('confirmed', 'a1')]);
  expect(all).toEqual([first, first, then]);
  expect(remainingSats(ORDER, amount)).toBe(remaining);
  expect(excessSats(ORDER, amount)).toBe(then === 'OVERPAID' ? 1_001n : 0n);
});

test('overpaid-never-confirms: too much is UNCONFIRMED first, then OVERPAID, and is settled', () => {
  const state = apply(START, included('a1', 250_000n), about('confirmed', 'a1'));
  expect(statuses([seen('a1', 250_000n)])).toEqual(['UNCONFIRMED']);
  expect(state.order).toMatchObject({ status: 'OVERPAID', settledSats: 250_000n });
});

const LATE = EXPIRES_MS + 1;

test('late-payment-lost: a late payment is recorded and told, and held until it is accepted', () => {
  const late = apply(apply(START, EXPIRED), seen('a1', 100_000n, { atMs: LATE }));
  expect(late.notices).toMatchObject([{ type: 'order.payment_late' }]);
  expect(late.order).toMatchObject({ status: 'EXPIRED', lateSats: 100_000n, receivedSats: 0n });
  const confirmed = apply(late, included('a1', 100_000n), about('confirmed', 'a1'));
  expect(confirmed.order).toMatchObject({ status: 'EXPIRED', lateSats: 100_000n, settledSats: 0n });
  const accepted = apply(confirmed, { type: 'late_accepted', atMs: LATE });
  expect(accepted.order).toMatchObject({
    status: 'CONFIRMED',
    lateSats: 0n,
    settledSats: 100_000n,
  });
});

test('a store that accepts late payments counts them at once', () => {
  const order: PayableOrder = { ...ORDER, latePolicy: 'accept' };
  expect(statuses([EXPIRED, seen('a1', 100_000n, { atMs: LATE })], order)).toEqual([
    'EXPIRED',
    'UNCONFIRMED',
  ]);
});

test('late money counts by itself only within the time that the store watches for it', () => {
  const accepting: PayableOrder = { ...ORDER, latePolicy: 'accept' };
  const paidAt = (order: PayableOrder, atMs: number) =>
    apply({ order, payments: [] }, EXPIRED, seen('a1', 100_000n, { atMs }));
  expect(paidAt(accepting, MONITOR_UNTIL_MS).order).toMatchObject({
    status: 'UNCONFIRMED',
    lateSats: 0n,
  });
  const held = paidAt(accepting, MONITOR_UNTIL_MS + 1);
  expect(held.order).toMatchObject({ status: 'EXPIRED', lateSats: 100_000n, receivedSats: 0n });
  // Nothing is lost: it is told, booked, and the merchant may accept it.
  expect(held.notices.map(({ type }) => type)).toContain('order.payment_late');
  const confirmed = apply(held, included('a1', 100_000n), about('confirmed', 'a1'));
  expect(confirmed.order).toMatchObject({ status: 'EXPIRED', settledSats: 0n });
  expect(apply(confirmed, { type: 'late_accepted', atMs: LATE }).order).toMatchObject({
    status: 'CONFIRMED',
    settledSats: 100_000n,
  });
  // `hold` holds before the end of that time as after it.
  expect(paidAt(ORDER, LATE).order.lateSats).toBe(100_000n);
});

test('a payment that came in time counts even when it is heard of after the expiry', () => {
  expect(statuses([EXPIRED, seen('a1', 100_000n, { atMs: EXPIRES_MS })])).toEqual([
    'EXPIRED',
    'UNCONFIRMED',
  ]);
  expect(statuses([EXPIRED, included('a1', 100_000n, { atMs: 5 })])[1]).toBe('UNCONFIRMED');
});

test('an order that expires while it is short stays UNDERPAID and says that it expired', () => {
  const state = apply(START, seen('a1', 10_000n));
  const expired = apply(state, EXPIRED);
  expect(expired.order).toMatchObject({ status: 'UNDERPAID', expiredAtMs: EXPIRES_MS + 1 });
  expect(expired.notices).toEqual([{ type: 'order.expired' }]);
});

test.each([
  ['dropped', [about('dropped', 'a1')], 'INVALID'],
  ['dropped beside a crumb', [seen('b2', 10_000n), about('dropped', 'a1')], 'UNDERPAID'],
  ['replaced', [replaced('a1', 'ff')], 'INVALID'],
] as const)(
  'enough at the expiry that is gone later tells the expiry then (%s)',
  (_, gone, status) => {
    const atExpiry = apply(apply(START, seen('a1', 100_000n)), EXPIRED);
    expect(atExpiry.order.status).toBe('UNCONFIRMED');
    expect(atExpiry.notices).toEqual([]);
    const later = apply(atExpiry, ...gone);
    expect(later.order.status).toBe(status);
    expect(later.notices.filter(({ type }) => type === 'order.expired')).toHaveLength(1);
  },
);

test('a late payment that was accepted and then vanished tells the expiry with EXPIRED', () => {
  const order: PayableOrder = { ...ORDER, latePolicy: 'accept' };
  const paid = apply({ order, payments: [] }, EXPIRED, seen('a1', 100_000n, { atMs: LATE }));
  expect(paid.notices.map(({ type }) => type)).toEqual(['order.payment_late']);
  const gone = apply(paid, about('dropped', 'a1'));
  expect(gone.order.status).toBe('EXPIRED');
  expect(gone.notices.map(({ type }) => type)).toEqual(['order.payment_dropped', 'order.expired']);
});

test('any history: the expiry is told exactly when an expired order becomes short', () => {
  fc.assert(
    fc.property(histories, ({ order, events }) => {
      let state: State = { order, payments: [] };
      const short = (of: PayableOrder) =>
        of.expiredAtMs !== null && ['EXPIRED', 'UNDERPAID', 'INVALID'].includes(of.status);
      for (const event of events) {
        const next = apply(state, event);
        const told = next.notices.filter(({ type }) => type === 'order.expired').length;
        expect(told).toBe(!short(state.order) && short(next.order) ? 1 : 0);
        state = next;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a fee bump after the expiry is as punctual as its original, unless it pays more', () => {
  const bump = (amount: bigint) =>
    statuses([
      seen('a1', 100_000n),
      EXPIRED,
      seen('b2', amount, { atMs: LATE, replaces: ['a1'] }),
      replaced('a1', 'b2'),
    ]).at(-1);
  expect(bump(100_000n)).toBe('UNCONFIRMED');
  // The original was withdrawn and the replacement is a late payment of its own.
  expect(bump(100_001n)).toBe('INVALID');
});

test('double-spend-replaced: a replaced payment does not count, and counts again if it is mined', () => {
  expect(statuses([seen('a1', 100_000n), replaced('a1', 'ff'), included('a1', 100_000n)])).toEqual([
    'UNCONFIRMED',
    'PENDING',
    'UNCONFIRMED',
  ]);
});

test('a payment that was withdrawn before the expiry makes the order INVALID, not EXPIRED', () => {
  expect(statuses([seen('a1', 100_000n), about('dropped', 'a1'), EXPIRED])).toEqual([
    'UNCONFIRMED',
    'PENDING',
    'INVALID',
  ]);
});

test('reorg-after-settled: a confirmed order falls back and settles anew in a new epoch', () => {
  const settled = apply(START, included('a1', 100_000n), about('confirmed', 'a1'));
  expect(settled.order).toMatchObject({ status: 'CONFIRMED', settlementEpoch: 1 });
  const back = apply(settled, about('returned', 'a1'));
  expect(back.order).toMatchObject({ status: 'UNCONFIRMED', settledSats: 0n });
  expect(back.notices).toMatchObject([{ type: 'order.payment_reorged' }]);
  const again = apply(back, included('a1', 100_000n, { fork: 'b' }), about('confirmed', 'a1'));
  expect(again.order).toMatchObject({ status: 'CONFIRMED', settlementEpoch: 2 });
});

test('only an order that nobody has paid anything for can be cancelled; money after it is late', () => {
  const cancel: PaymentEvent = { type: 'cancelled', atMs: 500 };
  expect(statuses([seen('a1', 1n), cancel])).toEqual(['UNDERPAID', 'UNDERPAID']);
  expect(statuses([cancel, seen('a1', 100_000n, { atMs: 501 })])).toEqual(['INVALID', 'INVALID']);
  expect(statuses([cancel, seen('a1', 100_000n, { atMs: 499 })])).toEqual([
    'INVALID',
    'UNCONFIRMED',
  ]);
});

test('a block reward counts as confirmed only once it can be spent', () => {
  const [payment] = apply(START, included('a1', 100_000n, { coinbase: true })).payments;
  expect(payment).toMatchObject({ confirmsAtHeight: 10 + 99, finalsAtHeight: 10 + 100 });
  const [usual] = apply(START, included('a1', 100_000n)).payments;
  expect(usual).toMatchObject({ confirmsAtHeight: 12, finalsAtHeight: 110 });
});

test('news of something that was never seen to exist changes nothing', () => {
  for (const type of ['confirmed', 'final', 'returned', 'dropped'] as const) {
    expect(applyEvents(ORDER, [], [about(type, 'a1')])).toBeNull();
  }
  expect(applyEvents(ORDER, [], [replaced('a1', 'b2')])).toBeNull();
});

test('a payment by Lightning pays at once, whatever the confirmations that the order asks for', () => {
  const paid = apply(START, lightning('d4', 100_000n));
  expect(paid.order).toMatchObject({ status: 'CONFIRMED', settledSats: 100_000n });
  expect(paid.notices.map(({ type }) => type)).toEqual(['order.payment_confirmed']);
  expect(paid.payments).toMatchObject([{ method: 'lightning', state: 'final', txid: null }]);
  expect(paid.ledger.map(({ template }) => template)).toEqual([
    'lightning-received',
    'order-settled',
  ]);
});

test('a part by Lightning and the rest on chain add up, in either order', () => {
  expect(
    statuses([
      lightning('d4', 40_000n),
      seen('a1', 60_000n),
      included('a1', 60_000n),
      about('confirmed', 'a1'),
    ]),
  ).toEqual(['UNDERPAID', 'UNCONFIRMED', 'UNCONFIRMED', 'CONFIRMED']);
  expect(statuses([seen('a1', 60_000n), lightning('d4', 40_000n)])).toEqual([
    'UNDERPAID',
    'UNCONFIRMED',
  ]);
});

test('two invoices of one order that are both paid are both credited', () => {
  const paid = apply(START, lightning('d4', 100_000n), lightning('e5', 60_000n));
  expect(paid.order).toMatchObject({ status: 'OVERPAID', receivedSats: 160_000n });
  expect(excessSats(paid.order, paid.order.receivedSats)).toBe(60_000n);
});

test('late-payment-lost: an invoice that is paid after the expiry is held until it is accepted', () => {
  const late = apply(apply(START, EXPIRED), lightning('d4', 100_000n, LATE));
  expect(late.notices.map(({ type }) => type)).toEqual([
    'order.payment_late',
    'order.payment_confirmed',
  ]);
  expect(late.order).toMatchObject({ status: 'EXPIRED', lateSats: 100_000n, settledSats: 0n });
  const accepted = apply(late, { type: 'late_accepted', atMs: LATE });
  expect(accepted.order).toMatchObject({ status: 'CONFIRMED', settledSats: 100_000n });
});

// --- holds ---------------------------------------------------------------------------------------

const onHold: fc.Arbitrary<History> = histories.map(({ order, events }) => ({
  order: { ...order, screening: 'on' },
  events,
}));

test('any history: what nobody approved or released never counts as confirmed, nor is it told so', () => {
  fc.assert(
    fc.property(onHold, ({ order, events }) => {
      const letsGo = (event: PaymentEvent) =>
        event.type === 'hold_released' ||
        (event.type === 'screened' && event.verdict === 'approve');
      let state: State = { order, payments: [] };
      for (const event of events.filter((each) => !letsGo(each))) {
        const next = apply(state, event);
        expect(next.order.confirmedSats).toBe(0n);
        expect(next.order.settledSats).toBe(0n);
        expect(next.notices.map(({ type }) => type)).not.toContain('order.payment_confirmed');
        state = next;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('any history: a freeze changes nothing that anybody outside can see', () => {
  fc.assert(
    fc.property(onHold, ({ order, events }) => {
      let state: State = { order, payments: [] };
      for (const event of events) {
        const next = apply(state, event);
        const was = state.payments.find((each) => each.hold === 'held');
        if (event.type === 'hold_frozen' && was?.id === event.paymentId) {
          expect(next.notices).toEqual([]);
          const seen = ({ order: now, payments }: State) => [
            { ...now, version: 0 },
            payments.map((each) => ({ ...each, hold: reviewOf(each) })),
          ];
          expect(seen(next)).toEqual(seen(state));
          expect(next.payments.find(({ id: other }) => other === was.id)?.hold).toBe('frozen');
        }
        state = next;
      }
    }),
    { numRuns: 1_000 },
  );
});

test('any history: payments that are all approved end as if nobody had looked', () => {
  fc.assert(
    fc.property(onHold, ({ order, events }) => {
      const HOLDS = ['screened', 'hold_released', 'hold_frozen', 'hold_returned'];
      const chain = events.filter(({ type }) => !HOLDS.includes(type));
      const approved = chain.flatMap((event) => [
        event,
        ...[...TXIDS, ...HASHES].map(
          (txid) => ({ type: 'screened', verdict: 'approve', paymentId: id(txid) }) as const,
        ),
      ]);
      const looked = replay({ order, events: approved }, () => undefined);
      const plain = replay(
        { order: { ...order, screening: 'off' }, events: chain },
        () => undefined,
      );
      const bare = ({ order: now, payments }: State) => [
        { ...now, screening: 'off', version: 0, settlementEpoch: 0 },
        payments,
      ];
      expect(bare(looked.state)).toEqual(bare(plain.state));
      expect(looked.books.balances).toEqual(plain.books.balances);
    }),
    { numRuns: 1_000 },
  );
});

const judged = (type: 'hold_released' | 'hold_frozen' | 'hold_returned', txid: string) =>
  ({ type, paymentId: id(txid) }) satisfies PaymentEvent;
const screened = (txid: string, verdict: 'approve' | 'hold') =>
  ({ type: 'screened', verdict, paymentId: id(txid) }) satisfies PaymentEvent;
const WATCHFUL: PayableOrder = { ...ORDER, screening: 'on' };

test('a held payment is set apart once confirmed, leaves with its block, and is released to its order', () => {
  const steps: PaymentEvent[][] = [
    [seen('a1', 100_000n)],
    [screened('a1', 'hold')],
    [included('a1', 100_000n)],
    [about('confirmed', 'a1')],
    [about('returned', 'a1')],
    [included('a1', 100_000n, { fork: 'b' }), about('confirmed', 'a1')],
    [judged('hold_released', 'a1')],
  ];
  let state: State = { order: WATCHFUL, payments: [] };
  const books = newBooks();
  const told: string[][] = [];
  const booked: string[][] = [];
  for (const events of steps) {
    const next = apply(state, ...events);
    for (const intent of next.ledger) books.post(intent);
    told.push([next.order.status, ...next.notices.map(({ type }) => type)]);
    booked.push(next.ledger.map(({ template }) => template));
    state = next;
  }
  expect(told).toEqual([
    ['UNCONFIRMED', 'order.payment_seen'],
    ['UNCONFIRMED', 'order.payment_under_review'],
    ['UNCONFIRMED'],
    ['UNCONFIRMED'],
    ['UNCONFIRMED', 'order.payment_reorged'],
    ['UNCONFIRMED'],
    ['CONFIRMED', 'order.payment_review_ended', 'order.payment_confirmed'],
  ]);
  expect(booked).toEqual([
    ['payment-seen'],
    [],
    [],
    ['payment-confirmed', 'compliance-held'],
    ['compliance-released', 'payment-reorged', 'payment-seen'],
    ['payment-confirmed', 'compliance-held'],
    ['compliance-released', 'order-settled'],
  ]);
  expect(books.balances).toMatchObject({ held: 0n, available: 100_000n, unapplied: 0n });
});

test('a payment that goes back counts for no order, and only then can refunds draw it', () => {
  const refunds: PaymentEvent = {
    ...{ type: 'refunds', refundedSats: 0n, refundingSats: 100_000n },
    ...{ heldWantedSats: 100_000n, excessWantedSats: 0n },
  };
  const begun = apply(
    { order: WATCHFUL, payments: [] },
    ...[included('a1', 100_000n), screened('a1', 'hold'), about('confirmed', 'a1'), refunds],
  );
  expect(begun.order).toMatchObject({ receivedSats: 100_000n, reviewSats: 100_000n });
  expect(begun.order.refunds.heldDrawnSats).toBe(0n);
  const back = apply(begun, judged('hold_returned', 'a1'));
  expect(back.order).toMatchObject({ status: 'PENDING', receivedSats: 0n, reviewSats: 0n });
  expect(back.order).toMatchObject({ lateSats: 0n, refunds: { heldDrawnSats: 100_000n } });
  // What is promised can not be frozen any more; what is frozen can not be given back.
  expect(apply(back, judged('hold_frozen', 'a1')).ledger).toEqual([]);
  const frozen = apply(begun, judged('hold_frozen', 'a1'));
  expect(frozen.ledger.map(({ template }) => template)).toEqual([
    ...['compliance-released', 'compliance-frozen'],
  ]);
  expect(apply(frozen, judged('hold_returned', 'a1')).ledger).toEqual([]);
  expect(frozen.order.refunds.heldDrawnSats).toBe(0n);
  // An authority's release is the only way out.
  expect(apply(frozen, judged('hold_released', 'a1')).order.status).toBe('CONFIRMED');
});

test('in shadow mode a payment counts at once, whatever is decided about it', () => {
  const order: PayableOrder = { ...ORDER, screening: 'shadow' };
  expect(statuses([included('a1', 100_000n), about('confirmed', 'a1')], order).at(-1)).toBe(
    'CONFIRMED',
  );
  const paid = apply(
    { order, payments: [] },
    ...[included('a1', 100_000n), about('confirmed', 'a1'), screened('a1', 'hold')],
  );
  expect(paid.order.status).toBe('CONFIRMED');
  expect(paid.payments[0]?.hold).toBe('none');
  expect(paid.notices.map(({ type }) => type)).not.toContain('order.payment_under_review');
});
