import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { outpointText, splitOutpoint } from './outpoints.ts';
import type { OutpointText } from './spend.ts';

/** Height of the last block on record; 0 before the first. */
export async function readTip(tx: Tx): Promise<number> {
  const row = await tx.one<{ height: number }>(
    'SELECT coalesce(max(height), 0)::int AS height FROM chain_cursor',
  );
  return row.height;
}

/** A coin of ours, whatever is being done with it. */
export type OwnCoin = {
  readonly id: OutpointText;
  readonly txid: string;
  readonly vout: number;
  readonly walletId: Uuid;
  readonly valueSats: Sats;
  readonly branch: 0 | 1;
  readonly index: number;
  readonly height: number | null;
  readonly live: boolean;
  readonly isSpent: boolean;
  /** The open spend that has it. */
  readonly reservedBy: Uuid | null;
  /** Of a payment that is being checked, held or frozen: it has to stay where it is. */
  readonly isWithheld: boolean;
};

/** Coins by name; those that are not ours are left out. */
export async function readOwnCoins(
  tx: Tx,
  merchantId: Uuid,
  outpoints: readonly OutpointText[],
): Promise<OwnCoin[]> {
  const parts = outpoints.map(splitOutpoint);
  type Row = {
    txid: Buffer;
    vout: number;
    wallet_id: Uuid;
    value_sats: bigint;
    branch: 0 | 1;
    index: number;
    height: number | null;
    live: boolean;
    spent_by: Buffer | null;
    reserved_by: Uuid | null;
    withheld: boolean;
  };
  const rows = await tx.query<Row>(
    `SELECT c.txid, c.vout, c.wallet_id, c.value_sats, c.branch, c.index, c.height, c.live,
            c.spent_by, r.spend_id AS reserved_by,
            EXISTS (SELECT FROM payment p WHERE p.txid = c.txid AND p.vout = c.vout
                     AND p.withheld) AS withheld
       FROM unnest($2::bytea[], $3::int[]) AS n (txid, vout)
       JOIN coin c ON c.merchant_id = $1 AND c.txid = n.txid AND c.vout = n.vout
       LEFT JOIN coin_reservation r ON r.txid = c.txid AND r.vout = c.vout`,
    [merchantId, parts.map(([txid]) => parseHash(txid)), parts.map(([, vout]) => vout)],
  );
  return rows.map((row) => ({
    id: outpointText(row.txid, row.vout),
    txid: displayHash(row.txid),
    vout: row.vout,
    walletId: row.wallet_id,
    valueSats: row.value_sats,
    branch: row.branch,
    index: row.index,
    height: row.height,
    live: row.live,
    isSpent: row.spent_by !== null,
    reservedBy: row.reserved_by,
    isWithheld: row.withheld,
  }));
}

/**
 * One plan of a wallet at a time, until the transaction ends: what one reserves, and whose change
 * it spends, the next one sees.
 */
export async function lockPlanning(tx: Tx, walletId: Uuid): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`plan ${walletId}`]);
}

/** Coins made by spends that are about to be replaced: who builds on them, falls with them. */
export async function readDoubtfulChange(tx: Tx, walletId: Uuid): Promise<Set<string>> {
  const rows = await tx.query<{ txid: Buffer }>(
    `SELECT v.txid FROM spend s JOIN spend_version v ON v.spend_id = s.id
      WHERE s.wallet_id = $1 AND s.state NOT IN ('final', 'failed') AND v.txid IS NOT NULL
        AND (v.version <> s.version OR EXISTS (
              SELECT 1 FROM spend_version n WHERE n.spend_id = s.id AND n.version > v.version
                 AND n.state IN ('planned', 'signed')))`,
    [walletId],
  );
  return new Set(rows.map(({ txid }) => displayHash(txid)));
}

/** Time of the newest block on record; null before the first. */
export async function readTipTime(tx: Tx, height: number): Promise<number | null> {
  const row = await tx.maybe<{ time: Date }>('SELECT time FROM chain_block WHERE height = $1', [
    height,
  ]);
  return row?.time.getTime() ?? null;
}
