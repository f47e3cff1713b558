import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { MEMORANDUM_PREFIX } from './accounts.ts';
import type { AccountKind, Direction, Phase, RecordedTransfer, Transfer } from './transfer.ts';

/** Hands the batch to ledger_post; amounts travel as text because JSON numbers bend. */
export async function post(tx: Tx, transfers: readonly Transfer[]): Promise<number> {
  const batch = transfers.map(({ legs, ...transfer }) => ({
    ...transfer,
    legs: legs.map(({ account: { code, asset, kind, floor }, direction, amount }) => ({
      code,
      asset,
      kind,
      floor,
      direction,
      amount: amount.toString(),
    })),
  }));
  const { recorded } = await tx.one<{ recorded: number }>('SELECT ledger_post($1) AS recorded', [
    JSON.stringify(batch),
  ]);
  return recorded;
}

export type CounterRow = {
  code: string;
  asset: string;
  kind: AccountKind;
  floor: boolean;
  debits_posted: bigint;
  credits_posted: bigint;
  debits_pending: bigint;
  credits_pending: bigint;
};

export function readCounters(tx: Tx, bookId: Uuid): Promise<CounterRow[]> {
  return tx.query(
    `SELECT code, asset, kind, floor, debits_posted, credits_posted, debits_pending,
       credits_pending
     FROM ledger_account WHERE book_id = $1 AND NOT starts_with(code, $2)
     ORDER BY code COLLATE "C"`,
    [bookId, MEMORANDUM_PREFIX],
  );
}

export function readCounter(tx: Tx, bookId: Uuid, code: string): Promise<CounterRow | undefined> {
  return tx.maybe(
    `SELECT code, asset, kind, floor, debits_posted, credits_posted, debits_pending,
       credits_pending
     FROM ledger_account WHERE book_id = $1 AND code = $2`,
    [bookId, code],
  );
}

/** Counters as the entries up to a time make them; accounts that had none are left out. */
export function sumEntries(tx: Tx, bookId: Uuid, asOfMs: number): Promise<CounterRow[]> {
  return tx.query(
    `SELECT a.code, a.asset, a.kind, a.floor,
       coalesce(sum(s.posted) FILTER (WHERE s.direction = 'debit'), 0)::bigint AS debits_posted,
       coalesce(sum(s.posted) FILTER (WHERE s.direction = 'credit'), 0)::bigint AS credits_posted,
       coalesce(sum(s.pending) FILTER (WHERE s.direction = 'debit'), 0)::bigint AS debits_pending,
       coalesce(sum(s.pending) FILTER (WHERE s.direction = 'credit'), 0)::bigint AS credits_pending
     FROM (
       SELECT e.account_id, e.direction,
         CASE WHEN t.phase IN ('single', 'post') THEN e.amount ELSE 0 END AS posted,
         CASE t.phase WHEN 'single' THEN 0 WHEN 'pending' THEN e.amount ELSE -e.amount END
           AS pending
       FROM ledger_transfer t JOIN ledger_entry e ON e.book_id = t.book_id AND e.sequence = t.sequence
       WHERE t.book_id = $1 AND t.recorded_at <= $2
     ) s JOIN ledger_account a ON a.book_id = $1 AND a.id = s.account_id
       AND NOT starts_with(a.code, $3)
     GROUP BY a.code, a.asset, a.kind, a.floor ORDER BY a.code COLLATE "C"`,
    [bookId, new Date(asOfMs), MEMORANDUM_PREFIX],
  );
}

type TransferRow = {
  book_id: Uuid;
  id: Uuid;
  sequence: bigint;
  template: string;
  phase: Phase;
  pending_id: Uuid | null;
  effective_at: Date;
  recorded_at: Date;
  reference: Record<string, string>;
  prev_hash: Uint8Array;
  hash: Uint8Array;
  legs: {
    code: string;
    asset: string;
    kind: AccountKind;
    floor: boolean;
    direction: Direction;
    amount: string;
  }[];
};

