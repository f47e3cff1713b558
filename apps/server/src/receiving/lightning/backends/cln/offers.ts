import { type Msats, type Random, toHex } from '@quittance/kernel';
import type { LightningFailureClass } from '@quittance/contract';
import { LightningNodeError, OfferRefusal } from '../../errors.ts';
import type { NewOffer, NodeOffer, OfferInvoice } from '../../lightning-node.ts';
import { ClnRefusal, type ClnRpc } from './rpc.ts';
import {
  decodedInvoiceShape,
  decodedOfferShape,
  fetchedShape,
  invoicesShape,
  nothing,
  offerShape,
} from './shapes.ts';

/** The issuer is asked over onion messages, and may be away. */
const FETCH_TIMEOUT_MS = 30_000;
/** Core Lightning's own limit is shorter, so that its answer comes before we stop waiting. */
const FETCH_SECONDS = 20;
/** When the invoice does not say (BOLT 12, `invoice_relative_expiry`). */
const DEFAULT_EXPIRY_SECONDS = 7_200n;
/** Two offers that say the same are one: a reference tells ours apart. */
const REFERENCE_BYTES = 4;

/** An invoice for somebody's offer, read by the node itself, which has checked its signature. */
export async function fetchInvoice(
  rpc: ClnRpc,
  { offer, amountMsat }: { offer: string; amountMsat: Msats | null },
): Promise<OfferInvoice> {
  const decodedOffer = await rpc.call('decode', { string: offer }, decodedOfferShape);
  // An amount that the offer says itself may not be repeated (lightning-fetchinvoice(7)).
  const says = decodedOffer.offer_amount_msat ?? null;
  const amount = amountMsat === null || says !== null ? {} : { amount_msat: `${amountMsat}msat` };
  const asked = { offer, ...amount, timeout: FETCH_SECONDS };
  const { invoice } = await rpc
    .call('fetchinvoice', asked, fetchedShape, { timeoutMs: FETCH_TIMEOUT_MS })
    .catch((error: unknown) => {
      throw error instanceof ClnRefusal ? offerRefusal(error) : error;
    });
  const decoded = await rpc.call('decode', { string: invoice }, decodedInvoiceShape);
  if (amountMsat !== null && decoded.invoice_amount_msat !== amountMsat) {
    const why = { failureClass: 'amount_out_of_range', nodeCode: 'fetchinvoice' } as const;
    throw new OfferRefusal(why, 'the issuer asks for another amount than was offered');
  }
  const lasts = decoded.invoice_relative_expiry ?? DEFAULT_EXPIRY_SECONDS;
  return {
    bolt12Invoice: invoice,
    paymentHash: decoded.invoice_payment_hash,
    amountMsat: decoded.invoice_amount_msat,
    expiresAtMs: Number(decoded.invoice_created_at + lasts) * 1_000,
    description: decoded.offer_description ?? '',
  };
}

/** lightning-fetchinvoice(7). An issuer who says no may say yes later: its node may be starting. */
const FETCH_CODES: Readonly<Record<number, LightningFailureClass>> = {
  '-32602': 'invalid',
  1002: 'expired',
  1003: 'no_route',
  1004: 'not_resolved',
  1005: 'not_resolved',
};

function offerRefusal(error: ClnRefusal): LightningNodeError {
  if (error.code !== 'refused') return error;
  const failureClass = FETCH_CODES[error.rpcCode] ?? 'not_resolved';
  return new OfferRefusal({ failureClass, nodeCode: String(error.rpcCode) }, error.message, {
    cause: error,
  });
}

/** An offer that is paid once: `single_use` ends its other invoices when one of them is paid. */
export async function createOffer(
  rpc: ClnRpc,
  random: Random,
  { description, amountMsat, expiresAtMs }: NewOffer,
): Promise<NodeOffer> {
  const reference = toHex(random(new Uint8Array(REFERENCE_BYTES)));
  const { bolt12, offer_id, created } = await rpc.call(
    'offer',
    {
      amount: `${amountMsat}msat`,
      description: `${description} (${reference})`,
      single_use: true,
      absolute_expiry: Math.floor(expiresAtMs / 1_000),
    },
    offerShape,
  );
  if (created === false) throw new LightningNodeError('refused', 'there is such an offer already');
  return { bolt12, offerId: offer_id };
}

/** It has been withdrawn before, or was used (lightning-disableoffer(7)). */
const NOT_ACTIVE = new Set([1_000, 1_001, 1_002]);

/** Ends an offer, and the invoices that somebody has got for it and not paid. */
export async function withdrawOffer(rpc: ClnRpc, offerId: string): Promise<void> {
  await rpc.call('disableoffer', { offer_id: offerId }, nothing).catch((error: unknown) => {
    if (!(error instanceof ClnRefusal && NOT_ACTIVE.has(error.rpcCode))) throw error;
  });
  const { invoices } = await rpc.call('listinvoices', { offer_id: offerId }, invoicesShape);
  for (const { label, status } of invoices) {
    if (status !== 'unpaid') continue;
    // Paid or gone in between.
    await rpc.call('delinvoice', { label, status }, nothing).catch((error: unknown) => {
      if (!(error instanceof ClnRefusal && error.code === 'refused')) throw error;
    });
  }
}
