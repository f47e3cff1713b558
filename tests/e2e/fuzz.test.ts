import { expect, test } from 'vitest';
import { run } from '../suites/fuzz.ts';

/** The size that the acceptance asks for; a new seed each day would hide which change broke it. */
const RUNS = 5_000;

test('5,000 bad requests made from the OpenAPI document: no 5xx, always a problem, no change of state', async () => {
  const result = await run({ runs: RUNS, seed: 20_260_131 });
  expect(result.told).toEqual([]);
  expect(result.violations).toBe(0);
  expect(result.requests).toBe(RUNS);
  // The generator reaches every operation and every kind of mistake, or it proves nothing.
  expect(result.operations).toBeGreaterThanOrEqual(35);
  expect(Object.keys(result.byKind)).toHaveLength(11);
  expect(Object.keys(result.byCode).length).toBeGreaterThan(10);
}, 240_000);