/** A transfer with its legs as JSON, so that a page is one statement. */
const SELECT_TRANSFER = `
  SELECT t.*, l.legs FROM ledger_transfer t CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('code', a.code, 'asset', a.asset,
      'kind', a.kind, 'floor', a.floor, 'direction', e.direction, 'amount', e.amount::text)
      ORDER BY e.leg), '[]') AS legs
    FROM ledger_entry e JOIN ledger_account a ON a.book_id = e.book_id AND a.id = e.account_id
    WHERE e.book_id = t.book_id AND e.sequence = t.sequence
  ) l`;

export async function readTransfers(
  tx: Tx,
  page: { bookId: Uuid; after: bigint; limit: number },
): Promise<RecordedTransfer[]> {
  const rows = await tx.query<TransferRow>(
    `${SELECT_TRANSFER} WHERE t.book_id = $1 AND t.sequence > $2 ORDER BY t.sequence LIMIT $3`,
    [page.bookId, page.after, page.limit],
  );
  return rows.map(asTransfer);
}

export async function readTransfersById(
  tx: Tx,
  { bookId, ids }: { bookId: Uuid; ids: readonly Uuid[] },
): Promise<RecordedTransfer[]> {
  const rows = await tx.query<TransferRow>(
    `${SELECT_TRANSFER} WHERE t.book_id = $1 AND t.id = ANY ($2)`,
    [bookId, ids],
  );
  return rows.map(asTransfer);
}

/** How many transfers resolve each of these pending ones: never more than one. */
export function countResolutions(
  tx: Tx,
  { bookId, ids }: { bookId: Uuid; ids: readonly Uuid[] },
): Promise<{ pending_id: Uuid; resolutions: bigint }[]> {
  return tx.query(
    `SELECT pending_id, count(*) AS resolutions FROM ledger_transfer
     WHERE book_id = $1 AND pending_id = ANY ($2) GROUP BY pending_id`,
    [bookId, ids],
  );
}

export type BookRow = {
  id: Uuid;
  head_sequence: bigint;
  head_hash: Uint8Array;
  accounts: {
    code: string;
    debits_posted: string;
    credits_posted: string;
    debits_pending: string;
    credits_pending: string;
  }[];
};

/** Head and counters of a book as one moment shows them, because it is one statement. */
export function readBook(tx: Tx, bookId: Uuid): Promise<BookRow | undefined> {
  return tx.maybe(
    `SELECT b.id, b.head_sequence, b.head_hash, (
       SELECT coalesce(jsonb_agg(jsonb_build_object('code', a.code,
         'debits_posted', a.debits_posted::text, 'credits_posted', a.credits_posted::text,
         'debits_pending', a.debits_pending::text, 'credits_pending', a.credits_pending::text)
         ORDER BY a.code COLLATE "C"), '[]')
       FROM ledger_account a WHERE a.book_id = b.id) AS accounts
     FROM ledger_book b WHERE b.id = $1`,
    [bookId],
  );
}

/** Which books exist, a page at a time, in the order of their ids. */
export async function listBookIds(tx: Tx, after: Uuid | null, limit: number): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    'SELECT id FROM ledger_book WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2',
    [after, limit],
  );
  return rows.map(({ id }) => id);
}

function asTransfer(row: TransferRow): RecordedTransfer {
  return {
    id: row.id,
    bookId: row.book_id,
    template: row.template,
    phase: row.phase,
    ...(row.pending_id === null ? {} : { pendingId: row.pending_id }),
    effectiveAtMs: row.effective_at.getTime(),
    recordedAtMs: row.recorded_at.getTime(),
    reference: row.reference,
    legs: row.legs.map(({ direction, amount, ...account }) => ({
      account,
      direction,
      amount: BigInt(amount),
    })),
    sequence: row.sequence,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
