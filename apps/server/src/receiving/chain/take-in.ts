import { createHash } from 'node:crypto';
import { displayHash, parseTransaction, type TxMatch } from '@quittance/bitcoin';
import { formatUuid, type Uuid } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import { markAddressesPaid, type PaidAddress, readPaidAddresses } from '../addresses/index.ts';
import {
  applyPaymentEvents,
  eventsForTransactions,
  lockOrdersDue,
  lockOrdersWithPayments,
  type OrderEvents,
  type PaymentEvent,
  type Telling,
} from '../payments/index.ts';
import type { Outpoint } from './chain-source.ts';
import { type Followed, inTurn, type OwnOutput } from './followers.ts';
import {
  type Conflict,
  type NewTransaction,
  readConflicts,
  readTransactions,
  removeTransactions,
  type StoredTransaction,
  saveTransactions,
} from './store.ts';

/** A transaction that touches the watch set, cut out of a block or of the mempool. */
export type FoundTransaction = {
  readonly txid: string;
  readonly raw: Uint8Array;
  readonly spends: readonly Outpoint[];
  /** Outputs to watched scripts. */
  readonly outputs: readonly { addressId: number; vout: number; valueSats: bigint }[];
  readonly isCoinbase: boolean;
  readonly block: { height: number; hash: string } | null;
  readonly firstSeenAtMs: number;
};

/** Copies a match out of the scanned bytes. */
export function foundTransaction(
  raw: Uint8Array,
  match: TxMatch,
  place: { block: { height: number; hash: string } | null; firstSeenAtMs: number },
): FoundTransaction {
  // A copy (slice of a Buffer is none): the block's memory is used again for the next one.
  const own = new Uint8Array(raw.subarray(match.start, match.end));
  return {
    txid: displayHash(match.txid),
    raw: own,
    spends: spendsOf(own),
    outputs: match.outputs.map(({ scriptId, vout, valueSats }) => ({
      addressId: scriptId,
      vout,
      valueSats,
    })),
    isCoinbase: place.block !== null && match.txIndex === 0,
    ...place,
  };
}

/** The coins that a transaction makes for us: from now on whoever spends them is noticed. */
export function coinsOf({ txid, outputs }: FoundTransaction): Outpoint[] {
  return outputs.map(({ vout }) => ({ txid, vout }));
}

/** How a block reward, which spends no coin, fills its one input (Bitcoin consensus). */
const NULL_TXID = '0'.repeat(64);

/** The coins that a raw transaction spends; none for a block reward. */
export function spendsOf(raw: Uint8Array): Outpoint[] {
  return parseTransaction(raw)
    .inputs.map(({ prevTxid, prevVout }) => ({ txid: displayHash(prevTxid), vout: prevVout }))
    .filter(({ txid }) => txid !== NULL_TXID);
}

/** What blocks that were taken off have changed already. */
export type Undone = { txids: readonly string[]; events: readonly OrderEvents[] };
const NOTHING: Undone = { txids: [], events: [] };

/**
 * Takes transactions in: records them, what they replace, and applies all of it to the coins and
 * orders they pay and to whoever follows. What is on record already changes nothing, so that every
 * block and every mempool may be scanned again (design §3, law 4). No two of the mempool's may spend
 * the same coin.
 * @param options.undone what comes first, of blocks that were taken off
 * @param options.inMempool txids that the node has just said to have
 * @param options.atNewTip the tip moves in the same transaction: what it makes due is locked too
 * @returns pushes that contradict what is on record and were left out: the node has to be asked
 */
