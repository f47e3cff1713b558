import {
  type CustomerSettings,
  customerLevels,
  defaultCustomerSettings,
} from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMonths, DAY_MS } from './calendar.ts';
import {
  applyCustomerEvent,
  type Customer,
  type CustomerEvent,
  erasedCustomer,
} from './customer.ts';
import { assessRisk, levelOf, reaches } from './level.ts';
import { newTestCustomer } from './test-support.ts';

const START_MS = Date.UTC(2026, 0, 31);
const settings: CustomerSettings = { ...defaultCustomerSettings, reviewGraceDays: 30 };

const levels = fc.constantFrom('basic', 'standard', 'enhanced');
const risks = fc.constantFrom('low', 'medium', 'high');
/** Days into the future, or none. */
const untils = fc.option(fc.integer({ min: -10, max: 800 }), { nil: null });

type Wish = { event: CustomerEvent; days: number };
const wishes: fc.Arbitrary<Wish> = fc.record({
  days: fc.nat(400),
  event: fc.oneof(
    fc.record({ type: fc.constant('verified'), level: levels, validUntilMs: untils }).map(
      ({ level, validUntilMs: days }): CustomerEvent => ({
        ...{ type: 'verified', level },
        validUntilMs: days === null ? null : START_MS + days * DAY_MS,
      }),
    ),
    fc.constantFrom<CustomerEvent>(
      { type: 'rejected' },
      { type: 'reopened' },
      { type: 'changed', material: true },
      { type: 'changed', material: false },
      { type: 'reviewed' },
      { type: 'pep_confirmed' },
      { type: 'blocked', by: 'key:1', because: 'sanctions' },
      { type: 'unblocked' },
      { type: 'time' },
    ),
    fc.tuple(risks, fc.boolean()).map(
      ([risk, ownerBlocked]): CustomerEvent => ({
        ...{ type: 'risk_assessed', risk, reasons: [], ownerBlocked },
      }),
    ),
    risks.map((override): CustomerEvent => ({ type: 'risk_set', override })),
    fc.nat(800).map(
      (days): CustomerEvent => ({
        ...{ type: 'ended', endedAtMs: START_MS + days * DAY_MS },
      }),
    ),
  ),
});

/** Lives a customer's life: each event some days after the one before. */
function live(lived: readonly Wish[]): { customer: Customer; nowMs: number; steps: number } {
  let customer = newTestCustomer({ createdAtMs: START_MS });
  let nowMs = START_MS;
  let steps = 0;
  for (const { event, days } of lived) {
    nowMs += days * DAY_MS;
    const step = applyCustomerEvent(customer, event, { rules: settings, nowMs });
    if (!step.ok) continue;
    steps++;
    if (!step.changed) expect(step.customer).toBe(customer);
    else expect(step.customer.version).toBe(customer.version + 1);
    customer = step.customer;
  }
  return { customer, nowMs, steps };
}

function level(customer: Customer, nowMs: number, openSanctionsHits = 0) {
  return levelOf(customer, { openSanctionsHits, settings, nowMs });
}

test('whatever happens, who is verified has a level, a time and a review, and nobody else has', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 30 }), (lived) => {
      const { customer } = live(lived);
      const isVerified = customer.state === 'verified';
      expect(customer.verifiedLevel !== 'none').toBe(isVerified);
      expect(customer.verifiedAtMs !== null).toBe(isVerified);
      expect(customer.reviewDueAtMs !== null).toBe(isVerified);
      if (!isVerified) expect(customer.validUntilMs).toBeNull();
    }),
  );
});

test('what speaks against a customer leaves no level at all, and only a verification gives one', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 30 }), fc.nat(3), (lived, hits) => {
      const { customer, nowMs } = live(lived);
      const now = level(customer, nowMs, hits);
      const shut = customer.block !== null || customer.ownerBlocked || customer.endedAtMs !== null;
      if (shut || hits > 0 || customer.state !== 'verified') expect(now).toBe('none');
      expect(reaches(customer.verifiedLevel, now)).toBe(true);
      const asked = lived.some(({ event }) => event.type === 'verified');
      if (!asked) expect(now).toBe('none');
    }),
  );
});

test('a higher risk never allows more', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 20 }), (lived) => {
      const { customer, nowMs } = live(lived);
      const of = (risk: Customer['risk']) =>
        customerLevels.indexOf(level({ ...customer, riskOverride: risk }, nowMs));
      expect(of('low')).toBeGreaterThanOrEqual(of('medium'));
      expect(of('medium')).toBeGreaterThanOrEqual(of('high'));
    }),
  );
});

test('once its documents have run out nothing is allowed, whether or not a loop has noticed', () => {
  fc.assert(
    fc.property(levels, fc.integer({ min: 1, max: 500 }), fc.nat(500), (verified, days, later) => {
      const until = START_MS + days * DAY_MS;
      const event = { type: 'verified', level: verified, validUntilMs: until } as const;
      const step = applyCustomerEvent(newTestCustomer(), event, {
        ...{ rules: settings, nowMs: START_MS },
      });
      if (!step.ok) throw new Error(step.because);
      expect(level(step.customer, until - 1)).toBe(verified);
      expect(level(step.customer, until + later)).toBe('none');
      const passed = applyCustomerEvent(
        step.customer,
        { type: 'time' },
        {
          ...{ rules: settings, nowMs: until + later },
        },
      );
      expect(passed).toMatchObject({ ok: true, customer: { state: 'expired' } });
    }),
  );
});

