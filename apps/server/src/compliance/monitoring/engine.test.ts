import { defaultMonitoringSettings, type MonitoringSettings } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { advance } from './engine.ts';
import type { Finding } from './finding.ts';
import { monitorInMemory } from './memory-states.ts';
import type { Movement } from './movement.ts';
import { type Expected, recompute } from './reference.test-support.ts';
import { decodeState, encodeState } from './state-codec.ts';
import { type State, stateKey } from './state.ts';

const DAY = 86_400_000;

/** Settings that few movements are enough for, so that random histories meet every rule. */
function easy(change: Partial<MonitoringSettings['rules']> = {}): MonitoringSettings {
  const { rules, currency } = defaultMonitoringSettings;
  return {
    currency,
    rules: {
      ...rules,
      structuring: { ...rules.structuring, windowHours: 72, overUsualPercent: 150 },
      fan_in: { ...rules.fan_in, minCounterparties: 3, windowHours: 72, overUsualPercent: 150 },
      fan_out: { ...rules.fan_out, minCounterparties: 3, windowHours: 72 },
      cycle: { ...rules.cycle, minHops: 2, maxHops: 5, windowHours: 96 },
      dormant_then_active: { ...rules.dormant_then_active, dormantDays: 6 },
      round_amount: { ...rules.round_amount, minCount: 3 },
      ...change,
    },
  };
}

const parties = [...'abcdefgh'].map((name) => `customer:${name}`);
const movementArbitrary = fc.record({
  waitMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: DAY / 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 3 * DAY, 4 * DAY, 6 * DAY, 10 * DAY, 20 * DAY) },
  ),
  direction: fc.constantFrom('in' as const, 'out' as const),
  party: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...parties.slice(0, 3)) },
    { weight: 1, arbitrary: fc.constantFrom(...parties) },
  ),
  counterparty: fc.option(fc.constantFrom(...parties.slice(0, 5), 'address:z', 'address:w'), {
    freq: 12,
  }),
  isService: fc.nat({ max: 9 }).map((n) => n === 0),
  amountMinor: fc.oneof(
    { weight: 3, arbitrary: fc.bigInt({ min: 800_000n, max: 1_000_000n }) },
    { weight: 2, arbitrary: fc.bigInt({ min: 1n, max: 20n }).map((n) => n * 100_000n) },
    { weight: 1, arbitrary: fc.bigInt({ min: 1n, max: 1_300_000n }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  isFiatLeg: fc.nat({ max: 4 }).map((n) => n > 0),
  links: fc.uniqueArray(
    fc.constantFrom('link:1', 'profile:2', 'owner:3', 'address:x', 'address:y'),
    { maxLength: 2 },
  ),
  marks: fc.array(
    fc.constantFrom(
      { kind: 'mixer', about: 'a label' },
      { kind: 'exchange', about: 'a label' },
      { kind: 'country', about: 'IR' },
      { kind: 'country', about: 'CH' },
    ),
    { maxLength: 1 },
  ),
});
const historyArbitrary = fc
  .array(movementArbitrary, { minLength: 1, maxLength: 60 })
  .map((drafts): Movement[] => {
    let atMs = 20_000 * DAY;
    return drafts.map(({ waitMs, ...draft }, i) => {
      atMs += waitMs;
      return { ...draft, atMs, seq: i + 1, id: `m${i + 1}` };
    });
  });

function asExpected({ rule, party, movementId, movementIds }: Finding): Expected {
  return { rule, party, at: movementId, movementIds: [...movementIds] };
}

test('what is kept gives the alerts that the whole history gives, in any batches and with restarts', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(historyArbitrary, fc.array(fc.nat({ max: 59 })), (history, restarts) => {
      const settings = easy();
      const config = readConfig(settings);
      let kept = new Map<string, State>();
      const found: Expected[] = [];
      history.forEach((movement, n) => {
        // A restart knows nothing but what the database kept.
        if (restarts.includes(n)) kept = restarted(kept);
        const read = (kind: string, subject: string) =>
          kept.get(stateKey(kind as never, subject)) as never;
        const { writes, findings } = advance(read, movement, config);
        for (const { kind, subject, state } of writes) {
          if (state === null) kept.delete(stateKey(kind, subject));
          else kept.set(stateKey(kind, subject), state);
        }
        found.push(...findings.map(asExpected));
      });
      const expected = recompute(history, settings);
      for (const { rule } of expected) seen.set(rule, (seen.get(rule) ?? 0) + 1);
      expect(found).toEqual(expected);
    }),
    { numRuns: 1_500, seed: 5 },
  );
  // Random histories that never meet a rule would say nothing about it.
  expect([...seen.keys()].sort()).toEqual(Object.keys(defaultMonitoringSettings.rules).sort());
  for (const [rule, times] of seen) expect(times, rule).toBeGreaterThan(20);
});

function restarted(kept: ReadonlyMap<string, State>): Map<string, State> {
  return new Map(
    [...kept].map(([key, state]) => [key, decodeState(JSON.parse(encodeState(state))) as State]),
  );
}

test('many movements of one party fill no state beyond its limit, and the oldest are let go of alike', () => {
  const settings = easy();
  const monitor = monitorInMemory(readConfig(settings));
  const history = Array.from({ length: 420 }, (_, i): Movement => {
    const amountMinor = 250_000n + BigInt((i * 7_919) % 100_000);
    const base = { seq: i + 1, id: `m${i + 1}`, atMs: 20_000 * DAY + i * 60_000, amountMinor };
    return {
      ...{ ...base, party: 'customer:a', counterparty: `address:${i % 150}` },
      ...{ direction: i % 5 === 4 ? 'out' : 'in', isService: false, isFiatLeg: true },
      ...{ links: [], marks: [] },
    };
  });
  const found = history.flatMap((movement) => monitor.take(movement).map(asExpected));
  expect(found).toEqual(recompute(history, settings));
  const largest = Math.max(...[...monitor.entries()].map(([, state]) => encodeState(state).length));
  expect(largest).toBeLessThan(30_000);
});

test('a movement reads and writes a bounded number of states, whatever came before', () => {
  const config = readConfig(easy({ cycle: { ...easy().rules.cycle, minHops: 8, maxHops: 8 } }));
  const kept = new Map<string, State>();
  let most = 0;
  for (let i = 0; i < 3_000; i++) {
    // Everybody pays everybody the same: the worst graph for whoever searches it.
    const movement: Movement = {
      ...{ seq: i + 1, id: `m${i}`, atMs: 20_000 * DAY + i, amountMinor: 500_000n },
      ...{ party: `customer:${i % 53}`, counterparty: `customer:${(i * 31 + 7) % 59}` },
      ...{ direction: 'in' as const, isService: false, isFiatLeg: true, marks: [] },
      links: [`link:${i % 41}`],
    };
    let touched = 0;
    const read = (kind: string, subject: string) => {
      touched += 1;
      return kept.get(stateKey(kind as never, subject)) as never;
    };
    for (const { kind, subject, state } of advance(read, movement, config).writes) {
      touched += 1;
      if (state === null) kept.delete(stateKey(kind, subject));
      else kept.set(stateKey(kind, subject), state);
    }
    most = Math.max(most, touched);
  }
  // Sixteen nodes at each of seven hops; a group of twelve with all that they share; each rule's own.
  expect(most).toBeLessThan(7 * 16 + 13 * 16 + 13 + 40);
});
