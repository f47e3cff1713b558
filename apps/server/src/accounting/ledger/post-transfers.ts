import type { Tx } from '../../platform/db/index.ts';
import { asLedgerError, LedgerError } from './errors.ts';
import * as store from './store.ts';
import { checkShape, type Transfer } from './transfer.ts';

/** Keeps a call well under the statement timeout and its JSON under a few megabytes. */
export const MAX_BATCH = 1_000;

/**
 * Records transfers in the caller's transaction, all or none, in one round trip. A transfer that
 * is already recorded with the same content is passed over, so a retry changes nothing. From the
 * first transfer on, other writers of the book wait for the end of the transaction: post late.
 * @returns how many transfers were new
 * @throws {LedgerError} the first refusal, in the order of LEDGER_ERRORS; the transaction is then
 *   only good for a rollback
 */
export async function postTransfers(tx: Tx, transfers: readonly Transfer[]): Promise<number> {
  if (transfers.length === 0) return 0;
  if (transfers.length > MAX_BATCH) {
    throw new LedgerError('batch_too_large', `at most ${MAX_BATCH} transfers fit one batch`);
  }
  for (const transfer of transfers) checkShape(transfer);
  try {
    return await store.post(tx, transfers);
  } catch (error) {
    throw asLedgerError(error);
  }
}
