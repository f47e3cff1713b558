import { displayHash, parseHash, parseTransaction, type Transaction } from '@quittance/bitcoin';
import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { OutpointText, Spend } from './spend.ts';
import { outpointText, splitOutpoint } from './outpoints.ts';

/** A transaction on record that no spend of ours has as a version. */
export type ForgottenPayment = {
  readonly txid: string;
  readonly raw: Uint8Array;
  readonly transaction: Transaction;
  readonly firstSeenAtMs: number;
};

/** Those of the transactions that exist and that no spend has as a version. */
export async function readForgottenPayments(
  tx: Tx,
  txids: readonly string[],
): Promise<ForgottenPayment[]> {
  if (txids.length === 0) return [];
  const rows = await tx.query<{ txid: Buffer; raw: Buffer; first_seen_at: Date }>(
    `SELECT t.txid, t.raw, t.first_seen_at FROM chain_transaction t
      WHERE t.txid = ANY($1::bytea[]) AND t.state IN ('mempool', 'block')
        AND NOT EXISTS (SELECT FROM spend_version v WHERE v.txid = t.txid)
        AND EXISTS (SELECT FROM payout WHERE state NOT IN ('final', 'failed', 'cancelled'))
      ORDER BY t.height NULLS LAST, t.txid`,
    [txids.map(parseHash)],
  );
  return rows.map(({ txid, raw, first_seen_at: seen }) => ({
    txid: displayHash(txid),
    raw,
    transaction: parseTransaction(raw),
    firstSeenAtMs: seen.getTime(),
  }));
}

/** What a transaction takes from a wallet of ours, and what it gives back to it. */
export type OwnSide = {
  readonly merchantId: Uuid;
  readonly walletId: Uuid;
  readonly inputs: readonly OutpointText[];
  readonly inputSats: Sats;
  readonly change: {
    readonly branch: 0 | 1;
    readonly index: number;
    readonly vout: number;
    readonly valueSats: Sats;
  } | null;
};

/** Null when not every one of its inputs is a coin of one and the same wallet. */
export async function readOwnSide(
  tx: Tx,
  { txid, transaction }: Pick<ForgottenPayment, 'txid' | 'transaction'>,
): Promise<OwnSide | null> {
  type Row = {
    merchant_id: Uuid;
    wallet_id: Uuid;
    txid: Buffer;
    vout: number;
    value_sats: bigint;
  };
  const spent = await tx.query<Row>(
    `SELECT c.merchant_id, c.wallet_id, c.txid, c.vout, c.value_sats
       FROM chain_spend s JOIN coin c ON c.txid = s.prev_txid AND c.vout = s.prev_vout
      WHERE s.txid = $1`,
    [parseHash(txid)],
  );
  const [first] = spent;
  const isOurs =
    first !== undefined &&
    spent.length === transaction.inputs.length &&
    spent.every(({ wallet_id: walletId }) => walletId === first.wallet_id);
  if (!isOurs) return null;
  const own = { merchantId: first.merchant_id, walletId: first.wallet_id };
  const [change] = await tx.query<{ branch: 0 | 1; index: number; vout: number; sats: bigint }>(
    `SELECT branch, index, vout, value_sats AS sats FROM coin
      WHERE merchant_id = $1 AND wallet_id = $2 AND txid = $3 AND order_id IS NULL
      ORDER BY branch DESC, vout LIMIT 1`,
    [own.merchantId, own.walletId, parseHash(txid)],
  );
  return {
    ...own,
    // In the order of the transaction: of two with the same inputs the first is the anchor.
    inputs: transaction.inputs.map(({ prevTxid, prevVout }) => outpointText(prevTxid, prevVout)),
    inputSats: spent.reduce((sum, row) => sum + row.value_sats, 0n),
    change:
      change === undefined
        ? null
        : {
            ...{ branch: change.branch, index: change.index, vout: change.vout },
            valueSats: change.sats,
          },
  };
}

