import { bech32 } from '@scure/base';
import { assert } from '@quittance/kernel';

/** What an LNURL is for, where its form tells (LUD-17). Null: its server says. */
export type LnurlPurpose = 'pay' | 'withdraw' | null;

export type ParsedLnurl =
  | {
      readonly ok: true;
      /** An absolute http or https address, as the URL parser writes it. */
      readonly url: string;
      readonly purpose: LnurlPurpose;
    }
  | { readonly ok: false; readonly reason: string };

export type LightningAddress = {
  /** "satoshi@bitcoin.org", in small letters. */
  readonly address: string;
  readonly user: string;
  /** With the port, where there is one. */
  readonly domain: string;
};
export type ParsedLightningAddress =
  | ({ readonly ok: true } & LightningAddress)
  | { readonly ok: false; readonly reason: string };

/** An address of the web has at most about 2,000 characters; bech32 makes them 1.6 times as many. */
const MAX_URL_LENGTH = 2_000;
const MAX_LNURL_LENGTH = 3_300;
/** 253 characters of a domain name (RFC 1035), a port, and 64 before the sign (RFC 5321). */
const MAX_ADDRESS_LENGTH = 64 + 1 + 253 + 6;

const PURPOSES: Readonly<Record<string, LnurlPurpose>> = { lnurlp: 'pay', lnurlw: 'withdraw' };

/**
 * Writes an address as LNURL (LUD-01), in small letters. For a QR code, make them capitals.
 * @throws {AssertionError} when it is not an absolute http or https address
 */
export function encodeLnurl(url: string): string {
  assert(url.length <= MAX_URL_LENGTH && isWebAddress(url), 'encodeLnurl: not a web address');
  return bech32.encode('lnurl', bech32.toWords(new TextEncoder().encode(url)), false);
}

/**
 * Reads an LNURL: bech32 (LUD-01), with `lightning:` before it or as the parameter `lightning` of a
 * web address, or with the schemes `lnurlp:` and `lnurlw:` (LUD-17). Whether the address may be
 * asked is for the client to decide.
 */
export function decodeLnurl(text: string): ParsedLnurl {
  const bare = text.trim().replace(/^lightning:(\/\/)?/i, '');
  if (bare.length > MAX_LNURL_LENGTH) return refuse('the LNURL is too long');
  if (/^lnurl1/i.test(bare)) return readBech32(bare);
  const [, scheme = '', rest = ''] = /^(lnurl[pw]):(?:\/\/)?(.*)$/is.exec(bare) ?? [];
  if (scheme !== '') return readScheme(scheme.toLowerCase(), rest);
  const fallback = /^https?:/i.test(bare) ? URL.parse(bare)?.searchParams.get('lightning') : null;
  if (fallback !== undefined && fallback !== null && /^lnurl1/i.test(fallback)) {
    return readBech32(fallback);
  }
  return refuse('this is not an LNURL');
}

/** Writes an address with the scheme of LUD-17: `lnurlw://host/path`. */
export function lnurlWithScheme(url: string, purpose: 'pay' | 'withdraw'): string {
  assert(isWebAddress(url), 'lnurlWithScheme: not a web address');
  return url.replace(/^https?:/i, purpose === 'pay' ? 'lnurlp:' : 'lnurlw:');
}

/** Reads a Lightning address (LUD-16): `user@domain`. Capitals mean the same as small letters. */
export function parseLightningAddress(text: string): ParsedLightningAddress {
  const address = text
    .trim()
    .replace(/^lightning:(\/\/)?/i, '')
    .toLowerCase();
  if (address.length > MAX_ADDRESS_LENGTH) return refuse('the Lightning address is too long');
  // The plus sign came later, for tags that the user's own server tells apart.
  const match = /^([a-z0-9_.+-]{1,64})@([^@\s/\\?#]+)$/.exec(address);
  if (match === null) return refuse('a Lightning address looks like name@domain');
  const [, user = '', domain = ''] = match;
  const url = URL.parse(`https://${domain}/`);
  // The parser also reads odd hosts ("0x7f.1"): only what it leaves as it is counts as a name, or
  // makes plain ASCII of (IDNA), so that a look-alike shows as what it is.
  const isNational = /[^\0-\x7f]/.test(domain);
  if (url === null || (url.host !== domain.replace(/:443$/, '') && !isNational)) {
    return refuse('the domain of the Lightning address can not exist');
  }
  return { ok: true, address: `${user}@${url.host}`, user, domain: url.host };
}

/** Where the server of a Lightning address answers (LUD-16). */
export function lightningAddressUrl(address: LightningAddress, scheme: 'https' | 'http'): string {
  return `${scheme}://${address.domain}/.well-known/lnurlp/${address.user}`;
}

function readBech32(text: string): ParsedLnurl {
  if (text !== text.toLowerCase() && text !== text.toUpperCase()) {
    return refuse('the LNURL mixes capital and small letters');
  }
  const decoded = bech32.decodeUnsafe(text.toLowerCase(), false);
  if (decoded === undefined || decoded.prefix !== 'lnurl') {
    return refuse('the LNURL has a typing mistake: its checksum does not fit');
  }
  const bytes = bech32.fromWordsUnsafe(decoded.words);
  const url = bytes instanceof Uint8Array ? utf8(bytes) : null;
  return url === null ? refuse('the LNURL holds no text') : readUrl(url, null);
}

function readScheme(scheme: string, rest: string): ParsedLnurl {
  const isOnion = /^[^/?#]*\.onion(:\d+)?([/?#]|$)/i.test(rest);
  return readUrl(`${isOnion ? 'http' : 'https'}://${rest}`, PURPOSES[scheme] ?? null);
}

function readUrl(text: string, purpose: LnurlPurpose): ParsedLnurl {
  const url = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
  if (url === null || !isWebAddress(url.href)) return refuse('the LNURL leads to no web address');
  return { ok: true, url: url.href, purpose };
}

function isWebAddress(text: string): boolean {
  const protocol = URL.parse(text)?.protocol;
  return protocol === 'https:' || protocol === 'http:';
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
