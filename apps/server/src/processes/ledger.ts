import { verifyAllBooks } from '../accounting/ledger/index.ts';
import { openDatabase, roleUrls } from '../platform/db/index.ts';
import { configOf, databaseOf, loggerOf } from './configured.ts';

/** `quittance ledger verify`: recomputes the journal's hash chain and every balance. */
export async function runLedger(args: readonly string[]): Promise<number> {
  const [what, ...rest] = args;
  if (what !== 'verify') {
    console.error('quittance ledger: write "quittance ledger verify"');
    return 2;
  }
  const config = configOf(rest);
  const postgres = await databaseOf(config, loggerOf(config));
  const database = openDatabase(roleUrls(postgres.ownerUrl));
  try {
    const { ok } = await verifyAllBooks(database, (line) => console.log(line));
    return ok ? 0 : 1;
  } finally {
    await database.close();
    await postgres.stop();
  }
}
