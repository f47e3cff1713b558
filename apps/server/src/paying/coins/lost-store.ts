import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { CoinRef } from './coin.ts';

/** A transaction that is nowhere to be seen and that a reserved coin comes from. */
export type LostAncestor = {
  readonly spendId: Uuid;
  readonly coin: CoinRef;
  readonly txid: string;
};

/**
 * What reserved coins come from and is nowhere to be seen, as far back as it goes, the coins' own
 * transactions first: a coin does not exist while one of these is impossible, which it is when
 * somebody else has what it spends. All of it may come back.
 * @param spendIds spends that have reserved the coins; null: all
 */
export async function readLostAncestors(
  tx: Tx,
  spendIds: readonly Uuid[] | null,
): Promise<LostAncestor[]> {
  type Row = { spend_id: Uuid; coin_txid: Buffer; coin_vout: number; txid: Buffer };
  const rows = await tx.query<Row>(
    `WITH RECURSIVE lost AS (
       SELECT r.spend_id, r.txid AS coin_txid, r.vout AS coin_vout, made.txid
         FROM coin_reservation r JOIN chain_transaction made ON made.txid = r.txid
          AND made.state NOT IN ('mempool', 'block')
        WHERE $1::uuid[] IS NULL OR r.spend_id = ANY($1::uuid[])
       UNION
       SELECT l.spend_id, l.coin_txid, l.coin_vout, made.txid
         FROM lost l JOIN chain_spend s ON s.txid = l.txid
         JOIN chain_transaction made ON made.txid = s.prev_txid
          AND made.state NOT IN ('mempool', 'block'))
     SELECT spend_id, coin_txid, coin_vout, txid FROM lost`,
    [spendIds],
  );
  return rows.map((row) => ({
    spendId: row.spend_id,
    coin: { txid: displayHash(row.coin_txid), vout: row.coin_vout },
    txid: displayHash(row.txid),
  }));
}

/** What lost ancestors of reserved coins spend: whoever else spends it has made those coins impossible. */
export async function readSpentByLost(tx: Tx): Promise<{ txid: Buffer; vout: number }[]> {
  const lost = new Set((await readLostAncestors(tx, null)).map(({ txid }) => txid));
  if (lost.size === 0) return [];
  return tx.query(
    `SELECT prev_txid AS txid, prev_vout::int AS vout FROM chain_spend
      WHERE txid = ANY($1::bytea[])`,
    [[...lost].map(parseHash)],
  );
}
