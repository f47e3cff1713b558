import { expect, test } from 'vitest';
import { run } from '../suites/payouts-crash.ts';

/** A few here; `quittance test payouts-crash --runs 500` is the long way. */
const RUNS = 4;

test('whoever is killed while money goes out, each payout is paid once and the books are the chain', async () => {
  const { violations, ...counts } = await run({ runs: RUNS, seed: 3 });
  expect(violations, JSON.stringify(counts)).toBe(0);
  // A suite in which nothing was killed, paid or booked would prove nothing.
  for (const count of ['kills', 'payouts', 'transfers', 'audits', 'faultPoints']) {
    expect(counts[count], count).toBeGreaterThan(0);
  }
}, 300_000);
