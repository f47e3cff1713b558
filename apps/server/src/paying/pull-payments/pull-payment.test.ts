import { currencies, isCurrency } from '@quittance/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayAt, periodAt } from './period.ts';
import {
  amountRefusal,
  approve,
  closedBecause,
  type Draw,
  drawableMsat,
  endDraw,
  type PullPayment,
} from './pull-payment.ts';
import { formatUnits, msatOf, readLimit, unitsOf } from './units.ts';

const instants = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
const DAY_MS = 86_400_000;

const pull: PullPayment = {
  merchantId: '00000000-0000-7000-8000-000000000001',
  id: '00000000-0000-7000-8000-000000000002',
  name: 'Expenses',
  description: null,
  state: 'active',
  currency: 'BTC',
  limitUnits: 1_000_000n,
  period: null,
  minDrawMsat: 1_000n,
  maxDrawMsat: null,
  startsAtMs: 1_000,
  expiresAtMs: 5_000,
  linkHash: null,
  approvalsNeeded: 2,
  approvals: [],
  createdBy: 'key:a',
  createdAtMs: 0,
  archivedAtMs: null,
  updatedAtMs: 0,
};

test('each moment lies in one period of each kind, and periods meet without gap or overlap', () => {
  const kinds = fc.constantFrom('day', 'week', 'month');
  fc.assert(
    fc.property(instants, kinds, (nowMs, kind) => {
      const { startMs, endMs } = periodAt(kind, { startsAtMs: 0, nowMs });
      expect(startMs <= nowMs && endMs !== null && nowMs < endMs).toBe(true);
      const next = periodAt(kind, { startsAtMs: 0, nowMs: endMs ?? 0 });
      expect(next.startMs).toBe(endMs);
      expect(periodAt(kind, { startsAtMs: 0, nowMs: startMs }).startMs).toBe(startMs);
    }),
  );
});

test('days begin at midnight, weeks on Monday, months on the first, all in UTC', () => {
  const nowMs = Date.UTC(2026, 2, 18, 13, 30);
  const at = (kind: 'day' | 'week' | 'month') =>
    new Date(periodAt(kind, { startsAtMs: 0, nowMs }).startMs).toISOString();
  expect(at('day')).toBe('2026-03-18T00:00:00.000Z');
  expect(at('week')).toBe('2026-03-16T00:00:00.000Z');
  expect(at('month')).toBe('2026-03-01T00:00:00.000Z');
  expect(dayAt(nowMs)).toEqual({
    startMs: nowMs - 13.5 * 3_600_000,
    endMs: nowMs + 10.5 * 3_600_000,
  });
  expect(periodAt(null, { startsAtMs: 7, nowMs })).toEqual({ startMs: 7, endMs: null });
  const december = periodAt('month', { startsAtMs: 0, nowMs: Date.UTC(2026, 11, 31) });
  expect(december.endMs).toBe(Date.UTC(2027, 0, 1));
  expect((december.endMs ?? 0) - december.startMs).toBe(31 * DAY_MS);
});

const rates = fc.record({
  currency: fc.constantFrom('EUR' as const, 'JPY' as const, 'KWD' as const),
  pricePerBtcE8: fc.bigInt({ min: 1n, max: 10n ** 17n }),
});

test('many draws never take less of a limit than one draw of their sum', () => {
  const amounts = fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(rates, amounts, (rate, each) => {
      const sum = each.reduce((total, amount) => total + amount, 0n);
      const apart = each.reduce((total, amount) => total + (unitsOf(amount, rate) ?? 0n), 0n);
      expect(apart >= (unitsOf(sum, rate) ?? 0n)).toBe(true);
      for (const amount of each) expect(unitsOf(amount, rate)).toBeGreaterThan(0n);
    }),
  );
});

test('what is offered for units takes no more than these units when it is drawn', () => {
  fc.assert(
    fc.property(rates, fc.bigInt({ min: 1n, max: 10n ** 12n }), (rate, units) => {
      const msat = msatOf(units, rate);
      expect((unitsOf(msat, rate) ?? units + 1n) <= units).toBe(true);
    }),
  );
  expect(msatOf(5_000n, null)).toBe(5_000n);
  expect(unitsOf(5_000n, null)).toBe(5_000n);
});

test('a limit is read exactly and written as it was read', () => {
  const of = (amount: string, currency: string) => {
    const read = readLimit(amount, currency);
    return read.ok ? `${read.limit.units} ${read.limit.currency}` : `${read.field}: ${read.reason}`;
  };
  expect(of('0.00000001', 'BTC')).toBe('1000 BTC');
  expect(of('150', 'SAT')).toBe('150000 BTC');
  expect(of('12.34', 'EUR')).toBe('1234 EUR');
  expect(of('12', 'JPY')).toBe('12 JPY');
  expect(of('12.5', 'SAT')).toMatch(/^amount: at most 0 decimals/);
  expect(of('0', 'EUR')).toBe('amount: it must be more than zero');
  expect(of('21000001', 'BTC')).toMatch(/^amount: it is more bitcoin/);
  expect(of('1', 'XXX')).toMatch(/^currency/);
  expect(formatUnits(1_000n, 'BTC')).toBe('0.00000001');
  expect(formatUnits(1_001n, 'BTC')).toBe('0.00000001001');
  for (const code of currencies) {
    if (!isCurrency(code) || code === 'BTC') continue;
    expect(of(formatUnits(98_765n, code), code)).toBe(`98765 ${code}`);
  }
});

