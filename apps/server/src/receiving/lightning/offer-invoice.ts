import type { Clock, Ids, Uuid } from '@quittance/kernel';
import { MSATS_PER_SAT, type Sats } from '@quittance/kernel';
import type { Database, Tx } from '../../platform/db/index.ts';
import { remainingSats } from '../payments/index.ts';
import type { Invoice } from './invoice.ts';
import { LightningNodeError } from './errors.ts';
import {
  giveUpMisfits,
  insertInvoice,
  type OrderToPay,
  readOpenOfOrders,
  readOrderToPay,
} from './invoice-store.ts';
import type { NodeInvoice, NodeOffer } from './lightning-node.ts';
import type { LightningNodes, OpenNode } from './nodes.ts';
import { insertOffer } from './offer-store.ts';

export type OfferDeps = {
  database: Database;
  nodes: LightningNodes;
  clock: Clock;
  ids: Ids;
  /** A store's name as payers know it, and whether it offers Lightning. */
  readStore(tx: Tx, merchantId: Uuid): Promise<{ name: string; lightning: boolean }>;
  log: { warn(fields: object, message: string): void };
};

/** Why an order has no invoice. */
export type NoInvoice =
  | 'no_node'
  | 'turned_off'
  /** It is paid, cancelled or expired, or will be in a moment. */
  | 'not_payable'
  /** The node's channels can not receive so much. */
  | 'too_large'
  | 'node_unavailable';

export type Offered = { invoice: Invoice } | { invoice: null; because: NoInvoice };

export type InvoiceOffers = {
  /**
   * The open invoice for what an order still has to be paid; asks the node for one where there is
   * none. Asked for the same order several times at once, the node is asked once.
   */
  offer(own: { merchantId: Uuid; orderId: Uuid }): Promise<Offered>;
};

/** With less time than this a payment hardly arrives before the order's end. */
const MIN_TIME_MS = 20_000;
/** BOLT 11 §d: a description of up to 639 bytes; wallets show two lines. */
const MAX_DESCRIPTION_BYTES = 200;
/** A node that has just not answered is not asked for each visitor of the page anew. */
const REST_AFTER_FAILURE_MS = 10_000;
/** A node whose credentials do not allow offers is not asked for one with each order. */
const OFFERS_REST_MS = 10 * 60_000;
/** What can be received changes with each payment, but not for each visitor. */
const RECEIVABLE_AGE_MS = 10_000;
/** Stores of which it is remembered how their node is. */
const MAX_REMEMBERED = 1_000;

