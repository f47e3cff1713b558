import type { RiskConfig } from '@quittance/contract';
import { assert, type Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import { isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';
import type { Screener } from '../screening/index.ts';
import { FACTS_VERSION, type RiskFacts, type SourceHit } from './facts.ts';
import { addAmount, addPayment, compareAmount, hourOf, readActivity } from './history.ts';
import { countSources, lockHistory, saveActivity, saveAmounts } from './history-store.ts';
import { type PaymentToScreen, readRefundedAddresses } from './queue-store.ts';
import { type Trace, trace } from './trace/trace.ts';
import type { ReadTransactions } from './trace/traced-transaction.ts';

/** What the chain says of a payment, and which lists it was held against. */
export type ChainFacts = Pick<RiskFacts, 'source' | 'shape' | 'lists'>;

/** Addresses are kept on lists under many assets; on our chain there is one. */
const ASSET = 'BTC';

/**
 * Follows a payment's coins and looks their owners up. Outside of any transaction of the database: a
 * node may take its time.
 * @returns null when the payment's own transaction is nowhere: it is asked for again later
 * @throws {BitcoinRpcError} when the node does not answer
 */
export async function gatherChainFacts(
  payment: PaymentToScreen,
  deps: { screener: Screener; read: ReadTransactions; configs: readonly RiskConfig[] },
): Promise<ChainFacts | null> {
  const { screener, read } = deps;
  // The versions are taken first: a switch meanwhile makes the decision due to older lists, said so.
  const lists = [...screener.versions()];
  if (payment.txid === null) return { source: null, shape: null, lists };
  const [own] = await read([{ txid: payment.txid, height: payment.height }]);
  if (own === undefined || !own.ok) return null;
  const hitsOf = (address: string) => screener.lookupAddress(ASSET, address);
  const limits = {
    hops: Math.max(...deps.configs.map(({ hops }) => hops)),
    maxTransactions: Math.max(...deps.configs.map(({ maxTransactions }) => maxTransactions)),
  };
  const stopAt = (address: string) => {
    const hits = hitsOf(address);
    return hits.length > 0 && hits.every(({ categories }) => categories.includes('exchange'));
  };
  const found = await trace(own.transaction, read, { limits, stopAt });
  return {
    source: { ...found.source, hits: listed(found.met, hitsOf) },
    shape: { ...found.shape, replaced: payment.replaced },
    lists,
  };
}

/** Each entry once for each address, at the hop where it was met first. */
function listed(
  met: Trace['met'],
  hitsOf: (address: string) => ReturnType<Screener['lookupAddress']>,
): SourceHit[] {
  const seen = new Set<string>();
  const hits: SourceHit[] = [];
  for (const { hop, address, sharePpm } of met) {
    for (const { list, versionId, entryId, label, purpose, categories } of hitsOf(address)) {
      const key = `${address} ${list} ${entryId}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const entry = { list, versionId, entryId, label, purpose, categories: [...categories] };
      hits.push({ hop, address, sharePpm, ...entry });
    }
  }
  return hits;
}

/** What a payment amounts to at its order's own price; satoshis where it is priced in bitcoin. */
export function valueOf({ amountSats, rate }: Pick<PaymentToScreen, 'amountSats' | 'rate'>): {
  minor: bigint;
  currency: string;
} {
  if (rate === null) return { minor: amountSats, currency: 'BTC' };
  const price = parsePrice(rate.pricePerBtc);
  assert(price.ok && isFiatCurrency(rate.currency), 'a locked rate is a price in a fiat currency');
  const { pricePerBtcE8 } = price;
  const quote = { rate: { currency: rate.currency, pricePerBtcE8 } };
  return { minor: satsToFiat(amountSats, quote), currency: rate.currency };
}

/**
 * Adds what the store's own record says, and counts this payment for those to come. Locks the store's
 * history until the transaction ends. Costs a few rows, however long the history is.
 */
export async function completeFacts(
  tx: Tx,
  payment: PaymentToScreen,
  chain: ChainFacts,
  atMs: number,
): Promise<{ facts: RiskFacts; learnAmount: () => Promise<void> }> {
  const { merchantId, method, amountSats } = payment;
  const { minor, currency } = valueOf(payment);
  const key: { merchantId: Uuid; currency: string } = { merchantId, currency };
  const { amounts, activity } = await lockHistory(tx, key);
  const counted = addPayment(activity, atMs);
  const { last24h, usualDay } = readActivity(counted, atMs);
  await saveActivity(tx, merchantId, counted);
  const addresses = chain.source?.direct.map(({ address }) => address) ?? [];
  const busiest = await countSources(tx, { merchantId, addresses, hour: hourOf(atMs) });
  const facts: RiskFacts = {
    version: FACTS_VERSION,
    atMs,
    payment: {
      ...{ method, amountSats: amountSats.toString() },
      ...{ amountMinor: minor.toString(), currency },
    },
    history: compareAmount(amounts, minor),
    velocity: {
      source: addresses.length === 0 ? null : busiest,
      store: last24h,
      storeUsual: usualDay,
    },
    ...{ source: chain.source, shape: chain.shape, lists: chain.lists },
    refunded: await readRefundedAddresses(tx, { merchantId, addresses }),
  };
  return { facts, learnAmount: () => saveAmounts(tx, key, addAmount(amounts, minor)) };
}
