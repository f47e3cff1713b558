import { displayHash, type Network, parseHash } from '@quittance/bitcoin';
import { together, type Tx } from '../../platform/db/index.ts';
import type { Outpoint } from './chain-source.ts';

export type Cursor = { height: number; hash: string };
export type ChainBlock = { height: number; hash: string; prevHash: string; timeMs: number };

/** The last block whose effects are committed. */
export async function readCursor(tx: Tx, network: Network): Promise<Cursor | null> {
  const row = await tx.maybe<{ height: number; hash: Buffer }>(
    'SELECT height, hash FROM chain_cursor WHERE network = $1',
    [network],
  );
  return row === undefined ? null : { height: row.height, hash: displayHash(row.hash) };
}

/**
 * Moves the cursor, if it is still where this watcher believes it to be.
 * @returns false when another watcher has moved it: nothing of this transaction may stay
 */
export async function moveCursor(
  tx: Tx,
  move: { network: Network; from: Cursor | null; to: Cursor; nowMs: number },
): Promise<boolean> {
  const { network, from, to, nowMs } = move;
  const values = [network, to.height, parseHash(to.hash), new Date(nowMs)];
  const rows =
    from === null
      ? await tx.query(
          `INSERT INTO chain_cursor (network, height, hash, updated_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING 1 AS moved`,
          values,
        )
      : await tx.query(
          `UPDATE chain_cursor SET height = $2, hash = $3, updated_at = $4
            WHERE network = $1 AND hash = $5 RETURNING 1 AS moved`,
          [...values, parseHash(from.hash)],
        );
  return rows.length === 1;
}

/** The processed chain is not where this watcher left it: it has to read everything anew. */
export class CursorMovedError extends Error {
  override name = 'CursorMovedError';
}

/** Raised by hold_chain_cursor. */
const CURSOR_MOVED = 'QC001';

/**
 * Keeps the cursor where it is until the transaction ends, so that nothing is written from another
 * place in the chain than this watcher's. When it is elsewhere the transaction is void: statements
 * that were begun behind this one, before its answer, are refused too.
 * @throws {CursorMovedError} when another watcher has moved it
 */
export async function holdCursor(
  tx: Tx,
  { network, at }: { network: Network; at: Cursor },
): Promise<void> {
  try {
    await tx.query('SELECT hold_chain_cursor($1, $2)', [network, parseHash(at.hash)]);
  } catch (error) {
    const moved = error instanceof Error && 'code' in error && error.code === CURSOR_MOVED;
    throw moved ? new CursorMovedError(error.message) : error;
  }
}

/** The processed chain from a height down, newest first. */
export async function readBlocksDown(tx: Tx, height: number, limit: number): Promise<ChainBlock[]> {
  const rows = await tx.query<{ height: number; hash: Buffer; prev_hash: Buffer; time: Date }>(
    `SELECT height, hash, prev_hash, time FROM chain_block
      WHERE height <= $1 ORDER BY height DESC LIMIT $2`,
    [height, limit],
  );
  return rows.map((row) => ({
    height: row.height,
    hash: displayHash(row.hash),
    prevHash: displayHash(row.prev_hash),
    timeMs: row.time.getTime(),
  }));
}

export async function insertBlocks(
  tx: Tx,
  blocks: readonly ChainBlock[],
  nowMs: number,
): Promise<void> {
  if (blocks.length === 0) return;
  await tx.query(
    `WITH block AS (
       INSERT INTO chain_block (height, hash, prev_hash, time)
       SELECT * FROM unnest($1::int[], $2::bytea[], $3::bytea[], $4::timestamptz[])
       RETURNING height, hash)
     INSERT INTO chain_event (recorded_at, kind, height, block_hash)
     SELECT $5, 'block_connected', height, hash FROM block ORDER BY height`,
    [
      blocks.map(({ height }) => height),
      blocks.map(({ hash }) => parseHash(hash)),
      blocks.map(({ prevHash }) => parseHash(prevHash)),
      blocks.map(({ timeMs }) => new Date(timeMs)),
      new Date(nowMs),
    ],
  );
}

/** Takes the blocks above a height off the processed chain. */
export async function removeBlocksAbove(tx: Tx, height: number, nowMs: number): Promise<void> {
  await tx.query(
    `WITH block AS (DELETE FROM chain_block WHERE height > $1 RETURNING height, hash)
     INSERT INTO chain_event (recorded_at, kind, height, block_hash)
     SELECT $2, 'block_disconnected', height, hash FROM block ORDER BY height DESC`,
    [height, new Date(nowMs)],
  );
}

