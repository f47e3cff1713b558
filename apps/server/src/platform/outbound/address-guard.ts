import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type UrlPolicy = {
  /** For the demo and for networks of one's own: skips every address check. Default: false. */
  allowPrivateAddresses?: boolean | undefined;
  /** Names or addresses, as URLs write them, whose own addresses are not checked. Default: none. */
  privateHosts?: readonly string[] | undefined;
  /** Plain http, which anybody on the way can read and change. Default: false. */
  allowInsecureHttp?: boolean | undefined;
};
export type CheckedUrl = { ok: true; url: URL } | { ok: false; reason: string };

/** Longer addresses break proxies; nobody needs them. */
const MAX_URL_LENGTH = 2_000;
/** Below it only the two web ports: the others belong to mail, databases, remote shells and such. */
const FIRST_UNPRIVILEGED_PORT = 1_024;
/** Names that mean this machine or this network, whatever a resolver says (RFC 6761, RFC 6762). */
const LOCAL_NAMES = /(^|\.)(localhost|local|internal|intranet|lan|home\.arpa)$/;

/**
 * Tells whether the address is one that every host on the internet may reach: global unicast.
 * Refused are loopback, private, link-local (the cloud's metadata service too), carrier-grade NAT,
 * unique local, multicast, and all forms that carry an IPv4 address inside an IPv6 one (mapped,
 * NAT64, 6to4, Teredo), since they reach what the plain form would not (RFC 6890).
 * @param address an IPv4 or IPv6 address as text; anything else is refused
 */
export function isGlobalUnicast(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed instanceof ipaddr.IPv4) return true;
  // Only 2000::/3 has been given out as global unicast (RFC 4291 §2.4, IANA registry).
  return (parsed.parts[0] ?? 0) >> 13 === 1;
}

/** Tells whether the policy lets this host have addresses that are not public. */
export function mayBePrivate(hostname: string, policy: UrlPolicy): boolean {
  return policy.allowPrivateAddresses === true || (policy.privateHosts ?? []).includes(hostname);
}

/**
 * Checks what can be known of an address without asking anybody. The addresses that its name
 * resolves to are checked when connecting (connect.ts), because they change.
 */
export function checkOutboundUrl(text: string, policy: UrlPolicy): CheckedUrl {
  const refuse = (reason: string): CheckedUrl => ({ ok: false, reason });
  if (text.length > MAX_URL_LENGTH) return refuse(`longer than ${MAX_URL_LENGTH} characters`);
  // The URL parser also turns odd forms of IPv4 (0x7f.1, 2130706433, 0177.0.0.1) into the usual.
  const url = URL.parse(text);
  if (url === null) return refuse('not an absolute URL');
  if (url.protocol === 'http:' && policy.allowInsecureHttp !== true) return refuse('use https');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return refuse('use https');
  if (url.username !== '' || url.password !== '') {
    return refuse('credentials in the address are not possible');
  }
  if (url.hash !== '') return refuse('a fragment (#…) is never sent; leave it out');
  if (mayBePrivate(url.hostname, policy)) return { ok: true, url };
  const port = url.port === '' ? 0 : Number(url.port);
  if (port !== 0 && port !== 80 && port !== 443 && port < FIRST_UNPRIVILEGED_PORT) {
    return refuse(`port ${port} is not a web server's: use 443, 80 or one from 1024 up`);
  }
  const literal = literalAddress(url.hostname);
  if (literal !== undefined) {
    return isGlobalUnicast(literal) ? { ok: true, url } : refuse('the address is not public');
  }
  const name = url.hostname.replace(/\.$/, '');
  if (!name.includes('.') || LOCAL_NAMES.test(name)) return refuse('the host name is not public');
  return { ok: true, url };
}

/** The IP address in a URL's host, without the brackets of IPv6; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? undefined : bare;
}
