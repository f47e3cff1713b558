import { completeLightningStrategy, lightningStrategyKinds } from '@quittance/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { audit } from './audit.ts';
import { seededDice } from './dice.ts';
import { makeNode } from './node.ts';
import { makeQueue } from './queue.ts';
import { fixedRule, patientPerson, strategyRule } from './rules.ts';
import { type Fate, simulate } from './simulate.ts';
import { liquidity, presence } from './timeline.ts';
import { makePayouts } from './workload.ts';
import { makeWorld } from './world.ts';

const HOUR_MS = 3_600_000;

function worldOf(seed: number, count: number) {
  const world = makeWorld(seed, 60);
  return { world, payouts: makePayouts(seed, world, count) };
}

test('a seed gives the same world, payouts and fates again', () => {
  const play = () => {
    const { world, payouts } = worldOf(5, 120);
    const rule = strategyRule(completeLightningStrategy({ kind: 'tiered' }), { learns: true });
    return simulate(world, payouts, rule).map(({ paid, endedAtMs, attempts }) => ({
      ...{ paid, endedAtMs, outcomes: attempts.map(({ outcome }) => outcome) },
    }));
  };
  expect(play()).toEqual(play());
});

test('whatever the world, no strategy breaks a law, with or without prediction', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.constantFrom(...lightningStrategyKinds),
      fc.boolean(),
      (seed, kind, learns) => {
        const { world, payouts } = worldOf(seed, 80);
        const strategy = completeLightningStrategy({ kind });
        const asksAtMs = patientPerson(seed);
        const rule = strategyRule(strategy, kind === 'manual' ? { learns, asksAtMs } : { learns });
        const fates = simulate(world, payouts, rule);
        expect(fates).toHaveLength(payouts.length);
        expect(audit(strategy, fates)).toEqual([]);
      },
    ),
    { numRuns: 12 },
  );
});

test('the auditor sees what the fixed rule does wrong', () => {
  const { world, payouts } = worldOf(5, 200);
  const fates = simulate(world, payouts, fixedRule({ onTicks: false }));
  const faults = audit(completeLightningStrategy({ kind: 'tiered' }), fates).join('\n');
  expect(faults).toContain('beyond the expiry');
  expect(faults).toContain('an attempt after recipient_rejected');
  expect(faults).toContain('money held beyond the end');
  const twice = fates.map(
    (fate): Fate => ({
      ...fate,
      attempts: fate.attempts.map((one) => ({ ...one, startedAtMs: fate.payout.createdAtMs })),
    }),
  );
  const tiered = completeLightningStrategy({ kind: 'tiered', maxAttempts: 9 });
  expect(audit(tiered, twice).join('\n')).toContain('two attempts at once');
  expect(audit(tiered, fates).join('\n')).toContain('more attempts than the maximum');
});

test('nobody is paid who can not be found, and refusals are told as such', () => {
  const { world, payouts } = worldOf(7, 300);
  const rule = strategyRule(completeLightningStrategy({ kind: 'immediate' }), { learns: false });
  const kinds = new Set<string>();
  for (const { payout, paid, attempts } of simulate(world, payouts, rule)) {
    const { kind } = payout.recipient;
    kinds.add(kind);
    if (kind !== 'hidden' && kind !== 'rejecting') continue;
    expect(paid).toBe(false);
    const outcomes = new Set(attempts.map(({ outcome }) => outcome));
    if (kind === 'hidden') expect([...outcomes]).toEqual(['no_route']);
  }
  expect(kinds.has('hidden')).toBe(true);
});

test('a payment takes its amount and fee from one of our own channels', () => {
  const { world, payouts } = worldOf(9, 300);
  const node = makeNode(world);
  const before = node.sendableSat(0);
  let paidSat = 0;
  for (const { recipient, amountSat } of payouts) {
    const request = { recipient, amountSat, feeLimitSat: 1e9, timeoutMs: 60_000, atMs: HOUR_MS };
    const { outcome, feeSat } = node.pay(request);
    if (outcome === 'succeeded') paidSat += amountSat + feeSat;
  }
  expect(paidSat).toBeGreaterThan(0);
  expect(node.sendableSat(HOUR_MS)).toBeLessThan(before);
});

test('a timeline tells everybody the same, in whatever order they ask', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1_000_000 }),
      fc.array(fc.integer({ min: 0, max: 100 * HOUR_MS }), { minLength: 1, maxLength: 20 }),
      (seed, times) => {
        const forwards = liquidity(seededDice(seed), HOUR_MS);
        const anyhow = liquidity(seededDice(seed), HOUR_MS);
        const sorted = times.toSorted((a, b) => a - b);
        const told = new Map(sorted.map((atMs) => [atMs, forwards.at(atMs)]));
        for (const atMs of times) {
          expect(anyhow.at(atMs)).toBe(told.get(atMs));
          expect(anyhow.at(atMs)).toBeGreaterThanOrEqual(0);
          expect(anyhow.at(atMs)).toBeLessThanOrEqual(1);
        }
      },
    ),
  );
  const away = presence(seededDice(3), HOUR_MS, HOUR_MS);
  const hours = Array.from({ length: 2_000 }, (_, i) => away.at((i * HOUR_MS) / 2));
  const share = hours.reduce((sum, one) => sum + one, 0) / hours.length;
  expect(share).toBeGreaterThan(0.4);
  expect(share).toBeLessThan(0.6);
});

test('the queue gives the lowest key first, and everything once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), (keys) => {
      const queue = makeQueue();
      keys.forEach((key, i) => queue.push(key, i));
      const popped: number[] = [];
      for (let i = queue.pop(); i !== null; i = queue.pop()) popped.push(keys[i] ?? -1);
      expect(popped).toEqual(keys.toSorted((a, b) => a - b));
    }),
  );
});
