import { lookup as dnsLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { isGlobalUnicast, literalAddress, mayBePrivate, type UrlPolicy } from './address-guard.ts';

export type ResolvedAddress = { address: string; family: number };
/** Asks DNS for all addresses of a name. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

/** Thrown before a connection is made to an address that is not public. */
export class AddressRefusedError extends Error {
  override name = 'AddressRefusedError';
}

const systemResolve: Resolve = (hostname) => dnsLookup(hostname, { all: true });

/**
 * A connector for undici that connects to public addresses only. The name is resolved once and the
 * connection goes to the very addresses that were checked, so that a second answer of the DNS
 * (rebinding) has no say. One private address among several refuses them all.
 */
export function guardedConnector(
  policy: UrlPolicy,
  options: { timeoutMs: number; resolve?: Resolve | undefined; ca?: string | undefined },
): buildConnector.connector {
  const resolve = options.resolve ?? systemResolve;
  const lookup: LookupFunction = (hostname, { all }, done) => {
    resolve(hostname).then(
      (addresses) => {
        const isOpen = mayBePrivate(hostname, policy);
        const refused = isOpen ? undefined : addresses.find((one) => !isGlobalUnicast(one.address));
        const [first] = addresses;
        if (refused !== undefined) {
          // The store reads this: it must not learn what a name means inside our network.
          const reason = `${hostname} resolves to an address that is not public`;
          done(new AddressRefusedError(reason), '', 0);
        } else if (first === undefined) {
          done(new Error(`${hostname} has no address`), '', 0);
        } else if (all === true) {
          done(null, addresses);
        } else {
          done(null, first.address, first.family);
        }
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), '', 0),
    );
  };
  const connect = buildConnector({
    timeout: options.timeoutMs,
    lookup,
    allowH2: false,
    ...(options.ca !== undefined && { ca: options.ca }),
  });
  return (target, callback) => {
    // Node asks no resolver about a literal address, so the lookup above never sees it.
    const literal = literalAddress(target.hostname);
    const isOpen = mayBePrivate(target.hostname, policy);
    if (!isOpen && literal !== undefined && !isGlobalUnicast(literal)) {
      callback(new AddressRefusedError(`${literal} is not a public address`), null);
      return;
    }
    connect(target, callback);
  };
}
