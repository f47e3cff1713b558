import { defaultMonitoringSettings } from '@quittance/contract';
import { measureWorld, newMeasure, report } from '../../bench/typologies/measure.ts';
import { makeWorld } from '../../bench/typologies/world.ts';
import { seedOf } from '../../bench/lightning/dice.ts';

/** Ten runs are a million. Fewer patterns in a run, and chance would decide about one that is missed. */
const MOVEMENTS_PER_RUN = 100_000;

/**
 * Each run: a world of its own with patterns planted in it, and the shipped rules. A typology of which
 * less than 95 % is found, or for which more than 1 % of the accounts are alerted about for nothing,
 * is a violation.
 */
export async function run({ runs, seed }: { runs: number; seed: number }) {
  const measured = newMeasure();
  for (let n = 0; n < runs; n++) {
    const world = makeWorld(seedOf(seed, n), { movements: MOVEMENTS_PER_RUN });
    measureWorld(measured, world, defaultMonitoringSettings);
  }
  const { violations, perTypology } = report(measured);
  const { transactions, accounts } = measured;
  return { suite: 'typologies', seed, runs, violations, transactions, accounts, perTypology };
}
