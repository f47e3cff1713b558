import type { PayoutDestinationKind } from '@quittance/contract';
import { decodeBolt11, lightningNetworkOf, type Network } from '@quittance/bitcoin';
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

/** Whether a text is meant for Lightning, right or wrong: an address on chain never begins so. */
export function isLightningDestination(text: string): boolean {
  return /^(lightning:|lnurlp:|ln[a-z0-9]*1)/i.test(text) || text.includes('@');
}

/**
 * Reads where a payout goes over Lightning, and refuses what could not be paid now: another chain's
 * invoice, and one that ends before it could be paid.
 */
export function readLightningDestination(
  text: string,
  world: { network: Network; nowMs: number },
): ReadLightningDestination {
  const bare = text.replace(/^lightning:/i, '');
  if (/^ln(?!url1|o1)/i.test(bare)) return readInvoice(bare, world);
  if (/^[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,253}(:[0-9]{1,5})?$/i.test(bare)) {
    return {
      ok: true,
      destination: { ...openEnded, kind: 'lightning_address', text: bare.toLowerCase() },
    };
  }
  return { ok: false, reason: 'this kind of Lightning destination can not be read here' };
}

const openEnded = { amountMsat: null, expiresAtMs: null, paymentHash: null } as const;

function readInvoice(
  text: string,
  { network, nowMs }: { network: Network; nowMs: number },
): ReadLightningDestination {
  const read = decodeBolt11(text);
  if (!read.ok) return { ok: false, reason: read.reason };
  const { bolt11, amountMsat, expiresAtMs, paymentHash } = read.invoice;
  if (read.invoice.network !== lightningNetworkOf(network)) {
    return { ok: false, reason: `the invoice is for ${read.invoice.network}, not ${network}` };
  }
  if (nowMs >= expiresAtMs - EXPIRY_MARGIN_MS) {
    const when = new Date(expiresAtMs).toISOString();
    return { ok: false, reason: `the destination invoice expired, or is about to (${when})` };
  }
  return {
    ok: true,
    destination: { kind: 'bolt11', text: bolt11, amountMsat, expiresAtMs, paymentHash },
  };
}
