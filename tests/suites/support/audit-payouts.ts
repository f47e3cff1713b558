import type { Sats } from '@quittance/kernel';
import type pg from 'pg';
import type { BitcoinRpc } from '../../../apps/server/src/platform/bitcoin-node/index.ts';
import { satsOf } from '../../support/regtest.ts';
import type { TrueOutput } from './chain-truth.ts';
import { groupBy } from './order-rules.ts';

/** What a client wanted to be paid, to an address that nobody else was given. */
export type PayoutIntention = {
  readonly key: string;
  readonly merchantId: string;
  readonly address: string;
  readonly amountSats: Sats;
  readonly feeFrom: 'sender' | 'recipient';
  /** Of an order; it is taken back while the order's payment is out of the chain. */
  readonly isRefund: boolean;
  /** As the server told; undefined while no answer has come. */
  id: string | undefined;
  approved: boolean;
  cancelled: boolean;
  /** How often a person has asked anew after it had failed. */
  remade: number;
};

export type PayoutEvidence = {
  readonly intentions: readonly PayoutIntention[];
  /** What the node has for their addresses, in blocks and in the mempool. */
  readonly outputs: readonly TrueOutput[];
  /** The coins of each store's wallet, as the node's own scan of its set of coins finds them. */
  readonly coins: ReadonlyMap<string, readonly NodeCoin[]>;
  /** All that was approved has had its time, with blocks on top. */
  readonly settled: boolean;
};

export type NodeCoin = { readonly outpoint: string; readonly sats: Sats };

type PayoutRow = {
  id: string;
  merchant_id: string;
  state: string;
  reason: string | null;
  destination: string;
  amount_sats: string;
  fee_from: string;
  fee_share_sats: string;
  max_fee_share_sats: string;
};

const MSATS_PER_SAT = 1_000n;
/** Blocks on top after which nothing changes any more (design §7). */
const FINAL_DEPTH = 100;
const ENDED_UNPAID: ReadonlySet<string> = new Set(['failed', 'cancelled']);
const UNPAID: ReadonlySet<string> = new Set(['awaiting_approval', 'approved', ...ENDED_UNPAID]);

/**
 * Compares payouts, coins and books with the node, with nothing of the product's own code. To be
 * called when nothing is in the mempool and the server has taken in the tip.
 * @returns what is wrong, a sentence each
 */
export async function auditPayouts(client: pg.Client, evidence: PayoutEvidence): Promise<string[]> {
  const faults: string[] = [];
  const { rows } = await client.query<PayoutRow>('SELECT * FROM payout ORDER BY id');
  const byDestination = groupBy(rows, 'destination');
  const byAddress = groupBy(evidence.outputs, 'address');
  for (const intention of evidence.intentions) {
    const made = byDestination.get(intention.address) ?? [];
    // A refund that was held and goes on is a new payout, and so is what was asked for anew; the
    // one before it has ended unpaid.
    const live = made.filter(({ state }) => !ENDED_UNPAID.has(state));
    if (live.length > 1 || (made.length > 1 + intention.remade && !intention.isRefund)) {
      faults.push(`${intention.key} made ${made.map(({ state }) => state).join(', ')}`);
    }
    const row = live[0] ?? made.at(-1);
    const paid = byAddress.get(intention.address) ?? [];
    if (paid.length > 1) {
      faults.push(
        `${intention.key} was paid ${paid.length} times: ${paid.map(placeOf).join(', ')}`,
      );
    }
    if (row === undefined) {
      if (intention.id !== undefined) faults.push(`${intention.key} was acknowledged and is lost`);
      if (paid.length > 0) faults.push(`${intention.key} is not on record and was paid`);
      continue;
    }
    checkPayout(intention, row, paid, faults);
    if (evidence.settled) checkSettled(intention, row, faults);
  }
  await checkCoins(client, evidence, faults);
  await checkBooks(client, evidence, rows, faults);
  return faults;
}

function placeOf({ outpoint, confirmations }: TrueOutput): string {
  return `${outpoint} with ${confirmations} confirmations`;
}

function checkPayout(
  intention: PayoutIntention,
  row: PayoutRow,
  paid: readonly TrueOutput[],
  faults: string[],
): void {
  const who = `${intention.key} (${row.state}${row.reason === null ? '' : `, ${row.reason}`})`;
  if (!intention.isRefund && intention.id !== undefined && row.id !== intention.id) {
    faults.push(`${who} has another id`);
  }
  if (BigInt(row.amount_sats) !== intention.amountSats) faults.push(`${who} has another amount`);
  const [output] = paid;
  if (UNPAID.has(row.state) && output !== undefined) {
    faults.push(`${who} should be unpaid and is paid by ${placeOf(output)}`);
  }
  if (intention.cancelled && row.state !== 'cancelled') faults.push(`${who} was cancelled`);
  if (UNPAID.has(row.state) || row.state === 'in_progress') return;
  if (output === undefined) {
    faults.push(`${who} should be on its way and the node has nothing of it`);
    return;
  }
  const share = BigInt(row.fee_share_sats);
  const lowered = row.fee_from === 'recipient' ? share : 0n;
  if (output.sats !== intention.amountSats - lowered) {
    faults.push(`${who} got ${output.sats} instead of ${intention.amountSats} less ${lowered}`);
  }
  if (lowered > BigInt(row.max_fee_share_sats)) faults.push(`${who} bore a fee of ${lowered}`);
  if (row.state === 'final' && output.confirmations < FINAL_DEPTH) {
    faults.push(`${who} has ${output.confirmations} confirmations only`);
  }
  if (row.state === 'confirmed' && output.confirmations === 0) faults.push(`${who} is in no block`);
  if (row.state === 'broadcast' && output.confirmations > 0) {
    faults.push(`${who} is in a block with ${output.confirmations} confirmations`);
  }
}

