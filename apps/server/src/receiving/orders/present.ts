import { formatBip21 } from '@quittance/bitcoin';
import type { Order, OrderPaymentView, OrderView } from '@quittance/contract';
import { formatBtc, type Sats } from '@quittance/kernel';
import {
  confirmationsAt,
  counts,
  excessSats,
  isLive,
  type Payment,
  priceText,
  remainingSats,
  reviewOf,
} from '../payments/index.ts';
import type { OrderRow } from './store.ts';

/** How a store shows itself to its payers. */
export type StoreFace = {
  name: string;
  logoUrl: string | null;
  color: string | null;
  explorerTxUrl: string | null;
};

type Place = { publicUrl: string; tipHeight: number; storeName: string };

/** An open Lightning invoice of an order. */
export type OpenInvoice = {
  bolt11: string;
  /** A BOLT 12 offer beside it, for the same; null where the node makes none. */
  offer: string | null;
  paymentHash: string;
  amountSats: Sats;
  expiresAtMs: number;
};

/** An invoice for another amount than what is still to be paid is on its way out. */
function fitting(row: OrderRow, invoice: OpenInvoice | undefined): OpenInvoice | undefined {
  return invoice?.amountSats === remainingSats(row, row.receivedSats) ? invoice : undefined;
}

/** An order as its merchant reads it. */
export function orderJson(
  row: OrderRow,
  { payments, invoice }: { payments: readonly Payment[]; invoice?: OpenInvoice | undefined },
  place: Place,
): Order {
  const remaining = remainingSats(row, row.receivedSats);
  const lightning = fitting(row, invoice);
  return {
    id: row.id,
    merchantId: row.merchantId,
    externalId: row.externalId,
    description: row.description,
    metadata: row.metadata,
    redirectUrl: row.redirectUrl,
    customerId: row.customerId,
    status: row.status,
    expired: row.expiredAtMs !== null,
    priceAmount: priceText(row),
    priceCurrency: row.priceCurrency,
    rate: row.rate,
    dueSats: row.dueSats.toString(),
    dueBtc: formatBtc(row.dueSats),
    toleranceBelowSats: row.toleranceBelowSats.toString(),
    toleranceAboveSats: row.toleranceAboveSats.toString(),
    receivedSats: row.receivedSats.toString(),
    confirmedSats: row.confirmedSats.toString(),
    remainingSats: remaining.toString(),
    excessSats: excessSats(row, row.receivedSats).toString(),
    lateSats: row.lateSats.toString(),
    reviewSats: row.reviewSats.toString(),
    refundedSats: row.refundedSats.toString(),
    refundingSats: row.refundingSats.toString(),
    requiredConfirmations: row.requiredConfirmations,
    latePolicy: row.latePolicy,
    address: row.address,
    bip21: paymentLink(row, place.storeName, lightning),
    lightning:
      lightning === undefined
        ? null
        : {
            bolt11: lightning.bolt11,
            offer: lightning.offer,
            paymentHash: lightning.paymentHash,
            amountSats: lightning.amountSats.toString(),
            expiresAt: isoTime(lightning.expiresAtMs),
          },
    checkoutUrl: `${place.publicUrl}/i/${row.id}`,
    payments: payments.map((payment) => ({
      id: payment.id,
      method: payment.method,
      txid: payment.txid,
      vout: payment.vout,
      paymentHash: payment.paymentHash,
      amountSats: payment.amountSats.toString(),
      state: payment.state,
      review: reviewOf(payment),
      late: payment.late,
      confirmations: confirmationsAt(payment, place.tipHeight),
      height: payment.height,
      blockHash: payment.blockHash,
      replacedByTxid: payment.replacedBy,
      firstSeenAt: isoTime(payment.firstSeenAtMs),
    })),
    createdAt: isoTime(row.createdAtMs),
    expiresAt: isoTime(row.expiresAtMs),
    cancelledAt: row.cancelledAtMs === null ? null : isoTime(row.cancelledAtMs),
    lateAcceptedAt: row.lateAcceptedAtMs === null ? null : isoTime(row.lateAcceptedAtMs),
    updatedAt: isoTime(row.updatedAtMs),
    version: row.version,
  };
}

