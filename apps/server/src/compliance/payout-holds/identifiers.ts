import {
  decodeBolt11,
  decodeOffer,
  parseLightningDestination,
  type DecodedBolt11,
} from '@quittance/bitcoin';

/** How lists name what is no address: a Lightning node's public key, a domain, a Lightning address. */
export const identifierAssets = { node: 'LNNODE', domain: 'DOMAIN', account: 'LNADDR' } as const;

/** Something that a payout's destination says of who gets it, as lists are asked about it. */
export type Identifier = {
  readonly kind: 'address' | 'node' | 'domain' | 'account';
  readonly text: string;
};

/** Names below a domain's last two labels that are asked about: nobody nests deeper. */
const MAX_LABELS = 10;

/** All that a destination names: where it is paid, by whom it is served, which nodes it shows. Pure. */
export function identifiersOf(method: 'onchain' | 'lightning', destination: string): Identifier[] {
  if (method === 'onchain') return [{ kind: 'address', text: destination }];
  const parsed = parseLightningDestination(destination);
  if (!parsed.ok) return [];
  const { destination: read } = parsed;
  switch (read.kind) {
    case 'bolt11':
      return ofInvoice(read.invoice);
    case 'address': {
      const { address, domain } = read.address;
      return [{ kind: 'account', text: address }, ...domainsOf(hostOf(`https://${domain}`))];
    }
    case 'lnurl':
      return domainsOf(hostOf(read.url));
    case 'offer':
      return node(read.offer.issuerId);
    case 'node':
      return node(read.nodeId);
  }
}

/** What an invoice names that a destination gave; one that can not be read names nobody. */
export function identifiersOfInvoice(text: string): Identifier[] {
  const invoice = decodeBolt11(text);
  if (invoice.ok) return ofInvoice(invoice.invoice);
  const offer = decodeOffer(text);
  return offer.ok ? node(offer.offer.issuerId) : [];
}

/**
 * The payee, the nodes of its route hints and its fallback addresses. A hint's node is the last public
 * one before a hidden payee, most often the provider who keeps his wallet.
 */
function ofInvoice({ payee, routeHints, fallbackAddresses }: DecodedBolt11): Identifier[] {
  const nodes = new Set([payee, ...routeHints.flatMap((hops) => hops.map(({ nodeId }) => nodeId))]);
  return [
    ...[...nodes].map((text) => ({ kind: 'node', text }) as const),
    ...fallbackAddresses.map((text) => ({ kind: 'address', text }) as const),
  ];
}

function node(id: string | null): Identifier[] {
  return id === null ? [] : [{ kind: 'node', text: id }];
}

/** A domain and those that it is below: who lists a domain means all of it. */
function domainsOf(host: string | null): Identifier[] {
  if (host === null) return [];
  const labels = host.split('.').slice(-MAX_LABELS);
  // A top-level domain alone is nobody.
  const names = labels.slice(0, -1).map((_, at) => labels.slice(at).join('.'));
  return names.map((text) => ({ kind: 'domain', text }));
}

/** In ASCII (IDNA) and small letters, as the URL parser writes it, without a dot at the end. */
function hostOf(url: string): string | null {
  const host = URL.parse(url)?.hostname.replace(/\.$/, '');
  return host === undefined || host === '' ? null : host;
}
