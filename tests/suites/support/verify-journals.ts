import { verifyAllBooks } from '../../../apps/server/src/accounting/ledger/index.ts';
import { openDatabase, roleUrls } from '../../../apps/server/src/platform/db/index.ts';

/** The product's own verification: what it says must be what the auditor found. */
export async function verifyJournals(
  databaseUrl: string,
): Promise<{ transfers: number; fault: string | undefined }> {
  const database = openDatabase(roleUrls(databaseUrl));
  try {
    const lines: string[] = [];
    const { ok, transfers } = await verifyAllBooks(database, (line) => lines.push(line));
    return { transfers: Number(transfers), fault: ok ? undefined : lines.join('; ') };
  } finally {
    await database.close();
  }
}