/** Forgets blocks that lie deeper than any reorganisation that is handled. */
export async function pruneBlocksBelow(tx: Tx, height: number): Promise<void> {
  await tx.query('DELETE FROM chain_block WHERE height < $1', [height]);
}

export type TransactionState = 'mempool' | 'block' | 'replaced' | 'dropped';

export type StoredTransaction = {
  txid: string;
  state: TransactionState;
  blockHash: string | null;
  firstSeenAtMs: number;
};

export async function readTransactions(
  tx: Tx,
  txids: readonly string[],
): Promise<Map<string, StoredTransaction>> {
  if (txids.length === 0) return new Map();
  const rows = await tx.query<{
    txid: Buffer;
    state: TransactionState;
    block_hash: Buffer | null;
    first_seen_at: Date;
  }>(
    `SELECT txid, state, block_hash, first_seen_at FROM chain_transaction
      WHERE txid = ANY($1::bytea[]) FOR UPDATE`,
    [txids.map(parseHash)],
  );
  return new Map(
    rows.map((row) => {
      const txid = displayHash(row.txid);
      const blockHash = row.block_hash === null ? null : displayHash(row.block_hash);
      const firstSeenAtMs = row.first_seen_at.getTime();
      return [txid, { txid, state: row.state, blockHash, firstSeenAtMs }];
    }),
  );
}

export type NewTransaction = {
  txid: string;
  raw: Uint8Array;
  spends: readonly Outpoint[];
  /** Null while it is in the mempool. */
  block: { height: number; hash: string } | null;
  firstSeenAtMs: number;
};

/** Records transactions with what they spend, and that they were seen or included. */
export async function saveTransactions(
  tx: Tx,
  transactions: readonly NewTransaction[],
  nowMs: number,
): Promise<void> {
  if (transactions.length === 0) return;
  const spends = transactions.flatMap(({ txid, spends }) =>
    spends.map((spend) => ({ ...spend, by: txid })),
  );
  const saved = tx.query(
    `WITH saved AS (
       INSERT INTO chain_transaction (txid, raw, state, height, block_hash, first_seen_at,
              updated_at)
       SELECT txid, raw, CASE WHEN height IS NULL THEN 'mempool' ELSE 'block' END, height,
              block_hash, first_seen_at, $6::timestamptz
         FROM unnest($1::bytea[], $2::bytea[], $3::int[], $4::bytea[], $5::timestamptz[])
           AS n (txid, raw, height, block_hash, first_seen_at)
       ON CONFLICT (txid) DO UPDATE SET state = excluded.state, height = excluded.height,
              block_hash = excluded.block_hash, replaced_by = NULL,
              updated_at = excluded.updated_at
       RETURNING txid, height, block_hash)
     INSERT INTO chain_event (recorded_at, kind, height, block_hash, txid)
     SELECT $6, CASE WHEN height IS NULL THEN 'transaction_seen' ELSE 'transaction_included' END,
            height, block_hash, txid FROM saved`,
    [
      transactions.map(({ txid }) => parseHash(txid)),
      transactions.map(({ raw }) => raw),
      transactions.map(({ block }) => block?.height ?? null),
      transactions.map(({ block }) => (block === null ? null : parseHash(block.hash))),
      transactions.map(({ firstSeenAtMs }) => new Date(firstSeenAtMs)),
      new Date(nowMs),
    ],
  );
  const spent = tx.query(
    `INSERT INTO chain_spend (prev_txid, prev_vout, txid)
     SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING`,
    [
      spends.map(({ txid }) => parseHash(txid)),
      spends.map(({ vout }) => vout),
      spends.map(({ by }) => parseHash(by)),
    ],
  );
  await together([saved, spent]);
}

export type Conflict = { txid: string; other: string; otherState: TransactionState };

