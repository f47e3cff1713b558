import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { readLostAncestors } from '../coins/index.ts';
import type { ChainFacts, Taken, VersionPlace } from './chain-facts.ts';
import { outpointText, splitOutpoint } from './outpoints.ts';
import type { OutpointText } from './spend.ts';

/** Spends that one of these transactions is a version of, or whose coins it takes. */
export async function readTouchedSpends(tx: Tx, txids: readonly string[]): Promise<Uuid[]> {
  if (txids.length === 0) return [];
  const rows = await tx.query<{ spend_id: Uuid }>(
    `SELECT spend_id FROM spend_version WHERE txid = ANY($1::bytea[])
      UNION
     SELECT r.spend_id FROM chain_spend s
       JOIN coin_reservation r ON r.txid = s.prev_txid AND r.vout = s.prev_vout
      WHERE s.txid = ANY($1::bytea[])
      UNION
     SELECT spend_id FROM coin_reservation WHERE txid = ANY($1::bytea[])
      ORDER BY spend_id`,
    [txids.map(parseHash)],
  );
  return rows.map((row) => row.spend_id);
}

/** Spends that a new tip may move on: confirmed ones that become final, and conflicts that do. */
export async function readSpendsDueAtTip(
  tx: Tx,
  at: { finalHeight: number; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM spend WHERE state = 'confirmed' AND height <= $1
      UNION
     SELECT id FROM spend WHERE state NOT IN ('final', 'failed') AND reason IN ('cancelled',
            'conflict_not_final', 'coin_gone')
      ORDER BY id LIMIT $2`,
    [at.finalHeight, at.limit],
  );
  return rows.map(({ id }) => id);
}

/**
 * What waits for money looks again at each tip: coins may have come, or come free.
 * @returns whether there is any
 */
export async function wakeShortSpends(tx: Tx, nowMs: number): Promise<boolean> {
  const woken = await tx.query(
    `UPDATE spend SET due_at = $1 WHERE reason = 'insufficient_funds' AND height IS NULL
        AND state NOT IN ('final', 'failed') AND due_at > $1 RETURNING 1 AS woken`,
    [new Date(nowMs)],
  );
  return woken.length > 0;
}

/** What the chain's record says about these spends now. */
export async function readChainFacts(
  tx: Tx,
  spendIds: readonly Uuid[],
  tipHeight: number,
): Promise<Map<Uuid, ChainFacts>> {
  type PlaceRow = { spend_id: Uuid; version: number; height: number | null; block_hash: Buffer };
  const places = await tx.query<PlaceRow>(
    `SELECT v.spend_id, v.version, t.height, t.block_hash
       FROM spend_version v JOIN chain_transaction t ON t.txid = v.txid
      WHERE v.spend_id = ANY($1::uuid[]) AND t.state IN ('mempool', 'block')`,
    [spendIds],
  );
  const lost = await readLostAncestors(tx, spendIds);
  type TakenRow = { spend_id: Uuid; prev_txid: Buffer; prev_vout: number; txid: Buffer };
  const taken = await tx.query<TakenRow & { height: number | null }>(
    `SELECT r.spend_id, r.txid AS prev_txid, r.vout AS prev_vout, t.txid, t.height
       FROM coin_reservation r
       JOIN chain_spend s ON s.prev_txid = r.txid AND s.prev_vout = r.vout
       JOIN chain_transaction t ON t.txid = s.txid AND t.state IN ('mempool', 'block')
      WHERE r.spend_id = ANY($1::uuid[]) AND NOT EXISTS (
            SELECT 1 FROM spend_version v WHERE v.spend_id = r.spend_id AND v.txid = t.txid)
      UNION ALL
     SELECT b.spend_id, b.coin_txid, b.coin_vout, t.txid, t.height
       FROM unnest($2::uuid[], $3::bytea[], $4::int[], $5::bytea[])
            AS b (spend_id, coin_txid, coin_vout, txid)
       JOIN chain_spend own ON own.txid = b.txid
       JOIN chain_spend s ON s.prev_txid = own.prev_txid AND s.prev_vout = own.prev_vout
        AND s.txid <> b.txid
       JOIN chain_transaction t ON t.txid = s.txid AND t.state IN ('mempool', 'block')
      ORDER BY height NULLS FIRST`,
    [
      spendIds,
      lost.map(({ spendId }) => spendId),
      lost.map(({ coin }) => parseHash(coin.txid)),
      lost.map(({ coin }) => coin.vout),
      lost.map(({ txid }) => parseHash(txid)),
    ],
  );
  const facts = new Map<Uuid, ChainFacts>();
  for (const id of spendIds) {
    const own = new Map<number, VersionPlace>();
    for (const row of places.filter(({ spend_id }) => spend_id === id)) {
      const { height } = row;
      own.set(
        row.version,
        height === null ? 'mempool' : { height, blockHash: displayHash(row.block_hash) },
      );
    }
    const others = new Map<OutpointText, Taken>();
    for (const row of taken.filter(({ spend_id }) => spend_id === id)) {
      const outpoint = outpointText(row.prev_txid, row.prev_vout);
      others.set(outpoint, { txid: displayHash(row.txid), height: row.height });
    }
    const missing = new Set(
      lost
        .filter(({ spendId, coin, txid }) => spendId === id && coin.txid === txid)
        .map(({ coin }) => `${coin.txid}:${coin.vout}`),
    );
    facts.set(id, { tipHeight, places: own, taken: others, missing });
  }
  return facts;
}

/** Versions that were given out to be signed and whose txid will be known only then. */
export async function readNamelessVersions(
  tx: Tx,
  spendIds: readonly Uuid[],
): Promise<{ spendId: Uuid; version: number; psbt: Uint8Array }[]> {
  const rows = await tx.query<{ spend_id: Uuid; version: number; psbt: Buffer }>(
    `SELECT spend_id, version, psbt FROM spend_version
      WHERE spend_id = ANY($1::uuid[]) AND txid IS NULL AND exposed`,
    [spendIds],
  );
  return rows.map(({ spend_id: spendId, version, psbt }) => ({ spendId, version, psbt }));
}

/** Transactions on record that take a coin of these spends. */
export async function readTakers(
  tx: Tx,
  spendIds: readonly Uuid[],
): Promise<{ spendId: Uuid; raw: Uint8Array }[]> {
  const rows = await tx.query<{ spend_id: Uuid; raw: Buffer }>(
    `SELECT DISTINCT r.spend_id, t.txid, t.raw
       FROM coin_reservation r
       JOIN chain_spend s ON s.prev_txid = r.txid AND s.prev_vout = r.vout
       JOIN chain_transaction t ON t.txid = s.txid
      WHERE r.spend_id = ANY($1::uuid[])`,
    [spendIds],
  );
  return rows.map(({ spend_id: spendId, raw }) => ({ spendId, raw }));
}

export async function nameVersion(
  tx: Tx,
  named: { spendId: Uuid; version: number; txid: string; raw: Uint8Array },
): Promise<void> {
  await tx.query(
    `UPDATE spend_version SET txid = $3, raw = coalesce(raw, $4)
      WHERE spend_id = $1 AND version = $2 AND txid IS NULL`,
    [named.spendId, named.version, parseHash(named.txid), named.raw],
  );
}

/** Transactions of one chain in the mempool that a node keeps (DEFAULT_ANCESTOR_LIMIT). */
const MAX_ANCESTORS = 25;

/**
 * Raw transactions, in no block, that these coins come from, the oldest first.
 * @param generations how far back; 1: what made the coins. Default: as far as a node keeps a chain
 */
export async function readUnconfirmedAncestors(
  tx: Tx,
  inputs: readonly OutpointText[],
  generations = MAX_ANCESTORS,
): Promise<Uint8Array[]> {
  const rows = await tx.query<{ raw: Buffer }>(
    `WITH RECURSIVE behind AS (
       SELECT txid, 1 AS depth FROM chain_transaction
        WHERE txid = ANY($1::bytea[]) AND state <> 'block'
       UNION
       SELECT made.txid, b.depth + 1 FROM behind b
         JOIN chain_spend s ON s.txid = b.txid
         JOIN chain_transaction made ON made.txid = s.prev_txid AND made.state <> 'block'
        WHERE b.depth < $3)
     SELECT t.raw FROM (SELECT txid, max(depth) AS depth FROM behind GROUP BY txid) a
       JOIN chain_transaction t ON t.txid = a.txid
      ORDER BY a.depth DESC, t.txid LIMIT $2`,
    [inputs.map((input) => parseHash(splitOutpoint(input)[0])), MAX_ANCESTORS, generations],
  );
  return rows.map(({ raw }) => new Uint8Array(raw));
}

/** Whether the chain's record has seen a transaction in the mempool or in a block. */
export async function isOnRecord(tx: Tx, txid: string): Promise<boolean> {
  const found = await tx.query(
    "SELECT FROM chain_transaction WHERE txid = $1 AND state IN ('mempool', 'block')",
    [parseHash(txid)],
  );
  return found.length > 0;
}
