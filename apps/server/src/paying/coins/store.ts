import { displayHash, outpointBytes, parseHash } from '@quittance/bitcoin';
import { assert, type Sats, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { Branch } from '../../receiving/addresses/index.ts';
import type { OwnOutput } from '../../receiving/chain/index.ts';
import {
  COINBASE_MATURITY,
  type CoinRef,
  type ListedCoin,
  MAX_SPENDABLE,
  type SpendableCoin,
  type WaitingAncestors,
  type WalletBalances,
} from './coin.ts';

/** Adds coins. One that is there learns whether an order has its address by now. */
export async function insertCoins(tx: Tx, outputs: readonly OwnOutput[]): Promise<void> {
  if (outputs.length === 0) return;
  await tx.query(
    `INSERT INTO coin (merchant_id, txid, vout, wallet_id, address_id, branch, index, order_id,
            value_sats, coinbase, live, height)
     SELECT merchant_id, txid, vout, wallet_id, address_id, branch, index, order_id, value_sats,
            coinbase, true, height
       FROM unnest($1::uuid[], $2::bytea[], $3::int[], $4::uuid[], $5::int[], $6::smallint[],
            $7::int[], $8::uuid[], $9::bigint[], $10::boolean[], $11::int[])
         AS n (merchant_id, txid, vout, wallet_id, address_id, branch, index, order_id, value_sats,
               coinbase, height)
     ON CONFLICT (merchant_id, txid, vout) DO UPDATE SET order_id = excluded.order_id
      WHERE coin.order_id IS DISTINCT FROM excluded.order_id`,
    [
      outputs.map(({ merchantId }) => merchantId),
      outputs.map(({ txid }) => parseHash(txid)),
      outputs.map(({ vout }) => vout),
      outputs.map(({ walletId }) => walletId),
      outputs.map(({ addressId }) => addressId),
      outputs.map(({ branch }) => branch),
      outputs.map(({ index }) => index),
      outputs.map(({ orderId }) => orderId),
      outputs.map(({ valueSats }) => valueSats),
      outputs.map(({ coinbase }) => coinbase),
      outputs.map(({ height }) => height),
    ],
  );
}

/**
 * Derives anew what is told about the coins that these transactions make or spend (live, height,
 * spent_by, spent_height): from the chain's record (chain_transaction, chain_spend), in the
 * transaction that changed it, and never kept up by hand.
 */
export async function refreshCoins(tx: Tx, txids: readonly string[]): Promise<void> {
  if (txids.length === 0) return;
  await tx.query(
    `UPDATE coin c SET live = n.live, height = n.height, spent_by = n.spent_by,
            spent_height = n.spent_height
       FROM (
         SELECT k.txid, k.vout, t.state IN ('mempool', 'block') AS live, t.height,
                s.txid AS spent_by, s.height AS spent_height
           -- A union, not an OR: both halves are found by an index however many coins there are.
           FROM (SELECT txid, vout::bigint AS vout FROM coin WHERE txid = ANY ($1::bytea[])
                 UNION
                 SELECT prev_txid, prev_vout FROM chain_spend WHERE txid = ANY ($1::bytea[])) o
           JOIN coin k ON k.txid = o.txid AND k.vout = o.vout
           JOIN chain_transaction t ON t.txid = k.txid
           LEFT JOIN LATERAL (
             SELECT x.txid, x.height
               FROM chain_spend p JOIN chain_transaction x ON x.txid = p.txid
              WHERE p.prev_txid = k.txid AND p.prev_vout = k.vout
                AND x.state IN ('mempool', 'block')
              ORDER BY x.height NULLS LAST LIMIT 1) s ON true) n
      WHERE c.txid = n.txid AND c.vout = n.vout
        AND (c.live, c.height, c.spent_by, c.spent_height)
            IS DISTINCT FROM (n.live, n.height, n.spent_by, n.spent_height)`,
    [txids.map(parseHash)],
  );
}

/** A place in the index of unspent coins, to go on from. */
export type UnspentPlace = {
  merchant_id: Uuid;
  wallet_id: Uuid;
  value_sats: bigint;
  txid: Buffer;
  vout: number;
};

/** The next unspent coins of all wallets, in the order of their index. */
export async function readUnspent(
  tx: Tx,
  after: UnspentPlace | null,
  limit: number,
): Promise<UnspentPlace[]> {
  const columns = 'merchant_id, wallet_id, value_sats, txid, vout';
  if (after === null) {
    return tx.query(
      `SELECT ${columns} FROM coin WHERE live AND spent_by IS NULL ORDER BY ${columns} LIMIT $1`,
      [limit],
    );
  }
  return tx.query(
    `SELECT ${columns} FROM coin WHERE live AND spent_by IS NULL
        AND (${columns}) > ($1::uuid, $2::uuid, $3::bigint, $4::bytea, $5::int)
      ORDER BY ${columns} LIMIT $6`,
    [after.merchant_id, after.wallet_id, after.value_sats, after.txid, after.vout, limit],
  );
}

export function outpointOf({ txid, vout }: Pick<UnspentPlace, 'txid' | 'vout'>): Uint8Array {
  return outpointBytes(txid, vout);
}

/**
 * A coin that nothing keeps from being spent: not reserved, not frozen by its owner, mature, and
 * with $4 confirmations at the tip $3; with $5 also change of our own spends without any, but not
 * what a child gives back: it may build on somebody else's payment, and would fall with that. It
 * reads coin_reservation, spend and spend_version, which belong to spends. Nor is the coin of a payment
 * that is being checked, held or frozen (payment, of receiving/payments): the very coins stay.
 */
const SPENDABLE = `
  FROM coin c
  LEFT JOIN spend_version v ON c.height IS NULL AND v.txid = c.txid
       AND v.merchant_id = c.merchant_id
 WHERE c.merchant_id = $1 AND c.wallet_id = $2 AND c.live AND c.spent_by IS NULL
   AND ((c.height IS NOT NULL AND $3::int - c.height + 1 >= $4::int)
        OR ($5::boolean AND c.height IS NULL AND v.txid IS NOT NULL
            AND NOT EXISTS (SELECT FROM spend s WHERE s.merchant_id = v.merchant_id
                             AND s.id = v.spend_id AND s.kind = 'child')))
   AND (NOT c.coinbase OR $3::int - c.height + 1 >= ${COINBASE_MATURITY})
   AND NOT EXISTS (SELECT FROM coin_reservation r WHERE r.txid = c.txid AND r.vout = c.vout)
   AND NOT EXISTS (SELECT FROM payment p WHERE p.txid = c.txid AND p.vout = c.vout
                    AND p.withheld)
   AND (c.txid, c.vout) NOT IN (SELECT * FROM unnest($6::bytea[], $7::int[]))`;

export type SpendableQuery = {
  merchantId: Uuid;
  walletId: Uuid;
  tipHeight: number;
  minConfirmations: number;
  /** Whether change of our own spends may be spent before it is in a block. */
  ownChangeUnconfirmed: boolean;
};

/** Bytes of a coin as PACKED writes it. */
const PACKED_BYTES = 54;
/** Each field has its place, big-endian; -1 stands for null. */
const PACKED = `c.txid || int4send(c.vout) || int8send(c.value_sats) || int2send(c.branch)
  || int4send(c.index) || int4send(coalesce(c.height, -1))`;

/**
 * The coins that a plan may use, the largest first. They come as one value: taking apart 200,000 rows
 * would cost the process more than a second of its one thread.
 */
export async function selectSpendable(tx: Tx, query: SpendableQuery): Promise<SpendableCoin[]> {
  const { packed } = await tx.one<{ packed: Buffer | null }>(
    `SELECT string_agg(packed, '') AS packed
       FROM (SELECT ${PACKED} AS packed ${SPENDABLE}
              ORDER BY c.value_sats DESC, c.txid, c.vout LIMIT ${MAX_SPENDABLE}) coins`,
    await valuesOf(tx, query),
  );
  if (packed === null) return [];
  assert(packed.length % PACKED_BYTES === 0, 'selectSpendable: a coin is cut off');
  const coins = Array.from({ length: packed.length / PACKED_BYTES }, (_, i) =>
    unpack(packed.subarray(i * PACKED_BYTES, (i + 1) * PACKED_BYTES)),
  );
  const waiting = coins.flatMap(({ txid, height }) => (height === null ? [txid] : []));
  if (waiting.length === 0) return coins;
  const ancestors = await readWaitingAncestors(tx, query.merchantId, waiting);
  return coins.map((coin) => ({ ...coin, ancestors: ancestors.get(coin.txid) ?? null }));
}

/** What these transactions of ours, which wait for a block, build on that waits as well. */
async function readWaitingAncestors(
  tx: Tx,
  merchantId: Uuid,
  txids: readonly string[],
): Promise<Map<string, WaitingAncestors>> {
  const rows = await tx.query<{ tip: Buffer; count: bigint; vsize: bigint; fee_sats: bigint }>(
    `WITH RECURSIVE behind AS (
       SELECT n.txid AS tip, n.txid FROM unnest($2::bytea[]) AS n (txid)
       UNION
       SELECT b.tip, c.txid
         FROM behind b JOIN spend_version v ON v.txid = b.txid AND v.merchant_id = $1
        CROSS JOIN LATERAL unnest(v.inputs) AS i (outpoint)
         JOIN coin c ON c.merchant_id = $1 AND c.txid = substring(i.outpoint FROM 1 FOR 32)
        WHERE c.height IS NULL)
     SELECT b.tip, count(*) AS count, sum(v.vsize)::bigint AS vsize,
            sum(v.fee_sats)::bigint AS fee_sats
       FROM behind b JOIN spend_version v ON v.txid = b.txid AND v.merchant_id = $1
      GROUP BY b.tip`,
    [merchantId, [...new Set(txids)].map(parseHash)],
  );
  return new Map(
    rows.map((row) => [
      displayHash(row.tip),
      { transactions: Number(row.count), vsize: Number(row.vsize), feeSats: row.fee_sats },
    ]),
  );
}

function unpack(bytes: Buffer): SpendableCoin {
  const vout = bytes.readInt32BE(32);
  const valueSats = bytes.readBigInt64BE(36);
  const branch = bytes.readInt16BE(44);
  const index = bytes.readInt32BE(46);
  const height = bytes.readInt32BE(50);
  assert(branch === 0 || branch === 1, 'unpack: a wallet has two branches');
  return {
    // In place: nobody else has these bytes.
    txid: bytes.subarray(0, 32).reverse().toString('hex'),
    ...{ vout, valueSats, branch, index },
    height: height < 0 ? null : height,
    ancestors: null,
  };
}

async function valuesOf(tx: Tx, query: SpendableQuery): Promise<unknown[]> {
  const { merchantId, walletId, tipHeight, minConfirmations, ownChangeUnconfirmed } = query;
  const frozen = await readFrozen(tx, merchantId);
  return [
    ...[merchantId, walletId, tipHeight, minConfirmations, ownChangeUnconfirmed],
    frozen.map(({ txid }) => parseHash(txid)),
    frozen.map(({ vout }) => vout),
  ];
}

/** Coins that their owner does not want spent (BIP329, `spendable`). */
async function readFrozen(tx: Tx, merchantId: Uuid): Promise<CoinRef[]> {
  const rows = await tx.query<{ ref: string }>(
    `SELECT ref FROM wallet_label
      WHERE merchant_id = $1 AND type = 'output' AND spendable = false`,
    [merchantId],
  );
  return rows.map(({ ref }) => coinRef(ref));
}

/** Reads "txid:vout" as labels have it. */
function coinRef(ref: string): CoinRef {
  const [txid = '', vout] = ref.split(':');
  return { txid, vout: Number(vout) };
}

export async function readBalances(tx: Tx, query: SpendableQuery): Promise<WalletBalances> {
  const [held, spendable] = [
    await tx.one<{ confirmed: bigint; unconfirmed: bigint; reserved: bigint }>(
      `SELECT coalesce(sum(c.value_sats) FILTER (WHERE c.height IS NOT NULL), 0)::bigint AS confirmed,
              coalesce(sum(c.value_sats) FILTER (WHERE c.height IS NULL), 0)::bigint AS unconfirmed,
              coalesce(sum(c.value_sats) FILTER (WHERE EXISTS (SELECT FROM coin_reservation r
                WHERE r.txid = c.txid AND r.vout = c.vout)), 0)::bigint AS reserved
         FROM coin c
        WHERE c.merchant_id = $1 AND c.wallet_id = $2 AND c.live AND c.spent_by IS NULL`,
      [query.merchantId, query.walletId],
    ),
    await tx.one<{ sats: bigint }>(
      `SELECT coalesce(sum(c.value_sats), 0)::bigint AS sats ${SPENDABLE}`,
      await valuesOf(tx, query),
    ),
  ];
  return {
    confirmedSats: held.confirmed,
    unconfirmedSats: held.unconfirmed,
    reservedSats: held.reserved,
    spendableSats: spendable.sats,
  };
}

/** Reserves coins that exist, are unspent, free and not withheld; gives those that could be. */
export async function insertReservations(
  tx: Tx,
  of: { merchantId: Uuid; spendId: Uuid; coins: readonly CoinRef[] },
): Promise<number> {
  const rows = await tx.query(
    `INSERT INTO coin_reservation (merchant_id, txid, vout, spend_id)
     SELECT c.merchant_id, c.txid, c.vout, $2 FROM unnest($3::bytea[], $4::int[]) AS n (txid, vout)
       JOIN coin c ON c.txid = n.txid AND c.vout = n.vout
      WHERE c.merchant_id = $1 AND c.live AND c.spent_by IS NULL
        AND NOT EXISTS (SELECT FROM payment p WHERE p.txid = c.txid AND p.vout = c.vout
                         AND p.withheld)
      ORDER BY c.txid, c.vout
     ON CONFLICT (txid, vout) DO NOTHING RETURNING 1 AS reserved`,
    [
      of.merchantId,
      of.spendId,
      of.coins.map(({ txid }) => parseHash(txid)),
      of.coins.map(({ vout }) => vout),
    ],
  );
  return rows.length;
}

/** @param of.coins null: all of the spend */
export async function deleteReservations(
  tx: Tx,
  of: { merchantId: Uuid; spendId: Uuid; coins: readonly CoinRef[] | null },
): Promise<void> {
  const { merchantId, spendId, coins } = of;
  if (coins === null) {
    await tx.query('DELETE FROM coin_reservation WHERE merchant_id = $1 AND spend_id = $2', [
      merchantId,
      spendId,
    ]);
    return;
  }
  await tx.query(
    `DELETE FROM coin_reservation r USING unnest($3::bytea[], $4::int[]) AS n (txid, vout)
      WHERE r.merchant_id = $1 AND r.spend_id = $2 AND r.txid = n.txid AND r.vout = n.vout`,
    [merchantId, spendId, coins.map(({ txid }) => parseHash(txid)), coins.map(({ vout }) => vout)],
  );
}

/** The raw transactions that made coins, as far as the caller may see them. */
export async function readCoinTransactions(
  tx: Tx,
  txids: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const rows = await tx.query<{ txid: Buffer; raw: Buffer }>(
    'SELECT txid, raw FROM coin_transactions($1::bytea[])',
    [txids.map(parseHash)],
  );
  return new Map(rows.map((row) => [displayHash(row.txid), row.raw]));
}

export async function readCoinPage(
  tx: Tx,
  page: { merchantId: Uuid; walletId: Uuid; after: CoinRef | null; limit: number },
): Promise<ListedCoin[]> {
  const rows = await tx.query<{
    txid: Buffer;
    vout: number;
    value_sats: Sats;
    address: string;
    branch: Branch;
    index: number;
    order_id: Uuid | null;
    height: number | null;
    coinbase: boolean;
    reserved: boolean;
  }>(
    `SELECT c.txid, c.vout, c.value_sats, a.address, c.branch, c.index, c.order_id, c.height,
            c.coinbase, r.txid IS NOT NULL AS reserved
       FROM coin c
       JOIN address a ON a.id = c.address_id
       LEFT JOIN coin_reservation r ON r.txid = c.txid AND r.vout = c.vout
      WHERE c.merchant_id = $1 AND c.wallet_id = $2 AND c.live AND c.spent_by IS NULL
        AND ($3::bytea IS NULL OR (c.value_sats, c.txid, c.vout) < (SELECT value_sats, txid, vout
             FROM coin WHERE merchant_id = $1 AND txid = $3 AND vout = $4::int))
      ORDER BY c.value_sats DESC, c.txid DESC, c.vout DESC LIMIT $5`,
    [
      page.merchantId,
      page.walletId,
      page.after === null ? null : parseHash(page.after.txid),
      page.after?.vout ?? null,
      page.limit,
    ],
  );
  const labels = await readOutputLabels(
    tx,
    page.merchantId,
    rows.map(({ txid, vout }) => `${displayHash(txid)}:${vout}`),
  );
  return rows.map((row) => ({
    txid: displayHash(row.txid),
    vout: row.vout,
    valueSats: row.value_sats,
    address: row.address,
    branch: row.branch,
    index: row.index,
    orderId: row.order_id,
    height: row.height,
    coinbase: row.coinbase,
    reserved: row.reserved,
    frozen: labels.get(`${displayHash(row.txid)}:${row.vout}`)?.spendable === false,
    label: labels.get(`${displayHash(row.txid)}:${row.vout}`)?.label ?? null,
  }));
}

async function readOutputLabels(
  tx: Tx,
  merchantId: Uuid,
  refs: readonly string[],
): Promise<Map<string, { label: string; spendable: boolean | null }>> {
  const rows = await tx.query<{ ref: string; label: string; spendable: boolean | null }>(
    `SELECT ref, label, spendable FROM wallet_label
      WHERE merchant_id = $1 AND type = 'output' AND ref = ANY($2::text[])`,
    [merchantId, refs],
  );
  return new Map(rows.map((row) => [row.ref, row]));
}
