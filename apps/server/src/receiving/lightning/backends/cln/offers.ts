import type { Msats } from '@quittance/kernel';
import { LightningNodeError } from '../../errors.ts';
import type { OfferInvoice } from '../../lightning-node.ts';
import type { ClnRpc } from './rpc.ts';
import { decodedInvoiceShape, fetchedShape, offerShape } from './shapes.ts';

/** The issuer is asked over onion messages, and may be away. */
const FETCH_TIMEOUT_MS = 60_000;
/** When the invoice does not say (BOLT 12, `invoice_relative_expiry`). */
const DEFAULT_EXPIRY_SECONDS = 7_200n;

/** An invoice for somebody's offer, read by the node itself, which has checked its signature. */
export async function fetchInvoice(
  rpc: ClnRpc,
  { offer, amountMsat }: { offer: string; amountMsat: Msats | null },
): Promise<OfferInvoice> {
  const params = { offer, ...(amountMsat === null ? {} : { amount_msat: `${amountMsat}msat` }) };
  const { invoice } = await rpc.call('fetchinvoice', params, fetchedShape, {
    timeoutMs: FETCH_TIMEOUT_MS,
  });
  const decoded = await rpc.call('decode', { string: invoice }, decodedInvoiceShape);
  if (amountMsat !== null && decoded.invoice_amount_msat !== amountMsat) {
    throw new LightningNodeError('refused', 'the issuer asks for another amount than was offered');
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

export async function createOffer(
  rpc: ClnRpc,
  { description, amountMsat }: { description: string; amountMsat: Msats | null },
): Promise<string> {
  const amount = amountMsat === null ? 'any' : `${amountMsat}msat`;
  return (await rpc.call('offer', { amount, description }, offerShape)).bolt12;
}
