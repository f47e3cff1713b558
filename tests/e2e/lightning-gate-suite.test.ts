import { expect, test } from 'vitest';
import { run } from '../suites/lightning-gate.ts';

/** Enough for either node and both to be killed; the launcher runs as many as one likes. */
const ROUNDS = 4;
const SEED = 3;

test('nodes that are killed again and again forget no payment, make none twice and keep their channel', {
  timeout: 300_000,
}, async () => {
  const faults: string[] = [];
  const counts = await run({ runs: ROUNDS, seed: SEED, report: (line) => faults.push(line) });
  expect(faults).toEqual([]);
  expect(counts.violations).toBe(0);
  expect(counts.succeeded).toBeGreaterThan(0);
  expect(counts.kills).toBeGreaterThanOrEqual(ROUNDS);
});
