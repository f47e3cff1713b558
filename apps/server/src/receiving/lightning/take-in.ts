import { createHash } from 'node:crypto';
import { formatUuid, type Ids, MSATS_PER_SAT, type Uuid } from '@quittance/kernel';
import { lightningDeposited, postTransfers } from '../../accounting/ledger/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { recordEvents } from '../../telling/events/index.ts';
import { applyPaymentEvents, type OrderEvents } from '../payments/index.ts';
import { recordNodeEvents } from './event-store.ts';
import { applyInvoiceEvent, type Invoice, type InvoiceEvent } from './invoice.ts';
import { lockInvoice, readInvoicesByHash, saveInvoice } from './invoice-store.ts';
import type { LightningEvent } from './lightning-node.ts';
import { readOrdersOfOffers } from './offer-store.ts';
import { invoiceEvent } from './tell.ts';

export type TakingIn = {
  ids: Ids;
  nowMs: number;
  tipHeight: number;
};

export type InvoiceNews = Extract<LightningEvent, { type: 'invoice_settled' | 'invoice_held' }>;

/**
 * What a store's node says of its invoices becomes payments of orders, transfers of the book, states of
 * invoices and events, all in the caller's transaction, with the record of what the node said. What was
 * taken in before changes nothing.
 *
 * Orders are locked first, then invoices; the book last (receiving/payments).
 */
export async function takeInInvoices(
  tx: Tx,
  now: TakingIn,
  of: { merchantId: Uuid; lightningNodeId: Uuid },
  news: readonly InvoiceNews[],
): Promise<void> {
  if (news.length === 0) return;
  const { merchantId } = of;
  const fresh = await recordNodeEvents(tx, { ...of, nowMs: now.nowMs }, news);
  const settled = fresh.filter((each) => isNews(each) && each.type === 'invoice_settled');
  const hashes = news.map(({ paymentHash }) => paymentHash);
  const invoices = await readInvoicesByHash(tx, { merchantId, hashes });
  // Who pays by an offer pays an invoice that the node has made for that, of a hash of its own.
  const offerIds = news.flatMap(({ offerId }) => offerId ?? []);
  const offered = await readOrdersOfOffers(tx, { merchantId, offerIds });
  const ofOrders: OrderEvents[] = [];
  for (const each of settled) {
    if (!isNews(each)) continue;
    const orderId =
      invoices.get(each.paymentHash)?.orderId ?? offered.get(each.offerId ?? '') ?? null;
    if (orderId === null) continue;
    const { paymentHash, receivedMsat, atMs: settledAtMs } = each;
    const amountSats = receivedMsat / MSATS_PER_SAT;
    // Less than a satoshi pays no order; it is the merchant's all the same, below.
    if (amountSats === 0n) continue;
    const paymentId = paymentIdOf(merchantId, paymentHash);
    const paid = { paymentId, paymentHash, amountSats, receivedMsat, settledAtMs };
    ofOrders.push({ orderId, events: [{ type: 'lightning_settled', ...paid }] });
  }
  await applyPaymentEvents(tx, now, ofOrders);
  for (const each of news) await moveInvoice(tx, now, invoices.get(each.paymentHash), each);
  const credited = new Set(
    ofOrders.flatMap(({ events }) =>
      events.flatMap((e) => ('paymentHash' in e ? e.paymentHash : [])),
    ),
  );
  const deposits = settled.flatMap((each) => {
    if (!isNews(each) || credited.has(each.paymentHash) || each.receivedMsat === 0n) return [];
    const { paymentHash, receivedMsat } = each;
    return [lightningDeposited({ ...of, paymentHash, receivedMsat, atMs: now.nowMs })];
  });
  if (deposits.length > 0) await postTransfers(tx, deposits);
}

async function moveInvoice(
  tx: Tx,
  now: TakingIn,
  read: Invoice | undefined,
  news: InvoiceNews,
): Promise<void> {
  const before = read === undefined ? undefined : await lockInvoice(tx, read);
  if (before === undefined) return;
  await changeInvoice(tx, now, before, eventOf(news));
}

/** Applies an event to a locked invoice. @returns the invoice as it is then; null when it may not be */
export async function changeInvoice(
  tx: Tx,
  now: Pick<TakingIn, 'ids' | 'nowMs'>,
  before: Invoice,
  event: InvoiceEvent,
  lookAtMs?: number,
): Promise<Invoice | null> {
  const step = applyInvoiceEvent(before, event);
  if (step.outcome === 'rejected') return null;
  if (step.outcome === 'unchanged') return before;
  const after = lookAtMs === undefined ? step.invoice : { ...step.invoice, lookAtMs };
  await saveInvoice(tx, after, now.nowMs);
  const told = invoiceEvent(after, now);
  if (told !== null) await recordEvents(tx, [told]);
  return after;
}

function eventOf(news: InvoiceNews): InvoiceEvent {
  const { receivedMsat, preimage, atMs } = news;
  return news.type === 'invoice_held'
    ? { type: 'held', receivedMsat }
    : { type: 'settled', receivedMsat, preimage, atMs };
}

function isNews(event: LightningEvent): event is InvoiceNews {
  return event.type !== 'payment_ended';
}

/** A payment's id follows from what it pays, as an output's does: the same payment has it again. */
function paymentIdOf(merchantId: Uuid, paymentHash: string): Uuid {
  const text = `lightning payment ${merchantId} ${paymentHash}`;
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes);
}
