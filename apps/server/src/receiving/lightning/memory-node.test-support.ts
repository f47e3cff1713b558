import { createHash, randomBytes } from 'node:crypto';
import { fromHex, toHex } from '@quittance/kernel';
import { LightningNodeError } from './errors.ts';
import type {
  LightningBalances,
  LightningEvent,
  LightningInfo,
  LightningNode,
  NodeInvoice,
} from './lightning-node.ts';

/** A node without channels, peers or chain: what the module does with any node is tried on it. */
export type MemoryNode = LightningNode & {
  /** Somebody pays an invoice. @throws when the node would not take it */
  receive(paymentHash: string, msat?: bigint): void;
  /** Something happens that is no invoice of ours. */
  tell(event: LightningEvent): void;
  /** Nobody answers any more, or again. */
  /** Somebody pays by an offer; gives the payment's hash. */
  receiveByOffer(bolt12: string, msat?: bigint): string;
  isOfferOpen(bolt12: string): boolean;
  /** As with credentials that do not allow offers. */
  setOffersAway(value: boolean): void;
  setAway(away: boolean): void;
  setChannels(balances: Partial<LightningBalances>): void;
  invoiceOf(paymentHash: string): NodeInvoice;
  readonly created: number;
};

export function createMemoryNode(
  options: {
    nodeId?: string;
    network?: LightningInfo['network'];
    nowMs?: () => number;
    /** Whether it can BOLT 12. */
    offers?: boolean;
  } = {},
): MemoryNode {
  const nodeId = options.nodeId ?? `02${toHex(randomBytes(32))}`;
  const nowMs = options.nowMs ?? Date.now;
  const invoices = new Map<string, NodeInvoice>();
  const events: LightningEvent[] = [];
  const rings = new Set<() => void>();
  let away = false;
  let offersAway = false;
  let created = 0;
  let balances: LightningBalances = {
    ...{ channelsMsat: 0n, inFlightMsat: 0n, onchainSats: 0n },
    ...{ sendableMsat: 0n, receivableMsat: 10n ** 12n },
  };

  function answer<T>(make: () => T): Promise<T> {
    if (away) return Promise.reject(new LightningNodeError('unreachable', 'nobody answers'));
    return Promise.resolve().then(make);
  }

  function change(hash: string, changes: Partial<NodeInvoice>): NodeInvoice {
    const before = invoices.get(hash);
    if (before === undefined) throw new LightningNodeError('refused', 'no such invoice');
    const after = { ...before, ...changes };
    invoices.set(hash, after);
    return after;
  }

  function tell(event: LightningEvent): void {
    events.push(event);
    for (const ring of rings) ring();
  }

  function settle(hash: string, msat: bigint, preimage: string | null): void {
    const atMs = nowMs();
    change(hash, { state: 'settled', receivedMsat: msat, settledAtMs: atMs, preimage });
    balances = { ...balances, channelsMsat: balances.channelsMsat + msat };
    tell({ type: 'invoice_settled', paymentHash: hash, receivedMsat: msat, preimage, atMs });
  }

  const preimages = new Map<string, string>();
  const offers = new Map<string, { bolt12: string; amountMsat: bigint; isOpen: boolean }>();
  return {
    kind: 'embedded',
    capabilities: {
      ...{ holdInvoices: true, keysend: false, descriptionHash: true },
      offers: options.offers === true,
      ...{ channels: true, feeLimit: true },
    },
    get created() {
      return created;
    },
    info: () =>
      answer(() => ({
        ...{ nodeId, alias: 'memory', network: options.network ?? 'regtest', blockHeight: 1 },
        ...{ synced: true, version: '0', uris: [] },
      })),
    createInvoice: ({ amountMsat, expirySeconds, holdPaymentHash }) =>
      answer(() => {
        const preimage = toHex(randomBytes(32));
        const own = toHex(createHash('sha256').update(fromHex(preimage)).digest());
        const paymentHash = holdPaymentHash ?? own;
        const known = invoices.get(paymentHash);
        if (known !== undefined) return known;
        if (holdPaymentHash === undefined) preimages.set(paymentHash, preimage);
        created += 1;
        const made: NodeInvoice = {
          ...{ paymentHash, bolt11: `lnbcrt1${paymentHash}`, amountMsat, state: 'open' },
          ...{ expiresAtMs: nowMs() + expirySeconds * 1_000, receivedMsat: 0n },
          ...{ settledAtMs: null, preimage: null },
        };
        invoices.set(paymentHash, made);
        return made;
      }),
    lookupInvoice: (hash) => answer(() => invoices.get(hash) ?? null),
    cancelInvoice: (hash) =>
      answer(() => {
        const { state } = change(hash, {});
        if (state !== 'settled') change(hash, { state: 'cancelled', receivedMsat: 0n });
      }),
    settleInvoice: (preimage) =>
      answer(() => {
        const hash = toHex(createHash('sha256').update(fromHex(preimage)).digest());
        const held = change(hash, {});
        if (held.state === 'settled') return;
        if (held.state !== 'held') throw new LightningNodeError('refused', 'nothing is held');
        settle(hash, held.receivedMsat, preimage);
      }),
    createOffer: ({ amountMsat }) =>
      answer(() => {
        if (offersAway) throw new LightningNodeError('unauthorized', 'it may not make offers');
        const offerId = toHex(randomBytes(32));
        const bolt12 = `lno1${'qpzry9x8gf2tvdw0'.repeat(4)}${offerId.replaceAll(/[b1io]/g, 'q')}`;
        offers.set(offerId, { bolt12, amountMsat, isOpen: true });
        return { bolt12, offerId };
      }),
    withdrawOffer: (offerId) =>
      answer(() => {
        const offer = offers.get(offerId);
        if (offer !== undefined) offers.set(offerId, { ...offer, isOpen: false });
      }),
    pay: () => answer(() => ({ state: 'not_found' as const })),
    trackPayment: () => answer(() => ({ state: 'not_found' as const })),
    channels: () => answer(() => []),
    balances: () => answer(() => balances),
    eventsSince: (cursor, limit) =>
      answer(() => {
        const from = Number(cursor ?? 0);
        const page = events.slice(from, from + limit);
        const to = from + page.length;
        return { events: page, cursor: String(to), hasMore: to < events.length };
      }),
    onEvent(ring) {
      rings.add(ring);
      return () => rings.delete(ring);
    },
    async close() {},
    receive(hash, msat) {
      const invoice = invoices.get(hash);
      if (invoice === undefined || (invoice.state !== 'open' && invoice.state !== 'held')) {
        throw new Error(`the invoice is ${invoice?.state ?? 'unknown'}`);
      }
      const receivedMsat = msat ?? invoice.amountMsat ?? 0n;
      const preimage = preimages.get(hash);
      if (preimage !== undefined) return settle(hash, receivedMsat, preimage);
      change(hash, { state: 'held', receivedMsat });
      const atMs = nowMs();
      tell({ type: 'invoice_held', paymentHash: hash, receivedMsat, preimage: null, atMs });
    },
    tell,
    receiveByOffer(bolt12, msat) {
      const found = [...offers].find(([, offer]) => offer.bolt12 === bolt12);
      if (found === undefined) throw new Error('there is no such offer');
      const [offerId, { amountMsat }] = found;
      const preimage = toHex(randomBytes(32));
      const paymentHash = toHex(createHash('sha256').update(fromHex(preimage)).digest());
      const receivedMsat = msat ?? amountMsat;
      balances = { ...balances, channelsMsat: balances.channelsMsat + receivedMsat };
      const told = { paymentHash, receivedMsat, preimage, atMs: nowMs(), offerId };
      tell({ type: 'invoice_settled', ...told });
      return paymentHash;
    },
    isOfferOpen: (bolt12) =>
      [...offers.values()].some((offer) => offer.bolt12 === bolt12 && offer.isOpen),
    setOffersAway(value) {
      offersAway = value;
    },
    setAway(value) {
      away = value;
    },
    setChannels(changes) {
      balances = { ...balances, ...changes };
    },
    invoiceOf: (hash) => change(hash, {}),
  };
}
