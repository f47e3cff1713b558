import type { PayoutDestinationKind } from '@quittance/contract';
import {
  type DecodedBolt11,
  lightningNetworkOf,
  type Network,
  type Offer,
  parseLightningDestination,
} from '@quittance/bitcoin';
import type { Msats } from '@quittance/kernel';
import { EXPIRY_MARGIN_MS } from './attempt-transition.ts';

/** Where a payout over Lightning goes, as far as its text says it. */
export type LightningDestination = {
  readonly kind: Exclude<PayoutDestinationKind, 'address'>;
  /** In one spelling, without a scheme. */
  readonly text: string;
  /** Null: the payer chooses. */
  readonly amountMsat: Msats | null;
  readonly expiresAtMs: number | null;
  /** Null where each attempt gets a fresh invoice. */
  readonly paymentHash: string | null;
};

export type ReadLightningDestination =
  | { readonly ok: true; readonly destination: LightningDestination }
  | { readonly ok: false; readonly reason: string };

type World = { network: Network; nowMs: number };

/** Whether a text is meant for Lightning, right or wrong: an address on chain never begins so. */
export function isLightningDestination(text: string): boolean {
  return /^(lightning:|lnurlp?:|https?:|ln[a-z0-9]*1)/i.test(text) || text.includes('@');
}

const openEnded = { amountMsat: null, expiresAtMs: null, paymentHash: null } as const;

/**
 * Reads where a payout goes over Lightning, and refuses what could not be paid now: another chain's
 * invoice, and one that ends before it could be paid.
 */
export function readLightningDestination(text: string, world: World): ReadLightningDestination {
  const parsed = parseLightningDestination(text);
  if (!parsed.ok) return { ok: false, reason: parsed.reason };
  const { destination } = parsed;
  switch (destination.kind) {
    case 'bolt11':
      return readInvoice(destination.invoice, world);
    case 'address': {
      const { address } = destination.address;
      return { ok: true, destination: { ...openEnded, kind: 'lightning_address', text: address } };
    }
    case 'lnurl':
      return { ok: true, destination: { ...openEnded, kind: 'lnurl', text: destination.url } };
    case 'offer':
      return readOffer(destination.offer, world);
    case 'node':
      return { ok: false, reason: 'payouts to a node id, without an invoice, leave no proof' };
  }
}

function readInvoice(invoice: DecodedBolt11, { network, nowMs }: World): ReadLightningDestination {
  const { bolt11: text, amountMsat, expiresAtMs, paymentHash } = invoice;
  if (invoice.network !== lightningNetworkOf(network)) {
    return { ok: false, reason: `the invoice is for ${invoice.network}, not ${network}` };
  }
  if (nowMs >= expiresAtMs - EXPIRY_MARGIN_MS) return expired(expiresAtMs, 'invoice');
  return { ok: true, destination: { kind: 'bolt11', text, amountMsat, expiresAtMs, paymentHash } };
}

function readOffer(offer: Offer, { network, nowMs }: World): ReadLightningDestination {
  if (!offer.networks.includes(lightningNetworkOf(network))) {
    return { ok: false, reason: `the offer is not for ${network}` };
  }
  const { expiresAtMs, amount, bolt12: text } = offer;
  // An offer in another currency is for the issuer to convert; what we pay is ours to say.
  const amountMsat = amount !== null && 'amountMsat' in amount ? amount.amountMsat : null;
  if (expiresAtMs !== null && nowMs >= expiresAtMs - EXPIRY_MARGIN_MS) {
    return expired(expiresAtMs, 'offer');
  }
  return {
    ok: true,
    destination: { kind: 'bolt12', text, amountMsat, expiresAtMs, paymentHash: null },
  };
}

function expired(expiresAtMs: number, what: string): ReadLightningDestination {
  const when = new Date(expiresAtMs).toISOString();
  return { ok: false, reason: `the destination ${what} expired, or is about to (${when})` };
}
