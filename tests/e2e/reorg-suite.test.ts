import { expect, test } from 'vitest';
import { run } from '../suites/reorg.ts';

/** Enough for each fate of a payment to occur; the launcher runs as many as one likes. */
const ROUNDS = 12;
const SEED = 1;

test('random reorganisations leave orders, books and events exactly as the chain has them', {
  timeout: 300_000,
}, async () => {
  const faults: string[] = [];
  const counts = await run({ runs: ROUNDS, seed: SEED, report: (line) => faults.push(line) });
  expect(faults).toEqual([]);
  expect(counts).toMatchObject({ violations: 0, rounds: ROUNDS });
  const { moved, leftUnmined, doubleSpent, replacedInMempool, droppedWithParent, cameBack } =
    counts;
  const fates = [moved, leftUnmined, doubleSpent, replacedInMempool, droppedWithParent, cameBack];
  expect(Math.min(...fates)).toBeGreaterThan(0);
});
