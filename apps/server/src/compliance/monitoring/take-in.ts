import type { Network } from '@quittance/bitcoin';
import type { Currency, Uuid } from '@quittance/kernel';
import type { Tx } from '../../platform/db/index.ts';
import type { RecordedEvent } from '../../telling/events/index.ts';
import { MAX_LINKS } from './groups.ts';
import type { Mark } from './movement.ts';
import {
  findCounting,
  findPartyOfOrder,
  type RecordedMovement,
  readLinks,
} from './movement-store.ts';
import { addressName, customerOf, partyOf } from './parties.ts';
import type { AddressBook, KnownLinks } from './ports.ts';
import { valueAt } from './rates-at.ts';
import type { News } from './read-event.ts';
import { readPaymentSources } from './sources.ts';
import { readOrderFacts, readPayoutFacts } from './subject-store.ts';

export type TakeInDeps = { network: Network; addressBook: AddressBook; knownLinks: KnownLinks };
type At = { merchantId: Uuid; event: RecordedEvent; seq: number; atMs: number; currency: Currency };
type Incoming = Extract<News, { type: 'payment' | 'payout' }>;

/**
 * Makes a movement of news about certain money, with all that rules will ever use of it. Undefined
 * where it counts already: a payout is told of as confirmed and again as final.
 */
export async function takeIn(
  tx: Tx,
  deps: TakeInDeps,
  at: At,
  news: Incoming,
): Promise<RecordedMovement | undefined> {
  const { merchantId } = at;
  if ((await findCounting(tx, { merchantId, key: news.key })) !== undefined) return undefined;
  return news.type === 'payment'
    ? await takePayment(tx, deps, at, news)
    : await takePayout(tx, deps, at, news);
}

async function takePayment(
  tx: Tx,
  deps: TakeInDeps,
  at: At,
  news: Extract<News, { type: 'payment' }>,
): Promise<RecordedMovement> {
  const { merchantId, event, seq, atMs, currency } = at;
  const { orderId, txid, amountSats } = news;
  const order = await readOrderFacts(tx, { merchantId, orderId });
  const sources =
    txid === null
      ? { addresses: [], isShared: false }
      : await readPaymentSources(tx, { txid, network: deps.network });
  const known = await lookUp(tx, deps, merchantId, sources.addresses);
  const [first] = sources.addresses;
  const address = first === undefined ? null : addressName(first);
  const { customerId, metadata } = order;
  const party = partyOf({ customerId, metadata, address, otherwise: `order:${orderId}` });
  const value = await valueAt(tx, { sats: amountSats, atMs, currency, locked: order.rate });
  const isService = known.isService || sources.isShared;
  return {
    ...{ seq, id: `payment:${news.paymentId}`, key: news.key, orderId, eventId: event.id, atMs },
    ...{ direction: 'in', party, counterparty: address, isService },
    ...{ amountSats, currency, amountMinor: value?.amountMinor ?? null },
    ...{ rateSource: value?.rateSource ?? null, isFiatLeg: order.priceCurrency !== 'BTC' },
    links: await linksOf(tx, deps, {
      ...{ merchantId, party },
      addresses: isService ? [] : sources.addresses.map(addressName),
    }),
    marks: known.marks,
    isUndone: false,
  };
}

async function takePayout(
  tx: Tx,
  deps: TakeInDeps,
  at: At,
  news: Extract<News, { type: 'payout' }>,
): Promise<RecordedMovement> {
  const { merchantId, event, seq, atMs, currency } = at;
  const { payoutId } = news;
  const payout = await readPayoutFacts(tx, { merchantId, payoutId });
  const { destination, amountSats, price, orderId } = payout;
  const isOnchain = payout.method === 'onchain';
  const known = await lookUp(tx, deps, merchantId, isOnchain ? [destination] : []);
  const address = destinationName(payout);
  const party = await ownerOf(tx, { merchantId, payoutId, payout, address });
  const locked = price?.rate ?? null;
  const value = await valueAt(tx, { sats: amountSats, atMs, currency, locked });
  return {
    ...{ seq, id: `payout:${payoutId}`, key: news.key, orderId, eventId: event.id, atMs },
    ...{ direction: 'out', party, counterparty: address, isService: known.isService },
    ...{ amountSats, currency, amountMinor: value?.amountMinor ?? null },
    ...{ rateSource: value?.rateSource ?? null, isFiatLeg: price !== null },
    links: await linksOf(tx, deps, {
      ...{ merchantId, party },
      addresses: known.isService || address === null ? [] : [address],
    }),
    marks: known.marks,
    isUndone: false,
  };
}

/**
 * What links the party: a person's word, what customers' records have in common, addresses. Recorded
 * with the movement as known now, so that reading it again gives the same groups.
 */
async function linksOf(
  tx: Tx,
  { knownLinks }: TakeInDeps,
  about: { merchantId: Uuid; party: string; addresses: readonly string[] },
): Promise<string[]> {
  const { merchantId, party, addresses } = about;
  const customerId = customerOf(party);
  const known = customerId === null ? [] : await knownLinks(tx, { merchantId, customerId });
  const said = await readLinks(tx, { merchantId, party });
  return [...said, ...known, ...addresses].slice(0, MAX_LINKS);
}

/** An invoice names a node for once; a Lightning address stays whose it is. */
function destinationName({
  method,
  destination,
  destinationKind,
}: Awaited<ReturnType<typeof readPayoutFacts>>): string | null {
  if (method === 'onchain') return addressName(destination);
  return destinationKind === 'bolt11' ? null : addressName(destination);
}

/** A refund is its order's, whoever claimed it and wherever he wanted it. */
async function ownerOf(
  tx: Tx,
  about: {
    merchantId: Uuid;
    payoutId: Uuid;
    payout: Awaited<ReturnType<typeof readPayoutFacts>>;
    address: string | null;
  },
): Promise<string> {
  const { merchantId, payoutId, payout, address } = about;
  const { orderId, metadata } = payout;
  const otherwise = `payout:${payoutId}`;
  if (orderId === null) return partyOf({ customerId: null, metadata, address, otherwise });
  const paidBy = await findPartyOfOrder(tx, { merchantId, orderId });
  if (paidBy !== undefined) return paidBy;
  const order = await readOrderFacts(tx, { merchantId, orderId });
  return partyOf({ ...order, address, otherwise: `order:${orderId}` });
}

async function lookUp(
  tx: Tx,
  { addressBook }: TakeInDeps,
  merchantId: Uuid,
  addresses: readonly string[],
): Promise<{ marks: readonly Mark[]; isService: boolean }> {
  if (addresses.length === 0) return { marks: [], isService: false };
  const found = [...(await addressBook.lookUp(tx, { merchantId, addresses })).values()];
  return {
    marks: found.flatMap(({ marks }) => marks),
    isService: found.some(({ isService }) => isService),
  };
}
