import { expect, test } from 'vitest';
import { filingSchemas, run } from '../suites/filings.ts';

/** The launcher makes as many as one likes: `quittance test filings --runs 1000`. */
const RUNS = 200;
const SEED = 1;

test.skipIf(filingSchemas === null)(
  'generated SARs, CTRs and goAML reports are all valid against the XSDs, and nothing of them is lost',
  { timeout: 120_000 },
  async () => {
    const counts = await run({ runs: RUNS, seed: SEED });
    expect(counts).toEqual({
      ...{ violations: 0, sar: RUNS, ctr: RUNS, goaml: RUNS, unvalidated: 0 },
      told: [],
    });
  },
);
