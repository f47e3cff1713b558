import type { JsonValue } from '@quittance/contract';
import { assert, toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type Alert, readAlertsOfCase } from './alert-store.ts';
import type { Case } from './case.ts';
import { readCaseRow } from './case-store.ts';
import { noSuchCase } from './errors.ts';
import { contentOf } from './log.ts';
import { readLogRows } from './log-store.ts';

/** A case with more is not for a file that is read at once: its pages are read one by one. */
const MAX_FILE_ENTRIES = 10_000;

export type CaseFileEntry = {
  readonly sequence: number;
  readonly atMs: number;
  readonly actor: string;
  readonly kind: string;
  /** null: erased after the retention. */
  readonly content: JsonValue;
  /** Seals the entry and all before it; hexadecimal. */
  readonly hash: string;
};
export type CaseFile = {
  readonly found: Case;
  /** The oldest first. */
  readonly alerts: readonly Alert[];
  readonly log: readonly CaseFileEntry[];
};

/**
 * A case with all of its evidence, for who writes a report of it.
 * @throws {AppError} not_found
 */
export async function readCaseFile(
  tx: Tx,
  given: { merchantId: Uuid; caseId: Uuid },
): Promise<CaseFile> {
  const own = { merchantId: given.merchantId, id: given.caseId };
  const found = await readCaseRow(tx, own);
  if (found === undefined) throw noSuchCase();
  const limit = MAX_FILE_ENTRIES + 1;
  const alerts = await readAlertsOfCase(tx, own, limit);
  const log = await readLogRows(tx, own, { startingAfter: undefined, limit });
  assert(log.length <= MAX_FILE_ENTRIES, 'a case file has no more than 10,000 entries');
  return {
    found,
    alerts,
    log: log.map(({ sequence, atMs, actor, kind, content, hash }) => ({
      ...{ sequence: Number(sequence), atMs, actor, kind, hash: toHex(hash) },
      content: contentOf({ content }),
    })),
  };
}
