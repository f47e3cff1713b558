import { verifyAllCases } from '../compliance/cases/index.ts';
import { openDatabase, roleUrls } from '../platform/db/index.ts';
import { configOf, databaseOf, loggerOf } from './configured.ts';

/** `quittance cases verify`: recomputes the logs of all cases and what they add up to. */
export async function runCases(args: readonly string[]): Promise<number> {
  const [what, ...rest] = args;
  if (what !== 'verify') {
    console.error('quittance cases: write "quittance cases verify"');
    return 2;
  }
  const config = configOf(rest);
  const postgres = await databaseOf(config, loggerOf(config));
  const database = openDatabase(roleUrls(postgres.ownerUrl));
  try {
    const { ok } = await verifyAllCases(database, (line) => console.log(line));
    return ok ? 0 : 1;
  } finally {
    await database.close();
    await postgres.stop();
  }
}