/** The wallet whose coins a transaction spends; null when it spends none, or those of several. */
export async function readWalletSpentBy(tx: Tx, txid: string): Promise<Uuid | null> {
  const rows = await tx.query<{ wallet_id: Uuid }>(
    `SELECT DISTINCT c.wallet_id
       FROM chain_spend s JOIN coin c ON c.txid = s.prev_txid AND c.vout = s.prev_vout
      WHERE s.txid = $1`,
    [parseHash(txid)],
  );
  const [only] = rows;
  return rows.length === 1 && only !== undefined ? only.wallet_id : null;
}

/** How many payouts each spend pays. */
export async function readSpendSizes(tx: Tx, ids: readonly Uuid[]): Promise<Map<Uuid, number>> {
  const rows = await tx.query<{ spend_id: Uuid; size: bigint }>(
    `SELECT spend_id, count(*) AS size FROM spend_output WHERE spend_id = ANY($1::uuid[])
      GROUP BY spend_id`,
    [ids],
  );
  return new Map(rows.map((row) => [row.spend_id, Number(row.size)]));
}

/** Spends that have a coin reserved which this transaction spends. */
export async function readConflictingSpends(tx: Tx, txid: string): Promise<Set<Uuid>> {
  const rows = await tx.query<{ spend_id: Uuid }>(
    `SELECT DISTINCT r.spend_id FROM chain_spend s
       JOIN coin_reservation r ON r.txid = s.prev_txid AND r.vout = s.prev_vout
      WHERE s.txid = $1`,
    [parseHash(txid)],
  );
  return new Set(rows.map((row) => row.spend_id));
}

/** Those of the spends no transaction of which was ever signed, as far as the record goes. */
export async function readUnsignedSpends(tx: Tx, ids: readonly Uuid[]): Promise<Set<Uuid>> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT s.id FROM spend s WHERE s.id = ANY($1::uuid[]) AND s.state = 'planned'
        AND NOT EXISTS (SELECT FROM spend_version v WHERE v.spend_id = s.id
                         AND (v.exposed OR v.state NOT IN ('planned', 'replaced')))`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Reserves coins that are spent already, so that they stay the spend's if its transaction goes. */
export async function reserveSpent(
  tx: Tx,
  { merchantId, id }: Pick<Spend, 'merchantId' | 'id'>,
  inputs: readonly OutpointText[],
): Promise<void> {
  const parts = inputs.map(splitOutpoint);
  await tx.query(
    `INSERT INTO coin_reservation (merchant_id, txid, vout, spend_id)
     SELECT $1, n.txid, n.vout, $2 FROM unnest($3::bytea[], $4::int[]) AS n (txid, vout)
      ORDER BY n.txid, n.vout ON CONFLICT (txid, vout) DO NOTHING`,
    [merchantId, id, parts.map(([txid]) => parseHash(txid)), parts.map(([, vout]) => vout)],
  );
}

/** What was planned and never signed is not wanted any more; what is made next spends this coin. */
export async function replacePlans(tx: Tx, spendId: Uuid, anchor: OutpointText): Promise<void> {
  const [txid, vout] = splitOutpoint(anchor);
  await tx.query(
    `UPDATE spend_version SET state = 'replaced'
      WHERE spend_id = $1 AND state = 'planned' AND NOT exposed`,
    [spendId],
  );
  await tx.query('UPDATE spend SET anchor_txid = $2, anchor_vout = $3 WHERE id = $1', [
    ...[spendId, parseHash(txid), vout],
  ]);
}

/** A version that is on the chain's record has its bytes, whoever had it signed and sent it. */
export async function takeBytes(tx: Tx, spendIds: readonly Uuid[]): Promise<void> {
  await tx.query(
    `UPDATE spend_version v SET raw = t.raw FROM chain_transaction t
      WHERE v.spend_id = ANY($1::uuid[]) AND v.raw IS NULL AND t.txid = v.txid`,
    [spendIds],
  );
}
