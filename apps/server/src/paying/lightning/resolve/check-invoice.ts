import type { DecodedBolt11, LightningNetwork } from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import { type Failed, failureOf } from './failures.ts';

/** What the invoice must fit. */
export type Wanted = {
  readonly amountMsat: Msats;
  readonly network: LightningNetwork;
  readonly nowMs: number;
  /** How long it must still be good for. */
  readonly minRemainingMs: number;
};

/** Where the invoice came from: null when somebody gave it. */
export type InvoiceSource = { readonly domain: string; readonly metadataSha256: string } | null;

/**
 * Whether an invoice may be paid with this amount: the right chain, time left, exactly the amount,
 * and what it commits to is what the service showed.
 * @returns null when it may
 */
export function checkInvoice(
  invoice: DecodedBolt11,
  source: InvoiceSource,
  wanted: Wanted,
): Failed | null {
  const domain = source?.domain ?? null;
  const whose = domain === null ? 'the invoice' : `the invoice of ${domain}`;
  if (invoice.network !== wanted.network) {
    const sentence = `${whose} is for ${invoice.network}, and Quittance pays on ${wanted.network}`;
    return failureOf('wrong_network', sentence, domain);
  }
  const remainingMs = invoice.expiresAtMs - wanted.nowMs;
  if (remainingMs < wanted.minRemainingMs) {
    const ended = `ended at ${new Date(invoice.expiresAtMs).toISOString()}`;
    const soon = `ends in ${Math.floor(remainingMs / 1_000)} s, too soon to be paid`;
    const code = domain === null ? 'invoice_expired' : 'fresh_invoice_expired';
    return failureOf(code, `${whose} ${remainingMs <= 0 ? ended : soon}`, domain);
  }
  if (invoice.amountMsat !== wanted.amountMsat) {
    // Whoever gives an invoice may leave the amount open; a service was asked for one.
    if (invoice.amountMsat === null && domain === null) return null;
    const asks = invoice.amountMsat === null ? 'no amount' : `${invoice.amountMsat} msat`;
    const sentence = `${whose} asks for ${asks} instead of ${wanted.amountMsat} msat`;
    return failureOf(domain === null ? 'amount_differs' : 'other_amount', sentence, domain);
  }
  // LUD-06 no longer demands the hash of the metadata, and many services give a plain text. But an
  // invoice with a hash of something else is for something else than what was shown.
  const { descriptionHash } = invoice;
  if (source !== null && descriptionHash !== null && descriptionHash !== source.metadataSha256) {
    const sentence = `${whose} is for something else than what ${domain} shows (its hash differs)`;
    return failureOf('other_description', sentence, domain);
  }
  return null;
}
