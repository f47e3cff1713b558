import { secp256k1 } from '@noble/curves/secp256k1.js';
import { fromHex } from '@quittance/kernel';
import { type DecodedBolt11, decodeBolt11 } from './bolt11.ts';
import type { Bolt11ErrorCode } from './bolt11-refusal.ts';
import { decodeLnurl, type LightningAddress, parseLightningAddress } from './lnurl.ts';
import { decodeOffer, type Offer, type ParsedOffer } from './offer.ts';

/** What somebody may give as the place to send a Lightning payment to. */
export type LightningDestination =
  /** One invoice: it can be paid once, and it ends. */
  | { readonly kind: 'bolt11'; readonly invoice: DecodedBolt11 }
  /** These two give a fresh invoice each time they are asked. */
  | { readonly kind: 'address'; readonly address: LightningAddress }
  | { readonly kind: 'lnurl'; readonly url: string }
  | { readonly kind: 'offer'; readonly offer: Offer }
  /** A node itself: keysend. */
  | { readonly kind: 'node'; readonly nodeId: string };

export type ParsedDestination =
  | { readonly ok: true; readonly destination: LightningDestination }
  | {
      readonly ok: false;
      readonly code:
        | Bolt11ErrorCode
        | Extract<ParsedOffer, { ok: false }>['code']
        | 'not_a_destination'
        | 'invalid_lnurl'
        | 'lnurl_withdraw';
      readonly reason: string;
    };

/**
 * Reads a destination of any kind: invoice, Lightning address, LNURL for paying, offer or node id,
 * with or without `lightning:` before it. A web address counts as the address inside an LNURL, so
 * that what was read can be kept as its `url` and read again.
 */
export function parseLightningDestination(text: string): ParsedDestination {
  const bare = text.trim().replace(/^lightning:(\/\/)?/i, '');
  // An offer may come in pieces, joined by plus signs anywhere.
  if (/^lno1/i.test(bare.replaceAll(/\+\s*/g, ''))) {
    const read = decodeOffer(bare);
    return read.ok ? { ok: true, destination: { kind: 'offer', offer: read.offer } } : read;
  }
  if (/^(lnurl1|lnurl[pw]:|https?:)/i.test(bare)) return readLnurl(bare);
  if (bare.includes('@')) {
    const read = parseLightningAddress(bare);
    if (!read.ok) return { ok: false, code: 'not_a_destination', reason: read.reason };
    const { address, user, domain } = read;
    return { ok: true, destination: { kind: 'address', address: { address, user, domain } } };
  }
  if (/^0[23][0-9a-f]{64}$/i.test(bare)) return readNode(bare.toLowerCase());
  if (/^ln/i.test(bare)) {
    const read = decodeBolt11(bare);
    return read.ok ? { ok: true, destination: { kind: 'bolt11', invoice: read.invoice } } : read;
  }
  const reason = 'this is neither a Lightning invoice nor an address, an LNURL, an offer or a node';
  return { ok: false, code: 'not_a_destination', reason };
}

function readLnurl(text: string): ParsedDestination {
  const read = decodeLnurl(text);
  const url = /^https?:/i.test(text) ? URL.parse(text)?.href : undefined;
  if (!read.ok && url !== undefined) return { ok: true, destination: { kind: 'lnurl', url } };
  if (!read.ok) return { ok: false, code: 'invalid_lnurl', reason: read.reason };
  if (read.purpose === 'withdraw') {
    const reason = 'this LNURL is for taking money out, so nothing can be sent to it';
    return { ok: false, code: 'lnurl_withdraw', reason };
  }
  return { ok: true, destination: { kind: 'lnurl', url: read.url } };
}

function readNode(nodeId: string): ParsedDestination {
  if (!secp256k1.utils.isValidPublicKey(fromHex(nodeId), true)) {
    return { ok: false, code: 'not_a_destination', reason: 'this is no node id' };
  }
  return { ok: true, destination: { kind: 'node', nodeId } };
}