/** What the payer's page shows: nothing about the store but its face. */
export function orderView(
  row: OrderRow,
  { payments, invoice }: { payments: readonly Payment[]; invoice?: OpenInvoice | undefined },
  place: { face: StoreFace; network: string; tipHeight: number; nowMs: number },
): OrderView {
  const { face, tipHeight } = place;
  const open = fitting(row, invoice);
  const lightning = open !== undefined && open.expiresAtMs > place.nowMs ? open : undefined;
  return {
    orderId: row.id,
    version: row.version,
    status: row.status,
    expired: row.expiredAtMs !== null,
    store: { name: face.name, logoUrl: face.logoUrl, color: face.color },
    description: row.description,
    price: { currency: row.priceCurrency, amount: priceText(row) },
    dueSats: row.dueSats.toString(),
    receivedSats: row.receivedSats.toString(),
    confirmedSats: row.confirmedSats.toString(),
    remainingSats: remainingSats(row, row.receivedSats).toString(),
    excessSats: excessSats(row, row.receivedSats).toString(),
    lateSats: row.lateSats.toString(),
    reviewSats: row.reviewSats.toString(),
    refundedSats: row.refundedSats.toString(),
    rate:
      row.rate === null
        ? null
        : {
            currency: row.rate.currency,
            pricePerBtc: row.rate.pricePerBtc,
            source: row.rate.source,
            at: row.rate.observedAt,
          },
    address: row.address,
    bip21: paymentLink(row, face.name, lightning),
    lightning:
      lightning === undefined
        ? null
        : {
            bolt11: lightning.bolt11,
            offer: lightning.offer,
            expiresAt: isoTime(lightning.expiresAtMs),
          },
    network: place.network,
    confirmations: {
      have: confirmationsOf(row, payments, tipHeight),
      need: row.requiredConfirmations,
    },
    payments: payments.map((payment) => paymentView(payment, tipHeight)),
    createdAt: isoTime(row.createdAtMs),
    expiresAt: isoTime(row.expiresAtMs),
    serverTime: isoTime(place.nowMs),
    redirectUrl: row.redirectUrl,
    explorerTxUrl: face.explorerTxUrl,
  };
}

function paymentView(payment: Payment, tipHeight: number): OrderPaymentView {
  const { state } = payment;
  return {
    method: payment.method,
    txid: payment.txid,
    vout: payment.vout,
    paymentHash: payment.paymentHash,
    sats: payment.amountSats.toString(),
    state: state === 'included' ? 'confirming' : state === 'final' ? 'confirmed' : state,
    confirmations: confirmationsAt(payment, tipHeight),
    review: reviewOf(payment),
    late: payment.late,
    seenAt: isoTime(payment.firstSeenAtMs),
  };
}

/** Confirmations of the counted payment that is furthest behind, at most as many as are asked for. */
export function confirmationsOf(
  order: OrderRow,
  payments: readonly Payment[],
  tipHeight: number,
): number {
  const live = payments.filter((payment) => isLive(payment) && counts(order, payment));
  if (live.length === 0) return 0;
  return Math.min(
    order.requiredConfirmations,
    // What came by Lightning is final: it waits for nothing.
    ...live.map((payment) =>
      payment.method === 'lightning'
        ? order.requiredConfirmations
        : confirmationsAt(payment, tipHeight),
    ),
  );
}

/** What the payer's page takes (contract) and a QR code can still show well. */
const MAX_LINK_LENGTH = 2_000;

/**
 * BIP21 link for what is still to be paid; without an amount once nothing is. Texts take up to
 * twelve characters for each of theirs: what makes the link too long is left out, the message first,
 * the offer (BIP321, `lno`) last: a wallet that knows offers needs no texts.
 */
export function paymentLink(
  row: Pick<
    OrderRow,
    | 'address'
    | 'description'
    | 'dueSats'
    | 'toleranceBelowSats'
    | 'toleranceAboveSats'
    | 'receivedSats'
  >,
  storeName: string,
  lightning?: Pick<OpenInvoice, 'bolt11' | 'offer'>,
): string {
  const remaining = remainingSats(row, row.receivedSats);
  const bare = {
    address: row.address,
    ...(remaining > 0n && { amountSats: remaining }),
    ...(lightning !== undefined && { lightning: lightning.bolt11 }),
    ...(lightning !== undefined && lightning.offer !== null && { lno: lightning.offer }),
  };
  const labelled = { ...bare, label: storeName };
  const full = { ...labelled, ...(row.description !== null && { message: row.description }) };
  const { lno: _, ...plain } = bare;
  const links = [full, labelled, bare, plain].map(formatBip21);
  return links.find(({ length }) => length <= MAX_LINK_LENGTH) ?? formatBip21(plain);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
