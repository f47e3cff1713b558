import { displayHash } from '@quittance/bitcoin';
import type { Sats, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type {
  Break,
  CoinFact,
  Explained,
  Facts,
  Reconciliation,
  SpendFact,
  TransactionFact,
  TransferFact,
} from './reconcile.ts';

/** Transactions and transfers that a break names; who has more has one cause for all. */
const MAX_SUSPECTS = 100;

/** The templates that change onchain.wallet, each by an event of the chain. */
const KNOWN_TEMPLATES = [
  ...['payment-seen', 'payment-confirmed', 'payment-dropped', 'payment-reorged'],
  ...['wallet-deposit-seen', 'wallet-deposit-confirmed', 'wallet-deposit-gone'],
  ...['wallet-deposit-reversed', 'wallet-withdrawal', 'wallet-withdrawal-reversed'],
  ...['spend-broadcast', 'spend-reversed'],
];

/** Spends that are under way and whose booking and transaction on record are not the same. */
const SPENDS = `
  SELECT s.id, b.txid AS booked_txid, b.out_sats AS booked_out, o.txid AS chain_txid,
         o.out_sats AS chain_out
    FROM spend s
    LEFT JOIN spend_version b ON b.merchant_id = s.merchant_id AND b.spend_id = s.id
     AND b.version = s.booked_version
    LEFT JOIN LATERAL (
      SELECT v.version, v.txid, v.out_sats FROM spend_version v
       WHERE v.merchant_id = s.merchant_id AND v.spend_id = s.id
         AND EXISTS (SELECT FROM coin c WHERE c.spent_by = v.txid AND c.merchant_id = s.merchant_id)
       LIMIT 1) o ON true
   WHERE s.merchant_id = $1 AND s.state NOT IN ('final', 'failed')
     AND o.version IS DISTINCT FROM s.booked_version`;

const SUMS = `
  SELECT coalesce((SELECT debits_posted + debits_pending - credits_posted - credits_pending
           FROM ledger_account WHERE book_id = $1 AND code = 'onchain.wallet'), 0) AS ledger_msats,
         coalesce((SELECT head_sequence FROM ledger_book WHERE id = $1), 0) AS sequence,
         (SELECT coalesce(sum(value_sats), 0)::bigint FROM coin
           WHERE merchant_id = $1 AND live AND spent_by IS NULL) AS coin_sats,
         (SELECT jsonb_agg(jsonb_build_object('spendId', id, 'bookedTxid', encode(booked_txid, 'hex'),
                   'bookedOut', booked_out::text, 'chainTxid', encode(chain_txid, 'hex'),
                   'chainOut', chain_out::text) ORDER BY id) FROM (${SPENDS}) x) AS spends`;

/** By how much each transaction changed the coins, and by how much the book. */
const TRANSACTIONS = `
  WITH effect AS (
    SELECT txid, value_sats AS chain, 0 AS booked FROM coin WHERE merchant_id = $1 AND live
    UNION ALL SELECT spent_by, -value_sats, 0 FROM coin
               WHERE merchant_id = $1 AND live AND spent_by IS NOT NULL
    UNION ALL SELECT txid, 0, amount_sats FROM payment
               WHERE merchant_id = $1 AND method = 'onchain'
                 AND state IN ('seen', 'included', 'confirmed', 'final')
    UNION ALL SELECT txid, 0, amount_sats FROM wallet_movement
               WHERE merchant_id = $1 AND state IN ('pending', 'booked')
    UNION ALL SELECT v.txid, 0, -v.out_sats FROM spend s
                JOIN spend_version v ON v.merchant_id = s.merchant_id AND v.spend_id = s.id
                 AND v.version = s.booked_version WHERE s.merchant_id = $1)
  SELECT txid, sum(chain)::bigint AS chain, sum(booked)::bigint AS booked FROM effect
   GROUP BY txid HAVING sum(chain) <> sum(booked) ORDER BY txid LIMIT ${MAX_SUSPECTS}`;

const TRANSFERS = `
  SELECT t.id, t.template, CASE WHEN e.direction = 'debit' THEN e.amount ELSE -e.amount END AS msats
    FROM ledger_account a
    JOIN ledger_entry e ON e.book_id = a.book_id AND e.account_id = a.id
    JOIN ledger_transfer t ON t.book_id = e.book_id AND t.sequence = e.sequence
   WHERE a.book_id = $1 AND a.code = 'onchain.wallet' AND t.phase <> 'void'
     AND NOT t.template = ANY ($2::text[])
   ORDER BY t.sequence DESC LIMIT ${MAX_SUSPECTS}`;

type SumsRow = {
  ledger_msats: bigint;
  sequence: bigint;
  coin_sats: Sats;
  spends:
    | {
        spendId: Uuid;
        bookedTxid: string | null;
        bookedOut: string | null;
        chainTxid: string | null;
        chainOut: string | null;
      }[]
    | null;
};

export type ReadFacts = Omit<Facts, 'node'> & { sequence: bigint };

/** The sums alone, read in one statement, so that they are of one moment. Cheap. */
export async function readSums(tx: Tx, merchantId: Uuid): Promise<ReadFacts> {
  return factsOf(await tx.one<SumsRow>(SUMS, [merchantId]), null);
}

/**
 * The sums with every transaction by which coins and book differ. Reads all coins and payments of
 * the store. In one statement for the same reason.
 */
export async function readSuspects(tx: Tx, merchantId: Uuid): Promise<ReadFacts> {
  const row = await tx.one<
    SumsRow & {
      transactions: { txid: string; chain: string; booked: string }[] | null;
      transfers: { id: Uuid; template: string; msats: string }[] | null;
    }
  >(
    `SELECT sums.*,
            (SELECT jsonb_agg(jsonb_build_object('txid', encode(txid, 'hex'), 'chain', chain::text,
               'booked', booked::text)) FROM (${TRANSACTIONS}) x) AS transactions,
            (SELECT jsonb_agg(jsonb_build_object('id', id, 'template', template,
               'msats', msats::text)) FROM (${TRANSFERS}) y) AS transfers
       FROM (${SUMS}) sums`,
    [merchantId, KNOWN_TEMPLATES],
  );
  const transactions: TransactionFact[] = (row.transactions ?? []).map((each) => ({
    txid: shown(each.txid),
    chainSats: BigInt(each.chain),
    bookedSats: BigInt(each.booked),
  }));
  const transfers: TransferFact[] = (row.transfers ?? []).map((each) => ({
    transferId: each.id,
    template: each.template,
    sats: BigInt(each.msats) / 1_000n,
  }));
  return factsOf(row, { transactions, transfers });
}

function factsOf(row: SumsRow, suspects: Facts['suspects']): ReadFacts {
  const spends: SpendFact[] = (row.spends ?? []).map((each) => ({
    spendId: each.spendId,
    booked: sideOf(each.bookedTxid, each.bookedOut),
    onChain: sideOf(each.chainTxid, each.chainOut),
  }));
  return {
    ledgerMsats: row.ledger_msats,
    coinSats: row.coin_sats,
    sequence: row.sequence,
    ...{ spends, suspects },
  };
}

function sideOf(txid: string | null, outSats: string | null) {
  return txid === null || outSats === null ? null : { txid: shown(txid), outSats: BigInt(outSats) };
}

/** From the order of the bytes to the one that people write. */
function shown(hex: string): string {
  return displayHash(Buffer.from(hex, 'hex'));
}

/** Stores that are to be compared: those whose book has moved on, and those not looked at for long. */
export async function readDue(
  tx: Tx,
  { checkedBeforeMs, limit }: { checkedBeforeMs: number; limit: number },
): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT b.id FROM ledger_book b JOIN merchant m ON m.id = b.id
       LEFT JOIN LATERAL (SELECT sequence, checked_at FROM reconciliation r
         WHERE r.merchant_id = b.id ORDER BY r.id DESC LIMIT 1) r ON true
      WHERE r.checked_at IS NULL OR r.sequence <> b.head_sequence OR r.checked_at < $1
      ORDER BY r.checked_at NULLS FIRST LIMIT $2`,
    [new Date(checkedBeforeMs), limit],
  );
  return rows.map(({ id }) => id);
}

/** Every store that has a wallet or a book, in pages. */
export async function readStores(tx: Tx, after: Uuid | null, limit: number): Promise<Uuid[]> {
  const rows = await tx.query<{ id: Uuid }>(
    `SELECT id FROM merchant m WHERE ($1::uuid IS NULL OR id > $1)
        AND (EXISTS (SELECT FROM ledger_book b WHERE b.id = m.id)
             OR EXISTS (SELECT FROM receiving_wallet w WHERE w.merchant_id = m.id))
      ORDER BY id LIMIT $2`,
    [after, limit],
  );
  return rows.map(({ id }) => id);
}

/** A stored result. The sums are null when they could not be read. */
export type StoredReconciliation = {
  id: Uuid;
  merchantId: Uuid;
  state: Reconciliation['state'];
  node: Reconciliation['node'];
  ledgerSats: Sats | null;
  coinSats: Sats | null;
  explainedSats: Sats | null;
  differenceSats: Sats | null;
  explained: readonly Explained[];
  breaks: readonly Break[];
  reason: string | null;
  sequence: bigint;
  createdAtMs: number;
  checkedAtMs: number;
};

type Row = {
  id: Uuid;
  merchant_id: Uuid;
  state: Reconciliation['state'];
  node: Reconciliation['node'];
  ledger_sats: Sats | null;
  coin_sats: Sats | null;
  explained_sats: Sats | null;
  difference_sats: Sats | null;
  explained: Record<string, string>[];
  breaks: Record<string, string | number>[];
  reason: string | null;
  sequence: bigint;
  created_at: Date;
  checked_at: Date;
};

export async function readLatest(
  tx: Tx,
  merchantId: Uuid,
): Promise<StoredReconciliation | undefined> {
  const row = await tx.maybe<Row>(
    'SELECT * FROM reconciliation WHERE merchant_id = $1 ORDER BY id DESC LIMIT 1',
    [merchantId],
  );
  return row === undefined ? undefined : storedOf(row);
}

export async function insertReconciliation(tx: Tx, made: StoredReconciliation): Promise<void> {
  await tx.query(
    `INSERT INTO reconciliation (merchant_id, id, state, node, ledger_sats, coin_sats,
            explained_sats, difference_sats, explained, breaks, reason, sequence, created_at,
            checked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      made.merchantId,
      made.id,
      ...valuesOf(made),
      new Date(made.createdAtMs),
      new Date(made.checkedAtMs),
    ],
  );
}