/** Other transactions on record that spend a coin which one of these spends. */
export async function readConflicts(
  tx: Tx,
  transactions: readonly { txid: string; spends: readonly Outpoint[] }[],
): Promise<Conflict[]> {
  const spends = transactions.flatMap(({ txid, spends }) =>
    spends.map((spend) => ({ ...spend, by: txid })),
  );
  if (spends.length === 0) return [];
  const rows = await tx.query<{ txid: Buffer; other: Buffer; state: TransactionState }>(
    `SELECT DISTINCT n.txid, s.txid AS other, t.state
       FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS n (prev_txid, prev_vout, txid)
       JOIN chain_spend s ON s.prev_txid = n.prev_txid AND s.prev_vout = n.prev_vout
        AND s.txid <> n.txid
       JOIN chain_transaction t ON t.txid = s.txid`,
    [
      spends.map(({ txid }) => parseHash(txid)),
      spends.map(({ vout }) => vout),
      spends.map(({ by }) => parseHash(by)),
    ],
  );
  return rows.map((row) => ({
    txid: displayHash(row.txid),
    other: displayHash(row.other),
    otherState: row.state,
  }));
}

/** Marks unconfirmed transactions as gone. */
export async function removeTransactions(
  tx: Tx,
  gone: readonly { txid: string; replacedBy: string | null }[],
  nowMs: number,
): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `WITH gone AS (
       UPDATE chain_transaction t SET updated_at = $3, replaced_by = n.replaced_by,
              state = CASE WHEN n.replaced_by IS NULL THEN 'dropped' ELSE 'replaced' END
         FROM unnest($1::bytea[], $2::bytea[]) AS n (txid, replaced_by)
        WHERE t.txid = n.txid AND t.state = 'mempool'
       RETURNING t.txid, t.replaced_by)
     INSERT INTO chain_event (recorded_at, kind, txid, other_txid)
     SELECT $3, CASE WHEN replaced_by IS NULL THEN 'transaction_dropped'
                     ELSE 'transaction_replaced' END, txid, replaced_by FROM gone`,
    [
      gone.map(({ txid }) => parseHash(txid)),
      gone.map(({ replacedBy }) => (replacedBy === null ? null : parseHash(replacedBy))),
      new Date(nowMs),
    ],
  );
}

/** The raw transactions on record that are in blocks above a height. */
export async function readIncludedAbove(tx: Tx, height: number): Promise<Uint8Array[]> {
  const rows = await tx.query<{ raw: Buffer }>(
    `SELECT raw FROM chain_transaction WHERE state = 'block' AND height > $1`,
    [height],
  );
  return rows.map(({ raw }) => raw);
}

/** Sets the transactions of blocks above a height back to unconfirmed; gives them back. */
export async function returnTransactionsAbove(
  tx: Tx,
  height: number,
  nowMs: number,
): Promise<{ txid: string; raw: Uint8Array }[]> {
  const rows = await tx.query<{ txid: Buffer; raw: Buffer }>(
    `WITH returned AS (
       UPDATE chain_transaction SET state = 'mempool', height = NULL, block_hash = NULL,
              updated_at = $2
        WHERE state = 'block' AND height > $1 RETURNING txid, raw),
     told AS (
       INSERT INTO chain_event (recorded_at, kind, txid)
       SELECT $2, 'transaction_returned', txid FROM returned)
     SELECT txid, raw FROM returned`,
    [height, new Date(nowMs)],
  );
  return rows.map((row) => ({ txid: displayHash(row.txid), raw: row.raw }));
}

/** Unconfirmed transactions on record, in pages by txid. */
export async function readUnconfirmed(
  tx: Tx,
  after: string | null,
  limit: number,
): Promise<{ txid: string; raw: Uint8Array }[]> {
  const rows = await tx.query<{ txid: Buffer; raw: Buffer }>(
    `SELECT txid, raw FROM chain_transaction
      WHERE state = 'mempool' AND txid > $1 ORDER BY txid LIMIT $2`,
    [after === null ? Buffer.alloc(0) : parseHash(after), limit],
  );
  return rows.map((row) => ({ txid: displayHash(row.txid), raw: row.raw }));
}

/** What unconfirmed transactions spend. */
export async function readUnconfirmedSpends(tx: Tx): Promise<Outpoint[]> {
  const rows = await tx.query<{ prev_txid: Buffer; prev_vout: bigint }>(
    `SELECT s.prev_txid, s.prev_vout FROM chain_transaction t
       JOIN chain_spend s ON s.txid = t.txid WHERE t.state = 'mempool'`,
  );
  return rows.map((row) => ({ txid: displayHash(row.prev_txid), vout: Number(row.prev_vout) }));
}
