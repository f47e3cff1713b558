import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import * as store from './store.ts';
import type { AccountDefinition, RecordedTransfer } from './transfer.ts';

/** Counters of one account, in smallest units of its asset; all of them only ever describe sums. */
export type Balance = AccountDefinition & {
  debitsPosted: bigint;
  creditsPosted: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
  /** Posted, positive on the side where the kind of account grows. */
  posted: bigint;
  /** Posted less what is pending against it: what a floor keeps at zero or more. */
  available: bigint;
};

/** More than this and a page no longer fits a screen or a modest answer. */
export const MAX_PAGE = 100;

/**
 * The balances of every account of a book that holds money, by code: memoranda are left out, since
 * there is one for each order that was ever refunded (readBalanceOf reads a single one). Now: from the counters. As of a time: from
 * the entries that were recorded until then, it included; reads the book's history up to it.
 */
export async function readBalances(
  tx: Tx,
  options: { bookId: Uuid; asOfMs?: number },
): Promise<Balance[]> {
  const { bookId, asOfMs } = options;
  const rows =
    asOfMs === undefined
      ? await store.readCounters(tx, bookId)
      : await store.sumEntries(tx, bookId, asOfMs);
  return rows.map(asBalance);
}

/** The balance of one account now; undefined before its first transfer. */
export async function readBalanceOf(
  tx: Tx,
  options: { bookId: Uuid; code: string },
): Promise<Balance | undefined> {
  const row = await store.readCounter(tx, options.bookId, options.code);
  return row === undefined ? undefined : asBalance(row);
}

/** The accounts of a book as they were opened, by code; without memoranda. */
export async function readAccounts(tx: Tx, bookId: Uuid): Promise<AccountDefinition[]> {
  const rows = await store.readCounters(tx, bookId);
  return rows.map(({ code, asset, kind, floor }) => ({ code, asset, kind, floor }));
}

/**
 * A page of the journal in its order.
 * @param options.startingAfter the last sequence that is already known
 * @param options.limit at most MAX_PAGE
 */
export async function listTransfers(
  tx: Tx,
  options: { bookId: Uuid; startingAfter?: bigint; limit: number },
): Promise<{ transfers: RecordedTransfer[]; hasMore: boolean }> {
  const limit = Math.max(1, Math.min(options.limit, MAX_PAGE));
  const found = await store.readTransfers(tx, {
    bookId: options.bookId,
    after: options.startingAfter ?? 0n,
    limit: limit + 1,
  });
  return { transfers: found.slice(0, limit), hasMore: found.length > limit };
}

/** One transfer of a book, or undefined. */
export async function readTransfer(
  tx: Tx,
  options: { bookId: Uuid; id: Uuid },
): Promise<RecordedTransfer | undefined> {
  const [transfer] = await store.readTransfersById(tx, {
    bookId: options.bookId,
    ids: [options.id],
  });
  return transfer;
}

function asBalance(row: store.CounterRow): Balance {
  const growsByDebit = row.kind === 'asset' || row.kind === 'expense';
  const net = row.debits_posted - row.credits_posted;
  const posted = growsByDebit ? net : -net;
  return {
    code: row.code,
    asset: row.asset,
    kind: row.kind,
    floor: row.floor,
    debitsPosted: row.debits_posted,
    creditsPosted: row.credits_posted,
    debitsPending: row.debits_pending,
    creditsPending: row.credits_pending,
    posted,
    available: posted - (growsByDebit ? row.credits_pending : row.debits_pending),
  };
}
