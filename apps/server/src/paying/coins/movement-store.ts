import { displayHash, parseHash } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Movement, MovementFacts, MovementState } from './movement.ts';

type MovementRow = {
  merchant_id: Uuid;
  txid: Buffer;
  state: string;
  deposited: bigint;
  spent: bigint;
  amount_sats: bigint | null;
  movement_state: MovementState | null;
  ledger_epoch: number | null;
};

/**
 * What the record says about transactions, and about those that spend coins of theirs, for each
 * merchant whose coins or movements they touch; with the movement on record. Outputs that pay an
 * order belong to receiving/payments. Of a spend of ours (it reads spend_version) what it
 * spends is booked by paying/spends, and its change is no deposit.
 */
export async function readMovementFacts(
  tx: Tx,
  txids: readonly string[],
): Promise<{ facts: MovementFacts; known: Movement | undefined }[]> {
  const rows = await tx.query<MovementRow>(
    `WITH touched AS (
       SELECT unnest($1::bytea[]) AS txid
       UNION SELECT txid FROM chain_spend WHERE prev_txid = ANY($1::bytea[])),
     made AS (
       SELECT c.merchant_id, c.txid, sum(c.value_sats)::bigint AS sats
         FROM touched JOIN coin c USING (txid)
         LEFT JOIN spend_version v ON v.txid = c.txid AND v.merchant_id = c.merchant_id
          AND v.change_vout = c.vout
        WHERE c.order_id IS NULL AND v.txid IS NULL GROUP BY c.merchant_id, c.txid),
     spent AS (
       SELECT c.merchant_id, p.txid, sum(c.value_sats)::bigint AS sats
         FROM touched JOIN chain_spend p USING (txid)
         JOIN coin c ON c.txid = p.prev_txid AND c.vout = p.prev_vout
        WHERE NOT EXISTS (SELECT FROM spend_version v
               WHERE v.txid = p.txid AND v.merchant_id = c.merchant_id)
        GROUP BY c.merchant_id, p.txid),
     keys AS (
       SELECT merchant_id, txid FROM made UNION SELECT merchant_id, txid FROM spent
       UNION SELECT merchant_id, txid FROM wallet_movement
              WHERE txid IN (SELECT txid FROM touched))
     SELECT merchant_id, txid, t.state, coalesce(made.sats, 0) AS deposited,
            coalesce(spent.sats, 0) AS spent, m.amount_sats, m.state AS movement_state,
            m.ledger_epoch
       FROM keys JOIN chain_transaction t USING (txid)
       LEFT JOIN made USING (merchant_id, txid) LEFT JOIN spent USING (merchant_id, txid)
       LEFT JOIN wallet_movement m USING (merchant_id, txid)
      ORDER BY merchant_id, txid`,
    [txids.map(parseHash)],
  );
  return rows.map((row) => {
    const txid = displayHash(row.txid);
    const place = row.state === 'mempool' || row.state === 'block' ? row.state : null;
    const facts: MovementFacts = {
      merchantId: row.merchant_id,
      txid,
      place,
      depositedSats: row.deposited,
      spentSats: row.spent,
    };
    return { facts, known: movementOf(row, txid) };
  });
}

function movementOf(row: MovementRow, txid: string): Movement | undefined {
  const { amount_sats: amountSats, movement_state: state, ledger_epoch: ledgerEpoch } = row;
  if (amountSats === null || state === null || ledgerEpoch === null) return undefined;
  return { merchantId: row.merchant_id, txid, amountSats, state, ledgerEpoch };
}

/** Whether anything is booked of these transactions already. */
export async function hasMovements(tx: Tx, txids: readonly string[]): Promise<boolean> {
  if (txids.length === 0) return false;
  const found = await tx.query(
    'SELECT FROM wallet_movement WHERE txid = ANY($1::bytea[]) LIMIT 1',
    [txids.map(parseHash)],
  );
  return found.length > 0;
}

/** Keeps others from writing these transactions' movements until the transaction ends. */
export async function lockMovements(tx: Tx, txids: readonly string[]): Promise<void> {
  if (txids.length === 0) return;
  await tx.query(
    `SELECT 1 FROM wallet_movement WHERE txid = ANY($1::bytea[])
      ORDER BY merchant_id, txid FOR UPDATE`,
    [txids.map(parseHash)],
  );
}

export async function saveMovements(
  tx: Tx,
  movements: readonly Movement[],
  nowMs: number,
): Promise<void> {
  await tx.query(
    `INSERT INTO wallet_movement (merchant_id, txid, amount_sats, state, ledger_epoch,
            first_seen_at, updated_at)
     SELECT *, $6::timestamptz, $6::timestamptz
       FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::text[], $5::int[])
     ON CONFLICT (merchant_id, txid) DO UPDATE SET amount_sats = excluded.amount_sats,
            state = excluded.state, ledger_epoch = excluded.ledger_epoch,
            updated_at = excluded.updated_at`,
    [
      movements.map(({ merchantId }) => merchantId),
      movements.map(({ txid }) => parseHash(txid)),
      movements.map(({ amountSats }) => amountSats),
      movements.map(({ state }) => state),
      movements.map(({ ledgerEpoch }) => ledgerEpoch),
      new Date(nowMs),
    ],
  );
}
