import { expect, test } from 'vitest';
import { run } from '../suites/lightning-crash.ts';

/** A few here; `quittance test lightning-crash --runs 300` is the long way. */
const RUNS = 2;

test('whoever is killed while money moves over Lightning, each payout is paid once and the books are the channels', async () => {
  const { violations, ...counts } = await run({ runs: RUNS, seed: 3 });
  expect(violations, JSON.stringify(counts)).toBe(0);
  // A suite in which nothing was killed, paid or booked would prove nothing.
  for (const count of ['kills', 'payouts', 'transfers', 'audits', 'faultPoints']) {
    expect(counts[count], count).toBeGreaterThan(0);
  }
}, 600_000);
