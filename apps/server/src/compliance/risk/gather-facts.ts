import type { RiskConfig } from '@quittance/contract';
import { assert } from '@quittance/kernel';
import { together, type Tx } from '../../platform/db/index.ts';
import { isFiatCurrency, parsePrice, satsToFiat } from '../../receiving/rates/index.ts';
import { lookUpOwnAddresses, type OwnAddress, type Screener } from '../screening/index.ts';
import { FACTS_VERSION, type RiskFacts, type SourceFacts, type SourceHit } from './facts.ts';
import { addPayment, compareAmount, hourOf, learnAmount, readActivity } from './history.ts';
import type { PaymentToScreen } from './queue-store.ts';
import { lockStoreRecord, saveStoreRecord, type StoreRecord } from './record-store.ts';
import { type Trace, trace } from './trace/trace.ts';
import type { ReadTransactions } from './trace/traced-transaction.ts';

/** What the chain says of a payment, and which lists it was held against. */
export type ChainFacts = Pick<RiskFacts, 'source' | 'shape' | 'lists'> & { met: Trace['met'] };

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
  if (payment.txid === null) return { source: null, shape: null, lists, met: [] };
  const { txid, height, raw } = payment;
  const [own] = await read([{ txid, height, raw }]);
  if (own === undefined || !own.ok) return null;
  const hitsOf = (address: string) => screener.lookupAddress(ASSET, address);
  const limits = {
    hops: Math.max(...deps.configs.map(({ hops }) => hops)),
    maxTransactions: Math.max(...deps.configs.map(({ maxTransactions }) => maxTransactions)),
    peels: Math.max(...deps.configs.map(({ peelChain }) => peelChain.minLength)),
  };
  const stopAt = (address: string) => {
    const hits = hitsOf(address);
    return hits.length > 0 && hits.every(({ categories }) => categories.includes('exchange'));
  };
  const found = await trace(own.transaction, read, { limits, stopAt });
  return {
    met: found.met,
    source: { ...found.source, hits: listed(found.met, hitsOf), allowed: [] },
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

/** What a store's own record says of a payment and the addresses that its coins came by. */
export type OwnRecord = StoreRecord & {
  /** Addresses on the store's own list, by how they were met. */
  readonly own: ReadonlyMap<string, OwnAddress>;
};

/**
 * Reads it, and locks the store's history until the transaction ends. The own list is read in its
 * latest state: it is small, and has no versions.
 */
export async function lockOwnRecord(
  tx: Tx,
  payment: PaymentToScreen,
  { chain, atMs }: { chain: ChainFacts; atMs: number },
): Promise<OwnRecord> {
  const { merchantId, orderId } = payment;
  const addresses = directOf(chain);
  const { currency } = valueOf(payment);
  const met = chain.met.map(({ address }) => address);
  const [record, own] = await together([
    lockStoreRecord(tx, { merchantId, orderId, currency, addresses, hour: hourOf(atMs) }),
    lookUpOwnAddresses(tx, { merchantId, addresses: met }),
  ]);
  return { ...record, own };
}

/**
 * Counts a payment for those to come, and gives its claim back.
 * @param learn whether its amount tells what is usual
 */
export async function saveOwnRecord(
  tx: Tx,
  payment: PaymentToScreen,
  of: { chain: ChainFacts; record: OwnRecord; learn: boolean; atMs: number },
): Promise<void> {
  const { merchantId, paymentId } = payment;
  const { minor, currency } = valueOf(payment);
  const { amounts, activity } = of.record;
  await saveStoreRecord(tx, {
    ...{ merchantId, paymentId, currency },
    ...{ addresses: directOf(of.chain), hour: hourOf(of.atMs) },
    activity: addPayment(activity, of.atMs),
    learned: of.learn ? learnAmount(amounts, minor) : null,
  });
}

/** All that a decision rests on, out of what was read. */
export function factsOf(
  payment: PaymentToScreen,
  { chain, record, atMs }: { chain: ChainFacts; record: OwnRecord; atMs: number },
): RiskFacts {
  const { method, amountSats } = payment;
  const { minor, currency } = valueOf(payment);
  const { amounts, activity, busiest } = record;
  // This payment is one of the day's.
  const { last24h, usualDay } = readActivity(addPayment(activity, atMs), atMs);
  return {
    version: FACTS_VERSION,
    atMs,
    payment: {
      ...{ method, amountSats: amountSats.toString() },
      ...{ amountMinor: minor.toString(), currency },
    },
    history: compareAmount(amounts, minor),
    velocity: {
      source: directOf(chain).length === 0 ? null : busiest + 1,
      store: last24h,
      storeUsual: usualDay,
    },
    source: withOwnList(chain, record.own),
    shape: chain.shape,
    lists: chain.lists,
    refunded: record.refunded,
  };
}

function directOf({ source }: ChainFacts): string[] {
  return source?.direct.map(({ address }) => address) ?? [];
}

/** How hits of a store's own list of addresses are named; no list of the instance can be called so. */
const OWN_LIST = 'own';

function withOwnList(
  { source, met }: ChainFacts,
  own: ReadonlyMap<string, OwnAddress>,
): SourceFacts | null {
  if (source === null || met.length === 0) return source;
  const hits: SourceHit[] = [];
  const allowed = new Set<string>();
  const seen = new Set<string>();
  for (const { hop, address, sharePpm } of met) {
    const entry = own.get(address);
    if (entry === undefined || seen.has(address)) continue;
    seen.add(address);
    if (entry.verdict === 'allow') allowed.add(address);
    else {
      const place = { hop, address, sharePpm, list: OWN_LIST, versionId: entry.id };
      const about = { entryId: entry.id, label: entry.reason, purpose: 'other' as const };
      hits.push({ ...place, ...about, categories: ['other'] });
    }
  }
  return { ...source, hits: [...source.hits, ...hits], allowed: [...allowed].toSorted() };
}
