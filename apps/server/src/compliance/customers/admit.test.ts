import {
  type CustomerSettings,
  customerLevels,
  defaultCustomerSettings,
} from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admitOrder, type Candidate, requiredLevel } from './admit.ts';
import { reaches } from './level.ts';

const amounts = fc.integer({ min: 0, max: 2_000 });
const verifiable = fc.constantFrom('basic', 'standard', 'enhanced');
const settings: fc.Arbitrary<CustomerSettings> = fc
  .record({
    limits: fc.array(
      fc.record({
        level: fc.constantFrom(...customerLevels),
        hours: fc.constantFrom(24, 720),
        amount: amounts.map(String),
      }),
      { maxLength: 4 },
    ),
    requirements: fc.array(fc.record({ aboveAmount: amounts.map(String), level: verifiable }), {
      maxLength: 4,
    }),
  })
  .map((rules) => ({ ...defaultCustomerSettings, ...rules }));
const candidates: fc.Arbitrary<Candidate> = fc.record({
  customerId: fc.constant('c'),
  worthMinor: fc.bigInt({ min: 0n, max: 300_000n }),
  customer: fc.option(
    fc.record({ level: fc.constantFrom(...customerLevels), isOpen: fc.boolean() }),
    { nil: null },
  ),
});

test('what is admitted keeps every rule, and what is refused breaks the one that is named', () => {
  fc.assert(
    fc.property(settings, candidates, fc.bigInt({ min: 0n, max: 300_000n }), (rules, one, past) => {
      const refusal = admitOrder(one, rules, () => past);
      const { customer, worthMinor } = one;
      const needed = rules.requirements.filter(
        ({ aboveAmount }) => worthMinor > BigInt(aboveAmount) * 100n,
      );
      const isFar = needed.every(({ level }) => reaches(customer?.level ?? 'none', level));
      const isIn = rules.limits
        .filter(({ level }) => level === customer?.level)
        .every(({ amount }) => past + worthMinor <= BigInt(amount) * 100n);
      if (refusal === null)
        expect({ isFar, isIn, open: customer?.isOpen ?? true }).toEqual({
          ...{ isFar: true, isIn: true, open: true },
        });
      else if (refusal.code === 'customer_required') {
        expect({ customer, needed: needed.length > 0 }).toEqual({ customer: null, needed: true });
      } else if (refusal.code === 'customer_not_accepted') expect(customer?.isOpen).toBe(false);
      else if (refusal.code === 'customer_not_verified') expect(isFar).toBe(false);
      else expect(isIn).toBe(false);
    }),
  );
});

test('more money never needs less, and without rules nothing is asked of anybody', () => {
  fc.assert(
    fc.property(settings, fc.bigInt(0n, 300_000n), fc.bigInt(0n, 300_000n), (rules, a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      expect(reaches(requiredLevel(more, rules), requiredLevel(less, rules))).toBe(true);
      const anybody = { customerId: null, worthMinor: more, customer: null };
      expect(admitOrder(anybody, defaultCustomerSettings, () => more)).toBeNull();
    }),
  );
});
