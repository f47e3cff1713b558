import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filingKinds } from '@quittance/contract';
import {
  buildFiling,
  openFilingValidator,
  sampleFiling,
} from '../../apps/server/src/compliance/filings/index.ts';
import { auditFiling } from './support/filing-auditor.ts';

const repository = join(import.meta.dirname, '../..');
const testData = process.env['QUITTANCE_TESTDATA'] ?? join(repository, '../shared/data');
/** The authorities' schemas, or null where they are not on this machine. */
export const filingSchemas = existsSync(join(testData, 'filings'))
  ? join(testData, 'filings')
  : null;

/** Documents that are checked in one call. */
const AT_ONCE = 200;
/** More than these are one mistake seen often. */
const MAX_TOLD = 10;

export type FilingCounts = {
  violations: number;
  sar: number;
  ctr: number;
  goaml: number;
  unvalidated: number;
  told: string[];
};

/**
 * Each run makes one report of every kind with hostile texts, builds its document, has it checked
 * against the authority's XSD and by an auditor that reads it back.
 */
export async function run({ runs, seed }: { runs: number; seed: number }): Promise<FilingCounts> {
  const validator = openFilingValidator(filingSchemas);
  const counts: FilingCounts = {
    ...{ violations: 0, sar: 0, ctr: 0, goaml: 0, unvalidated: 0 },
    told: [],
  };
  const tell = (text: string) => {
    counts.violations++;
    if (counts.told.length < MAX_TOLD) counts.told.push(text);
  };
  for (const kind of filingKinds) {
    for (let first = 0; first < runs; first += AT_ONCE) {
      const documents: string[] = [];
      for (let at = first; at < Math.min(runs, first + AT_ONCE); at++) {
        const { facts, reporter } = sampleFiling(kind, seed + at);
        const built = buildFiling(facts, reporter);
        if (!built.ok) {
          tell(`${kind} ${seed + at}: ${JSON.stringify(built.findings.slice(0, 3))}`);
          continue;
        }
        for (const fault of auditFiling(facts, built.xml)) tell(`${kind} ${seed + at}: ${fault}`);
        documents.push(built.xml);
      }
      for (const answer of await validator.validate(kind, documents)) {
        if (answer.state === 'valid') counts[kind]++;
        else if (answer.state === 'unvalidated') counts.unvalidated++;
        else tell(`${kind}: ${JSON.stringify(answer.errors.slice(0, 3))}`);
      }
    }
  }
  if (counts.unvalidated > 0) console.error('no schemas here (set QUITTANCE_TESTDATA)');
  return counts;
}