test('time alone never verifies, unblocks or brings back, and twice is as once', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 30 }), fc.nat(2_000), (lived, days) => {
      const { customer, nowMs } = live(lived);
      const now = { rules: settings, nowMs: nowMs + days * DAY_MS };
      const once = applyCustomerEvent(customer, { type: 'time' }, now);
      if (!once.ok) throw new Error(once.because);
      const { block, endedAtMs, ownerBlocked } = once.customer;
      expect({ block, endedAtMs, ownerBlocked }).toEqual({
        ...{ block: customer.block, endedAtMs: customer.endedAtMs },
        ownerBlocked: customer.ownerBlocked,
      });
      if (customer.state !== 'verified') expect(once.changed).toBe(false);
      expect(applyCustomerEvent(once.customer, { type: 'time' }, now)).toMatchObject({
        ...{ ok: true, changed: false },
      });
    }),
  );
});

test('a review that is late by the grace ends the verification, and one that was done does not', () => {
  const at = (nowMs: number) => ({ rules: settings, nowMs });
  const event = { type: 'verified', level: 'basic', validUntilMs: null } as const;
  const step = applyCustomerEvent(newTestCustomer(), event, at(START_MS));
  if (!step.ok) throw new Error(step.because);
  const dueMs = addMonths(START_MS, settings.reviewMonths.low);
  expect(step.customer.reviewDueAtMs).toBe(dueMs);
  const lateMs = dueMs + settings.reviewGraceDays * DAY_MS;
  const time = { type: 'time' } as const;
  expect(applyCustomerEvent(step.customer, time, at(lateMs - 1))).toMatchObject({ changed: false });
  expect(applyCustomerEvent(step.customer, time, at(lateMs))).toMatchObject({
    customer: { state: 'expired', verifiedLevel: 'none' },
  });
  const reviewed = applyCustomerEvent(step.customer, { type: 'reviewed' }, at(lateMs - 1));
  if (!reviewed.ok) throw new Error(reviewed.because);
  expect(applyCustomerEvent(reviewed.customer, time, at(lateMs))).toMatchObject({ changed: false });
});

test('a higher risk brings the next review forward, counted from the last one', () => {
  const at = (nowMs: number) => ({ rules: settings, nowMs });
  const verified = { type: 'verified', level: 'enhanced', validUntilMs: null } as const;
  const step = applyCustomerEvent(newTestCustomer(), verified, at(Date.UTC(2026, 0, 15)));
  if (!step.ok) throw new Error(step.because);
  const pep = { type: 'risk_set', override: 'high' } as const;
  const raised = applyCustomerEvent(step.customer, pep, at(Date.UTC(2026, 5, 1)));
  expect(raised).toMatchObject({ customer: { reviewDueAtMs: Date.UTC(2027, 0, 15) } });
});

test('what is left of an erased customer says nothing, and nothing can happen to it', () => {
  fc.assert(
    fc.property(fc.array(wishes, { maxLength: 20 }), wishes, (lived, more) => {
      const { customer, nowMs } = live(lived);
      if (customer.block !== null) return;
      const gone = erasedCustomer(customer, nowMs);
      expect(gone).toMatchObject({ sealedKey: null, sealedProfile: null, pep: false });
      expect(level(gone, nowMs)).toBe('none');
      expect(applyCustomerEvent(gone, more.event, { rules: settings, nowMs })).toEqual({
        ...{ ok: false, because: 'erased' },
      });
    }),
  );
});

test('the risk is the highest of what the facts say, and says all of them', () => {
  const facts = { countries: ['CH'], pep: false, ownership: null };
  expect(assessRisk(facts, settings)).toEqual({ risk: 'low', reasons: [] });
  expect(assessRisk({ ...facts, countries: ['CH', 'IR'], pep: true }, settings)).toEqual({
    risk: 'high',
    reasons: ['high_risk_country', 'politically_exposed'],
  });
  const ownership = {
    ...({ beneficialOwners: 0, depth: 3, highestRisk: 'low', ownerBlocked: false } as const),
  };
  expect(assessRisk({ ...facts, ownership }, settings)).toEqual({
    risk: 'medium',
    reasons: ['no_beneficial_owner_known', 'deep_ownership'],
  });
});

test('a month later is the same day, or the last one of a shorter month', () => {
  expect(addMonths(Date.UTC(2026, 0, 31, 5), 1)).toBe(Date.UTC(2026, 1, 28, 5));
  expect(addMonths(Date.UTC(2024, 1, 29), 12)).toBe(Date.UTC(2025, 1, 28));
  expect(addMonths(Date.UTC(2026, 11, 15), 60)).toBe(Date.UTC(2031, 11, 15));
  expect(addMonths(Date.UTC(2026, 2, 31), -1)).toBe(Date.UTC(2026, 1, 28));
});