/** Moves the newest row on, which says the same. */
export async function updateReconciliation(tx: Tx, made: StoredReconciliation): Promise<void> {
  await tx.query(
    `UPDATE reconciliation SET state = $3, node = $4, ledger_sats = $5, coin_sats = $6,
            explained_sats = $7, difference_sats = $8, explained = $9, breaks = $10, reason = $11,
            sequence = $12, checked_at = $13
      WHERE merchant_id = $1 AND id = $2`,
    [made.merchantId, made.id, ...valuesOf(made), new Date(made.checkedAtMs)],
  );
}

function valuesOf(made: StoredReconciliation): unknown[] {
  return [
    ...[made.state, made.node, made.ledgerSats, made.coinSats, made.explainedSats],
    ...[made.differenceSats, JSON.stringify(toJson(made.explained))],
    ...[JSON.stringify(toJson(made.breaks)), made.reason, made.sequence],
  ];
}

/** Amounts as text: JSON has no numbers of 64 bits. */
export function toJson<Item extends object>(items: readonly Item[]): Record<string, unknown>[] {
  return items.map((item) =>
    Object.fromEntries(
      Object.entries(item).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? value.toString() : value,
      ]),
    ),
  );
}

const AMOUNTS = new Set(['sats', 'msats', 'chainSats', 'bookedSats']);

