import { existsSync } from 'node:fs';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../../../../../../..');
const testData = process.env['QUITTANCE_TESTDATA'] ?? join(repository, '../shared/data');

const sanctions = join(testData, 'sanctions');

/** Where the real lists are, or null: a test that needs them is then skipped with a line. */
export const realLists: string | null = existsSync(join(sanctions, 'ofac-sdn-2021.csv'))
  ? sanctions
  : null;
if (realLists === null) {
  console.log(`skipped: no real lists in ${sanctions} (set QUITTANCE_TESTDATA)`);
}

export const OFAC_FILES = [
  'ofac-sdn-2021.csv',
  'ofac-alt-2021.csv',
  'ofac-add-2021.csv',
  'ofac-sdn-comments-2021.csv',
];
export const UN_FILE = 'un-consolidated-2026.xml';
export const PEP_FILE = 'us-congress-pep-senzing.json';