/** Nothing that was approved may wait for ever, and nothing may have failed for lack of luck. */
function checkSettled(intention: PayoutIntention, row: PayoutRow, faults: string[]): void {
  if (!intention.approved || intention.cancelled) return;
  if (row.state === 'final' || row.state === 'confirmed') return;
  if (intention.isRefund && (ENDED_UNPAID.has(row.state) || row.state === 'awaiting_approval')) {
    return;
  }
  faults.push(
    `${intention.key} is ${row.state} (${row.reason ?? 'no reason'}) after all this time`,
  );
}

/** Our coins are the node's coins: none missing, none too many, each with its value. */
async function checkCoins(
  client: pg.Client,
  { coins }: PayoutEvidence,
  faults: string[],
): Promise<void> {
  const { rows } = await client.query<{ merchant_id: string; outpoint: string; sats: string }>(
    `SELECT merchant_id, value_sats AS sats,
            (SELECT string_agg(lpad(to_hex(get_byte(txid, 31 - i)), 2, '0'), '' ORDER BY i)
               FROM generate_series(0, 31) i) || ':' || vout AS outpoint
       FROM coin WHERE live AND spent_by IS NULL`,
  );
  const ours = groupBy(rows, 'merchant_id');
  for (const [merchantId, theirs] of coins) {
    const known = new Map((ours.get(merchantId) ?? []).map((coin) => [coin.outpoint, coin.sats]));
    for (const { outpoint, sats } of theirs) {
      const value = known.get(outpoint);
      known.delete(outpoint);
      if (value === undefined) faults.push(`the coin ${outpoint} of ${sats} is missing`);
      else if (BigInt(value) !== sats) faults.push(`the coin ${outpoint} is ${sats}, not ${value}`);
    }
    for (const [outpoint, sats] of known) faults.push(`there is no coin ${outpoint} of ${sats}`);
  }
  const { rows: left } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM coin_reservation r JOIN spend s ON s.id = r.spend_id
      WHERE s.state IN ('final', 'failed')`,
  );
  if (left[0]?.count !== 0) faults.push(`${left[0]?.count} coins are reserved for what has ended`);
}

/** Every transfer balances, counters are sums, and the wallet's account is the node's coins. */
async function checkBooks(
  client: pg.Client,
  { coins }: PayoutEvidence,
  payouts: readonly PayoutRow[],
  faults: string[],
): Promise<void> {
  const unbalanced = await client.query(
    `SELECT book_id, sequence FROM ledger_entry GROUP BY 1, 2
     HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0`,
  );
  if (unbalanced.rowCount !== 0) faults.push(`${unbalanced.rowCount} transfers do not balance`);
  const { rows } = await client.query<{ book: string; code: string; net: string; open: string }>(
    `SELECT book_id AS book, code, debits_posted - credits_posted AS net,
            debits_pending - credits_pending AS open FROM ledger_account`,
  );
  const accounts = new Map(rows.map((row) => [`${row.book} ${row.code}`, row]));
  for (const [merchantId, theirs] of coins) {
    const wallet = accounts.get(`${merchantId} onchain.wallet`);
    const booked = BigInt(wallet?.net ?? 0) + BigInt(wallet?.open ?? 0);
    const held = theirs.reduce((sum, { sats }) => sum + sats, 0n) * MSATS_PER_SAT;
    if (booked !== held) {
      faults.push(`the book has ${booked} msat on chain and the node ${held}: ${booked - held}`);
    }
    const own = payouts.filter(({ merchant_id }) => merchant_id === merchantId);
    checkTransit(own, accounts.get(`${merchantId} payouts.in_transit`), faults);
  }
}

/** What is in transit: nothing posted once all is broadcast; pending what is only approved. */
function checkTransit(
  payouts: readonly PayoutRow[],
  account: { net: string; open: string } | undefined,
  faults: string[],
): void {
  const sumOf = (states: readonly string[]) =>
    payouts
      .filter(({ state }) => states.includes(state))
      .reduce((sum, row) => sum + BigInt(row.amount_sats), 0n) * MSATS_PER_SAT;
  const reserved = sumOf(['approved', 'in_progress']);
  const [net, open] = [-BigInt(account?.net ?? 0), -BigInt(account?.open ?? 0)];
  if (net !== 0n) faults.push(`${net} msat stay in transit with everything broadcast`);
  if (open !== reserved) faults.push(`${open} msat are reserved instead of ${reserved}`);
}

/** Lets the node look for a descriptor's coins in its own set, both branches. */
export async function scanCoins(rpc: BitcoinRpc, descriptor: string): Promise<NodeCoin[]> {
  const [body = ''] = descriptor.split('#');
  const found = await rpc.call<{ unspents: { txid: string; vout: number; amount: unknown }[] }>(
    'scantxoutset',
    [
      'start',
      [0, 1].map((branch) => ({
        desc: body.replaceAll('<0;1>', String(branch)),
        range: [0, SCANNED_INDEXES],
      })),
    ],
    undefined,
    { timeoutMs: SCAN_TIMEOUT_MS },
  );
  return found.unspents.map(({ txid, vout, amount }) => ({
    outpoint: `${txid}:${vout}`,
    sats: satsOf(amount),
  }));
}

/** Farther than a run of the suite gets. */
const SCANNED_INDEXES = 3_000;
const SCAN_TIMEOUT_MS = 60_000;