export async function takeIn(
  tx: Tx,
  to: Followed & { telling: Telling },
  found: readonly FoundTransaction[],
  options: { undone?: Undone; inMempool?: ReadonlySet<string>; atNewTip?: boolean } = {},
): Promise<ReadonlySet<string>> {
  const { telling } = to;
  const { undone = NOTHING, atNewTip = false } = options;
  const [known, rivals, addresses] = await together([
    readTransactions(
      tx,
      found.map(({ txid }) => txid),
    ),
    readConflicts(tx, found),
    readPaidAddresses(tx, addressesOf(found)),
  ]);
  const unknown = found.filter(({ txid, block }) => {
    const stored = known.get(txid);
    if (stored === undefined) return true;
    if (block === null) return stored.state === 'replaced' || stored.state === 'dropped';
    return stored.state !== 'block' || stored.blockHash !== block.hash;
  });
  const unknownIds = new Set(unknown.map(({ txid }) => txid));
  const conflicts = rivals.filter(({ txid }) => unknownIds.has(txid));
  const { fresh, doubtful } = sift(unknown, { known, conflicts, inMempool: options.inMempool });
  if (fresh.length === 0 && undone.txids.length === 0 && !atNewTip) return doubtful;
  const news = fresh.map((each) => ({
    ...each,
    firstSeenAtMs: known.get(each.txid)?.firstSeenAtMs ?? each.firstSeenAtMs,
  }));
  const taken = new Set(news.map(({ txid }) => txid));
  const replaced = conflicts.filter(
    ({ txid, otherState }) => taken.has(txid) && otherState === 'mempool',
  );
  const others = replaced.map(({ other }) => other);
  await tellChanged(tx, to, {
    record: [
      saveTransactions(tx, news.map(newTransactionOf), telling.nowMs),
      removeTransactions(
        tx,
        replaced.map(({ txid, other }) => ({ txid: other, replacedBy: txid })),
        telling.nowMs,
      ),
    ],
    txids: [...new Set([...undone.txids, ...taken, ...others])],
    outputs: ownOutputsOf(news, addresses),
    atNewTip,
    // News of what exists comes before news of what is gone: a fee bump of a payment must not look
    // as if the order had been unpaid for a moment.
    events: async () => [
      ...undone.events,
      ...eventsForOutputs(news, conflicts, addresses),
      ...(await eventsForReplaced(tx, replaced)),
    ],
  });
  // Last of all, because new orders of the store wait for the wallet's row.
  const paid = new Set(addressesOf(news));
  const marked = [...addresses.values()].filter(({ id }) => paid.has(id));
  tx.atCommit(() => [markAddressesPaid(tx, marked)]);
  return doubtful;
}

/**
 * Carries changes of transactions on record to everything that follows from them, in the order of
 * the locks: spends and payouts, orders, then the ledger's books (ADR 0012). A payer watches while a
 * payment goes through here, so that what needs no answer of each other is begun at once.
 * @param change.record statements that record the changes, begun by the caller
 */
export async function tellChanged(
  tx: Tx,
  { coins, followers, telling }: Followed & { telling: Telling },
  change: {
    record: readonly Promise<void>[];
    txids: readonly string[];
    outputs: readonly OwnOutput[];
    atNewTip: boolean;
    events: () => Promise<readonly OrderEvents[]>;
  },
): Promise<void> {
  const { txids, outputs, atNewTip } = change;
  await together([
    ...change.record,
    inTurn(followers, (follower) => follower.lock(tx, telling, { txids, atNewTip })),
  ]);
  if (atNewTip) await lockOrdersDue(tx, telling.tipHeight);
  if (txids.length === 0) return;
  const events = await change.events();
  const orderIds = [...new Set(events.map(({ orderId }) => orderId))];
  const [, , locked] = await together([
    coins.record(tx, outputs),
    coins.refresh(tx, txids),
    lockOrdersWithPayments(tx, orderIds),
  ]);
  await together([
    applyPaymentEvents(tx, telling, events, locked),
    inTurn(followers, (follower) => follower.changed(tx, telling, txids)),
  ]);
}

/**
 * Pushes may be late or doubled: one about a transaction that is on record as gone, or that
 * contradicts another one, counts only when the node says that it has it. One that contradicts a
 * block is never valid on this chain; after a reorganisation the mempool is read anew.
 */
