import { expect, test } from 'vitest';
import { run } from '../suites/crash.ts';

/** A few kills here; `quittance test crash --runs 50` is the long way. */
const KILLS = 5;

test('whatever is killed under load, nothing is lost and nothing is wrong afterwards', async () => {
  const { violations, ...counts } = await run({ runs: KILLS, seed: 7 });
  expect(violations, JSON.stringify(counts)).toBe(0);
  expect(counts['kills']).toBe(KILLS);
  // A suite that nobody ordered, paid or was told anything in would prove nothing.
  for (const count of ['orders', 'payments', 'deliveries', 'transfers', 'blocks', 'audits']) {
    expect(counts[count], count).toBeGreaterThan(0);
  }
}, 240_000);