function fromJson<Item>(items: readonly Record<string, unknown>[]): Item[] {
  return items.map(
    (item) =>
      Object.fromEntries(
        Object.entries(item).map(([name, value]) => [
          name,
          AMOUNTS.has(name) ? BigInt(String(value)) : value,
        ]),
        // Written by toJson of the same type.
      ) as Item,
  );
}

function storedOf(row: Row): StoredReconciliation {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    state: row.state,
    node: row.node,
    ledgerSats: row.ledger_sats,
    coinSats: row.coin_sats,
    explainedSats: row.explained_sats,
    differenceSats: row.difference_sats,
    explained: fromJson<Explained>(row.explained),
    breaks: fromJson<Break>(row.breaks),
    reason: row.reason,
    sequence: row.sequence,
    createdAtMs: row.created_at.getTime(),
    checkedAtMs: row.checked_at.getTime(),
  };
}

/** How many stores the newest result calls what, and how old the oldest of them is. */
export async function countStates(
  tx: Tx,
): Promise<{ states: Record<Reconciliation['state'], number>; oldestCheckedAtMs: number | null }> {
  const rows = await tx.query<{ state: Reconciliation['state']; stores: bigint; oldest: Date }>(
    `SELECT state, count(*) AS stores, min(checked_at) AS oldest
       FROM (SELECT DISTINCT ON (merchant_id) state, checked_at FROM reconciliation
              ORDER BY merchant_id, id DESC) latest GROUP BY state`,
  );
  const states = { ok: 0, break: 0, unreadable: 0 };
  for (const { state, stores } of rows) states[state] = Number(stores);
  const times = rows.map(({ oldest }) => oldest.getTime());
  return { states, oldestCheckedAtMs: times.length === 0 ? null : Math.min(...times) };
}