/** Hands out invoices for orders, when somebody wants to pay and not before (ADR 14). */
export function offerInvoices(deps: OfferDeps): InvoiceOffers {
  const underWay = new Map<Uuid, Promise<Offered>>();
  const restUntil = new Map<Uuid, number>();
  const offersRestUntil = new Map<Uuid, number>();
  const receivable = new Map<Uuid, { msat: bigint | null; atMs: number }>();

  async function make({ merchantId, orderId }: { merchantId: Uuid; orderId: Uuid }) {
    const nowMs = deps.clock.nowMs();
    // Known without asking anybody: pages of stores without a node cost nothing more than before.
    const connection = await deps.nodes.connectionOf(merchantId);
    if (connection === null) return none('no_node');
    const facts = await deps.database.asTenant(merchantId, async (tx) => ({
      order: await readOrderToPay(tx, orderId, false),
      open: (await readOpenOfOrders(tx, [orderId])).get(orderId),
      store: await deps.readStore(tx, merchantId),
    }));
    const { order, open, store } = facts;
    if (order === undefined || !isPayable(order, nowMs)) return none('not_payable');
    if (open !== undefined && open.amountMsat === missing(order) * MSATS_PER_SAT) {
      return { invoice: open };
    }
    if (!store.lightning) return none('turned_off');
    if ((restUntil.get(merchantId) ?? 0) > nowMs) return none('node_unavailable');
    try {
      if (await isTooLarge(merchantId, connection, order)) return none('too_large');
      const wish = { storeName: store.name, nowMs };
      const offering = askOffer(connection, order, wish);
      const made = await askNode(connection, order, wish).catch(async (error: unknown) => {
        // No offer without an invoice beside it.
        await forgetOffer(connection, await offering);
        throw error;
      });
      const offer = await offering;
      return await keep({ merchantId, orderId }, connection, { made, offer, nowMs, order, store });
    } catch (error) {
      if (!(error instanceof LightningNodeError)) throw error;
      remember(restUntil, merchantId, nowMs + REST_AFTER_FAILURE_MS);
      deps.log.warn({ error, merchantId }, 'the Lightning node gave no invoice');
      return none('node_unavailable');
    }
  }

  async function isTooLarge(merchantId: Uuid, { node }: OpenNode, order: OrderToPay) {
    if (!node.capabilities.channels) return false;
    const nowMs = deps.clock.nowMs();
    let known = receivable.get(merchantId);
    if (known === undefined || nowMs - known.atMs > RECEIVABLE_AGE_MS) {
      known = { msat: (await node.balances()).receivableMsat, atMs: nowMs };
      remember(receivable, merchantId, known);
    }
    return known.msat !== null && missing(order) * MSATS_PER_SAT > known.msat;
  }

  /** Beside the invoice, where the node has offers (BOLT 12). Nobody goes without paying for it. */
  async function askOffer(
    { node }: OpenNode,
    order: OrderToPay,
    { storeName }: { storeName: string },
  ): Promise<NodeOffer | null> {
    if (!node.capabilities.offers || node.createOffer === undefined) return null;
    const { merchantId, expiresAtMs } = order;
    const nowMs = deps.clock.nowMs();
    if ((offersRestUntil.get(merchantId) ?? 0) > nowMs) return null;
    const description = describe(order, storeName);
    const amountMsat = missing(order) * MSATS_PER_SAT;
    return node.createOffer({ amountMsat, description, expiresAtMs }).catch((error: unknown) => {
      if (!(error instanceof LightningNodeError)) throw error;
      remember(offersRestUntil, merchantId, nowMs + OFFERS_REST_MS);
      deps.log.warn({ error, merchantId }, 'the Lightning node made no offer');
      return null;
    });
  }

  /** The invoice is the order's only if the order is still as it was when the node was asked. */
  async function keep(
    { merchantId, orderId }: { merchantId: Uuid; orderId: Uuid },
    connection: OpenNode,
    more: {
      made: NodeInvoice;
      offer: NodeOffer | null;
      nowMs: number;
      order: OrderToPay;
      store: { name: string };
    },
  ): Promise<Offered> {
    const { made, offer, nowMs } = more;
    const invoice: Invoice = {
      ...{ merchantId, id: deps.ids.next(), lightningNodeId: connection.id, orderId },
      ...{ paymentHash: made.paymentHash, bolt11: made.bolt11, amountMsat: made.amountMsat },
      ...{ purpose: 'order', metadata: {}, hold: false, state: 'open', reason: null },
      ...{ receivedMsat: 0n, preimage: null, createdAtMs: nowMs, settledAtMs: null, version: 1 },
      description: describe(more.order, more.store.name),
      expiresAtMs: Math.min(more.order.expiresAtMs, made.expiresAtMs),
      lookAtMs: Math.min(more.order.expiresAtMs, made.expiresAtMs),
    };
    const outcome = await deps.database.asTenant(merchantId, async (tx): Promise<Offered> => {
      const order = await readOrderToPay(tx, orderId, true);
      if (order === undefined || !isPayable(order, nowMs)) return none('not_payable');
      if (missing(order) * MSATS_PER_SAT !== made.amountMsat) return none('not_payable');
      await giveUpMisfits(tx, { orderIds: [orderId], nowMs });
      if (await insertInvoice(tx, invoice)) {
        const { id: invoiceId, lightningNodeId } = invoice;
        const own = { merchantId, orderId, invoiceId, lightningNodeId };
        if (offer !== null) await insertOffer(tx, { ...own, ...offer }, nowMs);
        return { invoice };
      }
      const other = (await readOpenOfOrders(tx, [orderId])).get(orderId);
      return other === undefined ? none('not_payable') : { invoice: other };
    });
    if (outcome.invoice?.paymentHash !== made.paymentHash) {
      // Nobody has seen it; the node forgets it by itself when this does not reach it.
      await connection.node.cancelInvoice(made.paymentHash).catch(() => {});
      await forgetOffer(connection, offer);
    }
    return outcome;
  }

  return {
    offer(own) {
      const known = underWay.get(own.orderId);
      if (known !== undefined) return known;
      const making = make(own).finally(() => underWay.delete(own.orderId));
      underWay.set(own.orderId, making);
      return making;
    },
  };
}

/** Nobody has seen it; it ends by itself when this does not reach the node. */
async function forgetOffer({ node }: OpenNode, offer: NodeOffer | null): Promise<void> {
  if (offer !== null) await node.withdrawOffer?.(offer.offerId).catch(() => {});
}

async function askNode(
  { node }: OpenNode,
  order: OrderToPay,
  { storeName, nowMs }: { storeName: string; nowMs: number },
): Promise<NodeInvoice> {
  const amountMsat = missing(order) * MSATS_PER_SAT;
  const made = await node.createInvoice({
    amountMsat,
    description: describe(order, storeName),
    expirySeconds: Math.floor((order.expiresAtMs - nowMs) / 1_000),
  });
  if (made.amountMsat !== amountMsat || made.state !== 'open') {
    throw new LightningNodeError('bad_answer', 'the node made another invoice than was asked for');
  }
  return made;
}

function isPayable(order: OrderToPay, nowMs: number): boolean {
  if (order.isOver || nowMs > order.expiresAtMs - MIN_TIME_MS) return false;
  return (order.status === 'PENDING' || order.status === 'UNDERPAID') && missing(order) > 0n;
}

function missing(order: OrderToPay): Sats {
  return remainingSats({ ...order, toleranceAboveSats: 0n }, order.receivedSats);
}

/** What the payer's wallet shows: who is paid and what for. */
function describe(order: OrderToPay, storeName: string): string {
  const what = order.description ?? order.externalId ?? `order ${order.id}`;
  return cut(`${storeName}: ${what}`.toWellFormed().replaceAll(/\p{Cc}+/gu, ' '));
}

/** Cuts at a character, not within one. */
function cut(text: string): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_DESCRIPTION_BYTES) break;
    kept += character;
  }
  return kept;
}

function none(because: NoInvoice): Offered {
  return { invoice: null, because };
}

function remember<Value>(map: Map<Uuid, Value>, key: Uuid, value: Value): void {
  if (map.size >= MAX_REMEMBERED) map.clear();
  map.set(key, value);
}
