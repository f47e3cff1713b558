import { expect, test } from 'vitest';
import { run } from '../suites/signer.ts';

/** Enough for nearly each attack to occur; the launcher runs as many as one likes. */
const RUNS = 24;
const SEED = 1;

test('a hostile server gets nothing signed that was not approved, whatever it tries', {
  timeout: 300_000,
}, async () => {
  const faults: string[] = [];
  const counts = await run({ runs: RUNS, seed: SEED, report: (line) => faults.push(line) });
  expect(faults).toEqual([]);
  expect(counts).toMatchObject({ violations: 0, signed: RUNS });
  const { attacks, attackKinds, fuzzed, secondPayments, replacements, crashes, splittings } =
    counts;
  expect(attacks).toBeGreaterThan(80);
  expect(attackKinds).toBeGreaterThan(70);
  expect(Math.min(fuzzed, secondPayments, replacements, crashes, splittings)).toBeGreaterThan(0);
});