/** The wallets' descriptors, and how far each branch is derived. */
export async function readScannedWallets(
  tx: Tx,
  merchantId: Uuid,
): Promise<{ descriptor: string; through: number[] }[]> {
  const rows = await tx.query<{
    descriptor: string;
    branches: number;
    derived_through: number;
    change_derived_through: number;
  }>(
    `SELECT descriptor, branches, derived_through, change_derived_through FROM receiving_wallet
      WHERE merchant_id = $1 ORDER BY created_at, id`,
    [merchantId],
  );
  return rows.map((row) => ({
    descriptor: row.descriptor,
    through: [row.derived_through, row.change_derived_through].slice(0, row.branches),
  }));
}

/** Coins in blocks that no block spends, with the block that the record has come to. */
export async function readMinedCoins(
  tx: Tx,
  { merchantId, network }: { merchantId: Uuid; network: string },
): Promise<{ tip: string | null; coins: CoinFact[] }> {
  const rows = await tx.query<{
    hash: Buffer;
    txid: Buffer | null;
    vout: number;
    value_sats: Sats;
  }>(
    `SELECT k.hash, c.txid, c.vout, c.value_sats FROM chain_cursor k
       LEFT JOIN coin c ON c.merchant_id = $1 AND c.live AND c.height IS NOT NULL
        AND c.spent_height IS NULL
      WHERE k.network = $2`,
    [merchantId, network],
  );
  const [first] = rows;
  const coins = rows.flatMap(({ txid, vout, value_sats: valueSats }) =>
    txid === null ? [] : [{ txid: displayHash(txid), vout, valueSats }],
  );
  return { tip: first === undefined ? null : displayHash(first.hash), coins };
}

/** Which of these scripts belong to another store's wallet. */
export async function readForeignScripts(
  tx: Tx,
  merchantId: Uuid,
  scripts: readonly Uint8Array[],
): Promise<Set<string>> {
  const rows = await tx.query<{ script: Buffer }>(
    'SELECT script FROM address WHERE script = ANY($2::bytea[]) AND merchant_id <> $1',
    [merchantId, scripts],
  );
  return new Set(rows.map(({ script }) => script.toString('hex')));
}
