import { parseTransaction, displayHash, type TxMatch } from '@quittance/bitcoin';
import type { Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { markAddressesPaid, readPaidAddresses } from '../addresses/index.ts';
import {
  applyPaymentEvents,
  eventsForTransactions,
  type OrderEvents,
  type PaymentEvent,
  type Telling,
} from '../payments/index.ts';
import type { Outpoint } from './chain-source.ts';
import {
  type Conflict,
  type NewTransaction,
  readConflicts,
  readTransactions,
  removeTransactions,
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
  const own = raw.slice(match.start, match.end);
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

/** The coins that a raw transaction spends. */
export function spendsOf(raw: Uint8Array): Outpoint[] {
  return parseTransaction(raw).inputs.map(({ prevTxid, prevVout }) => ({
    txid: displayHash(prevTxid),
    vout: prevVout,
  }));
}

/** What the caller has to do to its watch set once the transaction is committed. */
export type WatchChange = { watch: Outpoint[]; forget: Outpoint[] };

/**
 * Takes transactions in: records them, what they replace, and applies all of it to the orders they
 * pay. What is on record already changes nothing, so that every block and every mempool may be
 * scanned again (design §3, law 4).
 */
export async function takeIn(
  tx: Tx,
  telling: Telling,
  found: readonly FoundTransaction[],
  before: readonly OrderEvents[] = [],
): Promise<WatchChange> {
  const known = await readTransactions(
    tx,
    found.map(({ txid }) => txid),
  );
  const fresh = found.filter(({ txid, block }) => {
    const stored = known.get(txid);
    if (stored === undefined) return true;
    if (block === null) return stored.state === 'replaced' || stored.state === 'dropped';
    return stored.state !== 'block' || stored.blockHash !== block.hash;
  });
  if (fresh.length === 0) {
    await applyPaymentEvents(tx, telling, before);
    return { watch: [], forget: [] };
  }
  const news = fresh.map((each) => ({
    ...each,
    firstSeenAtMs: known.get(each.txid)?.firstSeenAtMs ?? each.firstSeenAtMs,
  }));
  const conflicts = await readConflicts(tx, news);
  await saveTransactions(tx, news.map(newTransactionOf), telling.nowMs);
  const replaced = conflicts.filter(({ otherState }) => otherState === 'mempool');
  await removeTransactions(
    tx,
    replaced.map(({ txid, other }) => ({ txid: other, replacedBy: txid })),
    telling.nowMs,
  );
  // News of what exists comes before news of what is gone: a fee bump of a payment must not look
  // as if the order had been unpaid for a moment.
  await applyPaymentEvents(tx, telling, [
    ...before,
    ...(await eventsForOutputs(tx, news, conflicts)),
    ...(await eventsForReplaced(tx, replaced)),
  ]);
  return {
    watch: news.filter(({ block }) => block === null).flatMap(({ spends }) => spends),
    forget: news.filter(({ block }) => block !== null).flatMap(({ spends }) => spends),
  };
}

function newTransactionOf(each: FoundTransaction): NewTransaction {
  const { txid, raw, spends, block, firstSeenAtMs } = each;
  return { txid, raw, spends, block, firstSeenAtMs };
}

/** Outputs to addresses with an order become payments of it; the others are only remembered. */
async function eventsForOutputs(
  tx: Tx,
  news: readonly FoundTransaction[],
  conflicts: readonly Conflict[],
): Promise<OrderEvents[]> {
  const ids = news.flatMap(({ outputs }) => outputs.map(({ addressId }) => addressId));
  if (ids.length === 0) return [];
  const addresses = await readPaidAddresses(tx, ids);
  await markAddressesPaid(tx, [...addresses.values()]);
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
 * vanishes and comes back is the same payment.
 */
function paymentId(txid: string, vout: number): Uuid {
  const index = vout.toString(16).padStart(8, '0');
  const [a, b, c, d] = [txid.slice(0, 4), txid.slice(4, 7), txid.slice(7, 10), txid.slice(10, 22)];
  return `${index}-${a}-8${b}-8${c}-${d}`;
}
