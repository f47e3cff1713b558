import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMonths, DAY_MS } from './calendar.ts';
import { decideErasure, type ErasureFacts } from './erasure.ts';

const END_MS = Date.UTC(2026, 5, 30);
const times = fc.option(
  fc.integer({ min: -1_000, max: 1_000 }).map((days) => END_MS + days * DAY_MS),
  { nil: null },
);
const facts: fc.Arbitrary<ErasureFacts> = fc.record({
  cause: fc.constantFrom('request', 'retention'),
  endedAtMs: fc.constant(END_MS),
  lastOrderAtMs: times,
  lastCaseClosedAtMs: times,
  wasVerified: fc.boolean(),
  hasOpenCase: fc.boolean(),
  hasOpenOrder: fc.boolean(),
  openHits: fc.nat(2),
  isBlocked: fc.boolean(),
  ownsCustomer: fc.boolean(),
  retentionMonths: fc.nat(120),
});
const nows = fc.nat(6_000).map((days) => END_MS + days * DAY_MS);

test('nobody is erased while a case, a hit or a block is open, or an entity needs him', () => {
  fc.assert(
    fc.property(facts, nows, (one, nowMs) => {
      const { erase } = decideErasure(one, nowMs);
      const isOpen =
        one.hasOpenCase ||
        one.hasOpenOrder ||
        one.openHits > 0 ||
        one.isBlocked ||
        one.ownsCustomer;
      if (isOpen) expect(erase).toBe(false);
    }),
  );
});

test('whoever is kept is looked at again later, and in the end is erased', () => {
  fc.assert(
    fc.property(facts, nows, (one, startMs) => {
      const closed = {
        ...one,
        hasOpenCase: false,
        hasOpenOrder: false,
        openHits: 0,
        isBlocked: false,
      };
      let nowMs = startMs;
      for (let rounds = 0; ; rounds++) {
        const decision = decideErasure({ ...closed, ownsCustomer: false }, nowMs);
        if (decision.erase) break;
        expect(decision.dueAtMs).toBeGreaterThan(nowMs);
        expect(rounds).toBeLessThan(3);
        nowMs = decision.dueAtMs;
      }
    }),
  );
});

test('with a duty the time runs from whatever ended last, and not a moment is missing', () => {
  fc.assert(
    fc.property(facts, nows, (one, nowMs) => {
      const decision = decideErasure(one, nowMs);
      const { lastOrderAtMs, lastCaseClosedAtMs, wasVerified } = one;
      const hasDuty = wasVerified || lastOrderAtMs !== null || lastCaseClosedAtMs !== null;
      if (!decision.erase || !hasDuty) return;
      for (const fromMs of [END_MS, lastOrderAtMs ?? 0, lastCaseClosedAtMs ?? 0]) {
        expect(nowMs).toBeGreaterThanOrEqual(addMonths(fromMs, one.retentionMonths));
      }
    }),
  );
});

test('a request is answered at once where no law asks for the data', () => {
  const none: ErasureFacts = {
    ...{ cause: 'request', endedAtMs: END_MS, lastOrderAtMs: null, lastCaseClosedAtMs: null },
    ...{
      wasVerified: false,
      hasOpenCase: false,
      hasOpenOrder: false,
      openHits: 0,
      isBlocked: false,
    },
    ...{ ownsCustomer: false, retentionMonths: 60 },
  };
  expect(decideErasure(none, END_MS)).toEqual({ erase: true, rule: 'no_duty' });
  expect(decideErasure({ ...none, cause: 'retention' }, END_MS)).toMatchObject({ erase: false });
  expect(decideErasure({ ...none, lastOrderAtMs: END_MS - DAY_MS }, END_MS)).toEqual({
    ...{ erase: false, rule: 'retention_period', dueAtMs: addMonths(END_MS, 60) },
  });
});
