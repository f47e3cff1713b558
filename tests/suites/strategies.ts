import { completeLightningStrategy, type LightningStrategyInput } from '@quittance/contract';
import { audit } from '../../bench/lightning/audit.ts';
import { type Dice, seededDice, seedOf } from '../../bench/lightning/dice.ts';
import { patientPerson, strategyRule } from '../../bench/lightning/rules.ts';
import { simulate } from '../../bench/lightning/simulate.ts';
import { makePayouts } from '../../bench/lightning/workload.ts';
import { makeWorld } from '../../bench/lightning/world.ts';

const PAYOUTS = 150;
const RECIPIENTS = 80;
/** More than this is one mistake seen often. */
const SHOWN = 10;

/**
 * Each run: a world, its payouts, a strategy with parameters that nobody chose, and an auditor who
 * knows the laws but not the strategy.
 */
export async function run({ runs, seed }: { runs: number; seed: number }) {
  const counts = { payouts: 0, paid: 0, attempts: 0 };
  const found: string[] = [];
  let violations = 0;
  for (let n = 0; n < runs; n++) {
    const runSeed = seedOf(seed, n);
    const dice = seededDice(runSeed);
    const world = makeWorld(runSeed, RECIPIENTS);
    const payouts = makePayouts(runSeed, world, PAYOUTS);
    const strategy = completeLightningStrategy(anyStrategy(dice));
    const asksAtMs = dice.chance(0.5) ? patientPerson(runSeed) : () => [];
    const fates = simulate(world, payouts, strategyRule(strategy, { learns: true, asksAtMs }));
    const faults = audit(strategy, fates);
    if (fates.length !== payouts.length) faults.push('a payout without an end');
    violations += faults.length;
    for (const fault of faults) {
      if (found.length < SHOWN) found.push(`run ${n}: ${fault} with ${JSON.stringify(strategy)}`);
    }
    counts.payouts += fates.length;
    counts.paid += fates.filter(({ paid }) => paid).length;
    counts.attempts += fates.reduce((sum, { attempts }) => sum + attempts.length, 0);
  }
  return { suite: 'strategies', seed, runs, violations, ...counts, found };
}

function anyStrategy(dice: Dice): LightningStrategyInput {
  const common = {
    maxAttempts: 1 + dice.index(30),
    attemptTimeoutSeconds: 3 + dice.index(120),
    expiryMarginSeconds: 5 + dice.index(200),
    prediction: {
      use: dice.chance(0.8),
      giveUpBelowPercent: dice.index(20),
      maxStretchPercent: 100 + dice.index(900),
    },
  };
  const giveUpAfterSeconds = 10 + dice.index(100_000);
  switch (dice.index(4)) {
    case 0: {
      const firstPauseSeconds = 1 + dice.index(60);
      const maxPauseSeconds = firstPauseSeconds + dice.index(500);
      const growthPercent = 100 + dice.index(300);
      const pauses = { firstPauseSeconds, maxPauseSeconds, growthPercent };
      return { kind: 'immediate', ...common, ...pauses, giveUpAfterSeconds };
    }
    case 1: {
      const early = { pauses: 1 + dice.index(5), pauseSeconds: 1 + dice.index(300) };
      const late = { pauses: 1, pauseSeconds: early.pauseSeconds + dice.index(1_000) };
      return { kind: 'tiered', ...common, tiers: [early, late], giveUpAfterSeconds };
    }
    case 2: {
      const budgetSeconds = 5 + dice.index(200);
      return { kind: 'fast_fail', ...common, budgetSeconds, pauseSeconds: 1 + dice.index(20) };
    }
    default:
      return { kind: 'manual', ...common, giveUpAfterSeconds };
  }
}
