import { toHex, type Uuid } from '@quittance/kernel';
import type { Database } from '../../platform/db/index.ts';
import * as store from './store.ts';
import { type Verification, verifyJournal } from './verify-journal.ts';

/** Book ids held at a time. */
const PAGE = 500;

/**
 * Verifies every book, each in a transaction of its own, and tells of each in a line: what
 * `quittance ledger verify` prints.
 * @returns ok only when every book is right
 */
export async function verifyAllBooks(
  database: Database,
  print: (line: string) => void = () => {},
): Promise<{ ok: boolean; books: number; broken: number; transfers: bigint }> {
  let books = 0;
  let broken = 0;
  let transfers = 0n;
  let after: Uuid | null = null;
  for (;;) {
    const last = after;
    const ids: Uuid[] = await database.asSystem((tx) => store.listBookIds(tx, last, PAGE));
    for (const bookId of ids) {
      const result = await database.asSystem((tx) => verifyJournal(tx, { bookId }));
      books += 1;
      transfers += result.transfers;
      if (!result.ok) broken += 1;
      print(describe(result));
      after = bookId;
    }
    if (ids.length < PAGE) break;
  }
  const verdict = broken === 0 ? 'ok' : 'BROKEN';
  print(`${verdict}: ${books} books, ${transfers} transfers verified, ${broken} books broken`);
  return { ok: broken === 0, books, broken, transfers };
}

function describe({ bookId, transfers, headHash, firstBreak }: Verification): string {
  if (firstBreak === undefined) {
    return `ok ${bookId}: ${transfers} transfers, head ${toHex(headHash)}`;
  }
  const { sequence, transferId, reason, detail } = firstBreak;
  const where = transferId === undefined ? '' : ` (${transferId})`;
  return `BROKEN ${bookId}: after ${transfers} right transfers, at ${sequence}${where}: ${reason}: ${detail}`;
}
