import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../../../..');
const testData = process.env['QUITTANCE_TESTDATA'] ?? join(repository, '../shared/data');
const folder = join(testData, 'blocks');

/** Real mainnet blocks for tests, or none where the test data is not installed. */
export function realBlocks(): { name: string; raw: Uint8Array }[] {
  if (!existsSync(folder)) {
    console.log(`skipped: no real blocks in ${folder} (set QUITTANCE_TESTDATA)`);
    return [];
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.raw'))
    .map((name) => ({ name, raw: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** Real mainnet headers from the first on, 80 bytes each, or null where they are not installed. */
export function realHeaders(): Uint8Array | null {
  const path = join(folder, 'mainnet-headers-0-10236.bin');
  if (existsSync(path)) return new Uint8Array(readFileSync(path));
  console.log(`skipped: no real headers in ${folder} (set QUITTANCE_TESTDATA)`);
  return null;
}
