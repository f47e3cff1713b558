import { toHex, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { type Break, type Replay, type Resolved, replayTransfer, startReplay } from './replay.ts';
import * as store from './store.ts';
import type { RecordedTransfer } from './transfer.ts';

/** Rows held at a time: a few hundred kilobytes, and each statement stays far below its timeout. */
const PAGE = 500;

/** A head that was written down outside the database, where its owner can not reach it. */
export type Anchor = { sequence: bigint; hash: Uint8Array };

export type Verification = {
  ok: boolean;
  bookId: Uuid;
  /** Transfers that were found right. */
  transfers: bigint;
  /** Hash of the last of them; kept elsewhere it makes later changes to history visible. */
  headHash: Uint8Array;
  firstBreak?: Break;
};

/**
 * Reads a book from its first transfer to its present head and recomputes everything: hashes and
 * their chain, sequence, sums of legs, resolved pendings, floors after every transfer, and at the
 * end the head and every counter. Transfers recorded meanwhile are left for the next time.
 * @param options.anchor a head of before: its sequence must still have its hash
 */
export async function verifyJournal(
  tx: Tx,
  options: { bookId: Uuid; anchor?: Anchor },
): Promise<Verification> {
  const { bookId, anchor } = options;
  const replay = startReplay();
  const book = await store.readBook(tx, bookId);
  const firstBreak =
    book === undefined
      ? breakAtEnd(replay, 'head', 'there is no such book')
      : ((await replayAll(tx, { replay, book, anchor })) ?? (await checkEnd(tx, replay, book)));
  return {
    ok: firstBreak === undefined,
    bookId,
    transfers: replay.sequence,
    headHash: replay.hash,
    ...(firstBreak === undefined ? {} : { firstBreak }),
  };
}

async function replayAll(
  tx: Tx,
  { replay, book, anchor }: { replay: Replay; book: store.BookRow; anchor: Anchor | undefined },
): Promise<Break | undefined> {
  while (replay.sequence < book.head_sequence) {
    const page = await store.readTransfers(tx, {
      bookId: book.id,
      after: replay.sequence,
      limit: PAGE,
    });
    if (page.length === 0) return breakAtEnd(replay, 'head', 'the end of the journal is missing');
    const resolved = await readResolved(tx, book.id, page);
    for (const transfer of page) {
      if (transfer.sequence > book.head_sequence && replay.sequence === book.head_sequence) break;
      const found = replayTransfer(replay, transfer, resolved.get(transfer.pendingId ?? ''));
      if (found !== undefined) return found;
      if (replay.sequence === anchor?.sequence && toHex(replay.hash) !== toHex(anchor.hash)) {
        return breakAtEnd(replay, 'anchor', 'the hash is not the one that was kept outside');
      }
    }
  }
  if (anchor !== undefined && anchor.sequence > replay.sequence) {
    return breakAtEnd(replay, 'anchor', 'the journal ends before the head that was kept outside');
  }
  return undefined;
}

async function readResolved(
  tx: Tx,
  bookId: Uuid,
  page: readonly RecordedTransfer[],
): Promise<Map<string, Resolved>> {
  const ids = page.flatMap(({ pendingId }) => (pendingId === undefined ? [] : [pendingId]));
  if (ids.length === 0) return new Map();
  const counts = await store.countResolutions(tx, { bookId, ids });
  const byId = new Map<string, bigint>(counts.map((row) => [row.pending_id, row.resolutions]));
  const pendings = await store.readTransfersById(tx, { bookId, ids });
  return new Map(
    pendings.map((pending) => [pending.id, { pending, resolutions: byId.get(pending.id) ?? 0n }]),
  );
}

/** Compares what the journal adds up to with the head and the counters read at the start. */
async function checkEnd(tx: Tx, replay: Replay, book: store.BookRow): Promise<Break | undefined> {
  if (toHex(replay.hash) !== toHex(book.head_hash)) {
    return breakAtEnd(replay, 'head', "the book's head is not the last transfer's hash");
  }
  const [beyond] = await store.readTransfers(tx, {
    bookId: book.id,
    after: book.head_sequence,
    limit: 1,
  });
  if (beyond !== undefined) {
    // Somebody may have posted meanwhile; then the head has moved on with it.
    const now = await store.readBook(tx, book.id);
    if (now === undefined || now.head_sequence < beyond.sequence) {
      return breakAtEnd(replay, 'head', `transfer ${beyond.sequence} is beyond the book's head`);
    }
  }
  const known = new Set<string>();
  for (const account of book.accounts) {
    known.add(account.code);
    const sums = replay.counters.get(account.code);
    const same =
      BigInt(account.debits_posted) === (sums?.debitsPosted ?? 0n) &&
      BigInt(account.credits_posted) === (sums?.creditsPosted ?? 0n) &&
      BigInt(account.debits_pending) === (sums?.debitsPending ?? 0n) &&
      BigInt(account.credits_pending) === (sums?.creditsPending ?? 0n);
    if (!same)
      return breakAtEnd(replay, 'counters', `${account.code} is not the sum of its entries`);
  }
  for (const code of replay.counters.keys()) {
    if (!known.has(code)) return breakAtEnd(replay, 'counters', `${code} has no account`);
  }
  return undefined;
}

function breakAtEnd(replay: Replay, reason: Break['reason'], detail: string): Break {
  return { sequence: replay.sequence, reason, detail };
}