test('what can be drawn is within the limit and the most of one draw, in whole satoshis', () => {
  const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
  const most = fc.option(fc.bigInt({ min: 1_000n, max: 10n ** 12n }), { nil: null });
  fc.assert(
    fc.property(amounts, most, (remaining, maxDrawMsat) => {
      const drawable = drawableMsat({ minDrawMsat: 1_000n, maxDrawMsat }, remaining);
      if (drawable === null) {
        expect(remaining < 1_000n).toBe(true);
        return;
      }
      expect(drawable.maxMsat <= remaining).toBe(true);
      expect(drawable.maxMsat % 1_000n).toBe(0n);
      expect(amountRefusal({ minDrawMsat: 1_000n, maxDrawMsat }, drawable.maxMsat)).toBeNull();
    }),
  );
});

test('nothing is drawn before approval, before its time, after its time or once archived', () => {
  expect(closedBecause(pull, 999)).toBe('not_started');
  expect(closedBecause(pull, 1_000)).toBeNull();
  expect(closedBecause(pull, 4_999)).toBeNull();
  expect(closedBecause(pull, 5_000)).toBe('expired');
  expect(closedBecause({ ...pull, state: 'awaiting_approval' }, 2_000)).toBe('not_approved');
  expect(closedBecause({ ...pull, state: 'archived' }, 2_000)).toBe('archived');
});

test('the same person never counts twice, and the creator only where the policy allows it', () => {
  const waiting: PullPayment = { ...pull, state: 'awaiting_approval' };
  const samePerson = new Set<string>();
  const first = approve(waiting, 'key:a', { creatorMayApprove: true, samePerson, nowMs: 9 });
  if (first === null || typeof first === 'string') throw new Error('the first approval counts');
  expect(first).toMatchObject({
    state: 'awaiting_approval',
    approvals: [{ by: 'key:a', atMs: 9 }],
  });
  expect(approve(first, 'key:a', { creatorMayApprove: true, samePerson, nowMs: 10 })).toBeNull();
  expect(approve(first, 'key:b', { creatorMayApprove: true, samePerson, nowMs: 10 })).toMatchObject(
    {
      state: 'active',
    },
  );
  // A key that comes from the same first one is the same person's.
  const same = new Set(['key:a', 'key:a2']);
  const again = { creatorMayApprove: true, samePerson: same, nowMs: 10 };
  expect(approve(first, 'key:a2', again)).toBeNull();
  const byMaker = { ...again, creatorMayApprove: false, samePerson: new Set([pull.createdBy]) };
  expect(approve(waiting, 'key:z', byMaker)).toBe('creator_may_not_approve');
  expect(approve(waiting, 'key:a', { creatorMayApprove: false, samePerson, nowMs: 9 })).toBe(
    'creator_may_not_approve',
  );
  expect(
    approve({ ...pull, state: 'archived' }, 'key:c', {
      creatorMayApprove: true,
      samePerson,
      nowMs: 9,
    }),
  ).toBe('not_awaiting_approval');
});

const draw: Draw = {
  merchantId: pull.merchantId,
  id: '00000000-0000-7000-8000-000000000003',
  pullPaymentId: pull.id,
  cardId: null,
  state: 'open',
  reason: null,
  amountMsat: 1_000n,
  units: 1_000n,
  periodStartMs: 0,
  cardDayMs: null,
  rate: null,
  invoice: 'lnbcrt1',
  payoutId: '00000000-0000-7000-8000-000000000004',
  createdAtMs: 0,
  finishedAtMs: null,
};

test('a draw ends once: told again it changes nothing, told otherwise it is a bug', () => {
  const failed = endDraw(draw, { paid: false, reason: 'no_route' }, 5);
  expect(failed).toMatchObject({ state: 'failed', reason: 'no_route', finishedAtMs: 5 });
  const paid = endDraw(draw, { paid: true }, 5);
  expect(paid).toMatchObject({ state: 'paid', reason: null, finishedAtMs: 5 });
  if (failed === null || paid === null) throw new Error('the first end counts');
  expect(endDraw(failed, { paid: false, reason: 'expired' }, 6)).toBeNull();
  expect(endDraw(paid, { paid: true }, 6)).toBeNull();
  expect(() => endDraw(failed, { paid: true }, 6)).toThrow('ends in one way');
  expect(() => endDraw(paid, { paid: false, reason: 'no_route' }, 6)).toThrow('ends in one way');
});