function sift(
  found: readonly FoundTransaction[],
  on: {
    known: ReadonlyMap<string, StoredTransaction>;
    conflicts: readonly Conflict[];
    inMempool: ReadonlySet<string> | undefined;
  },
): { fresh: FoundTransaction[]; doubtful: Set<string> } {
  const mined = new Set<string>();
  const contradicting = new Set<string>();
  for (const { txid, otherState } of on.conflicts) {
    if (otherState === 'block') mined.add(txid);
    if (otherState === 'mempool') contradicting.add(txid);
  }
  const doubtful = new Set<string>();
  const fresh = found.filter(({ txid, block }) => {
    if (block !== null) return true;
    if (mined.has(txid)) return false;
    if (!on.known.has(txid) && !contradicting.has(txid)) return true;
    if (on.inMempool?.has(txid) === true) return true;
    doubtful.add(txid);
    return false;
  });
  return { fresh, doubtful };
}

function newTransactionOf(each: FoundTransaction): NewTransaction {
  const { txid, raw, spends, block, firstSeenAtMs } = each;
  return { txid, raw, spends, block, firstSeenAtMs };
}

function addressesOf(news: readonly FoundTransaction[]): number[] {
  return news.flatMap(({ outputs }) => outputs.map(({ addressId }) => addressId));
}

function ownOutputsOf(
  news: readonly FoundTransaction[],
  addresses: ReadonlyMap<number, PaidAddress>,
): OwnOutput[] {
  return news.flatMap(({ txid, outputs, isCoinbase, block }) =>
    outputs.flatMap(({ addressId, vout, valueSats }) => {
      const address = addresses.get(addressId);
      // An output of nothing is nobody's money and can't be spent for a fee (policy: dust).
      if (address === undefined || valueSats === 0n) return [];
      const { merchantId, walletId, branch, index, orderId } = address;
      const height = block?.height ?? null;
      const owner = { merchantId, walletId, addressId, branch, index, orderId };
      return [{ ...owner, txid, vout, valueSats, coinbase: isCoinbase, height }];
    }),
  );
}

/** Outputs to addresses with an order become payments of it; the others are only remembered. */
function eventsForOutputs(
  news: readonly FoundTransaction[],
  conflicts: readonly Conflict[],
  addresses: ReadonlyMap<number, PaidAddress>,
): OrderEvents[] {
  const events: OrderEvents[] = [];
  for (const each of news) {
    const replaces = conflicts.filter(({ txid }) => txid === each.txid).map(({ other }) => other);
    for (const output of each.outputs) {
      const orderId = addresses.get(output.addressId)?.orderId ?? null;
      if (orderId === null || output.valueSats === 0n) continue;
      events.push({ orderId, events: [outputEvent(each, output, replaces)] });
    }
  }
  return events;
}

function outputEvent(
  { txid, block, isCoinbase, firstSeenAtMs }: FoundTransaction,
  { vout, valueSats }: { vout: number; valueSats: bigint },
  replaces: readonly string[],
): PaymentEvent {
  const output = { paymentId: paymentId(txid, vout), txid, vout, amountSats: valueSats };
  if (block === null) return { type: 'seen', ...output, firstSeenAtMs, replaces };
  return {
    type: 'included',
    ...output,
    firstSeenAtMs,
    replaces,
    height: block.height,
    blockHash: block.hash,
    coinbase: isCoinbase,
  };
}

async function eventsForReplaced(tx: Tx, replaced: readonly Conflict[]): Promise<OrderEvents[]> {
  const by = new Map(replaced.map(({ txid, other }) => [other, txid]));
  return eventsForTransactions(tx, [...by.keys()], ({ txid, vout }) => ({
    type: 'replaced',
    txid,
    vout,
    by: by.get(txid) ?? '',
  }));
}

/**
 * A payment's id follows from its outpoint (UUID version 8, RFC 9562 §5.8): a transaction that
 * vanishes and comes back is the same payment. It is hashed because a payer chooses the txid: of
 * a plain excerpt two alike could be found.
 */
function paymentId(txid: string, vout: number): Uuid {
  const bytes = createHash('sha256').update(`payment ${txid}:${vout}`).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes);
}
