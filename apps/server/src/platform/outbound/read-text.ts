import { once } from 'node:events';
import type { Agent, Dispatcher } from 'undici';
import { checkOutboundUrl, type UrlPolicy } from './address-guard.ts';
import { AddressRefusedError, type Resolve } from './connect.ts';
import { openGuardedAgent } from './guarded-agent.ts';
import { readBounded } from './read-bounded.ts';

export type OutboundFailureCode =
  /** The address, or what its name resolves to, or what it redirects to, is not allowed. */
  | 'address_refused'
  | 'name_unknown'
  | 'unreachable'
  /** The certificate is wrong, or the other side speaks no TLS. */
  | 'tls'
  | 'timeout'
  | 'too_large'
  | 'too_many_redirects';

export type OutboundAnswer =
  | {
      readonly ok: true;
      /** Where the answer came from, after redirects. */
      readonly url: string;
      readonly status: number;
      readonly body: string;
    }
  | { readonly ok: false; readonly code: OutboundFailureCode; readonly reason: string };

export type OutboundReader = {
  /**
   * Reads what a web address answers, whatever its status. Never throws.
   * @param signal ends it early, as a timeout
   */
  get(url: string, signal?: AbortSignal): Promise<OutboundAnswer>;
  close(): Promise<void>;
};

export type ReadLimits = {
  connectMs: number;
  /** For connecting, redirects and reading together. */
  totalMs: number;
  bodyBytes: number;
  redirects: number;
};

export const defaultReadLimits: ReadLimits = {
  connectMs: 4_000,
  /** A person may be waiting for it. */
  totalMs: 8_000,
  /** Room for the picture of 136,536 characters that LUD-06 allows, twice over. */
  bodyBytes: 300_000,
  /** One from a bare domain to its usual name, one to the service behind it. */
  redirects: 2,
};
const MAX_REASON_LENGTH = 300;

/** Opens a reader of other people's servers: public addresses only, bounded time and size. */
export function openOutboundReader(options: {
  policy: UrlPolicy;
  limits?: Partial<ReadLimits> | undefined;
  resolve?: Resolve | undefined;
  /** Certificates to trust instead of the system's, as PEM. */
  ca?: string | undefined;
}): OutboundReader {
  const { policy, resolve, ca } = options;
  const limits = { ...defaultReadLimits, ...options.limits };
  const agent = openGuardedAgent(policy, { ...limits, resolve, ca });
  return {
    async get(url, signal) {
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), limits.totalMs);
      const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal];
      const until = AbortSignal.any(signals);
      const followed = follow({ agent, policy, limits, until }, url).catch((error: unknown) =>
        until.aborted ? timedOut() : failureOf(error),
      );
      try {
        return await Promise.race([followed, endOf(until)]);
      } finally {
        clearTimeout(timer);
        // Ends what is left of it, and frees the listeners: a combined signal lives until it aborts.
        deadline.abort();
      }
    },
    close: () => agent.destroy(),
  };
}

/** A request that still waits for its connection does not heed its signal, so this is needed too. */
async function endOf(until: AbortSignal): Promise<OutboundAnswer> {
  if (!until.aborted) await once(until, 'abort');
  return timedOut();
}

type Reading = { agent: Agent; policy: UrlPolicy; limits: ReadLimits; until: AbortSignal };

async function follow(reading: Reading, first: string): Promise<OutboundAnswer> {
  const { policy, limits } = reading;
  let next = first;
  let protocol: string | undefined;
  for (let hop = 0; hop <= limits.redirects; hop++) {
    const checked = checkOutboundUrl(next, policy);
    if (!checked.ok)
      return failure('address_refused', `${place(hop)} is refused: ${checked.reason}`);
    const { url } = checked;
    if (protocol !== undefined && url.protocol !== protocol) {
      return failure(
        'address_refused',
        `${place(hop)} is refused: it changes ${protocol} to ${url.protocol}`,
      );
    }
    ({ protocol } = url);
    const { statusCode, headers, body } = await request(reading, url);
    const location = redirectOf(statusCode, headers.location);
    if (location === null) return await readBody(url, statusCode, body, limits.bodyBytes);
    body.on('error', () => {}).destroy();
    next = absolute(location, url);
  }
  return failure('too_many_redirects', `it redirects more than ${limits.redirects} times`);
}

function request({ agent, until }: Reading, url: URL): Promise<Dispatcher.ResponseData> {
  return agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'GET',
    headers: { accept: 'application/json', 'user-agent': 'Quittance/1' },
    signal: until,
  });
}

function redirectOf(status: number, location: string | string[] | undefined): string | null {
  const isRedirect = [301, 302, 303, 307, 308].includes(status);
  return isRedirect && typeof location === 'string' ? location : null;
}

/** Without the fragment, which is never sent. What is no address is refused in the next round. */
function absolute(location: string, base: URL): string {
  return (URL.parse(location, base)?.href ?? location).replace(/#.*$/s, '');
}

async function readBody(
  url: URL,
  status: number,
  body: Dispatcher.ResponseData['body'],
  maxBytes: number,
): Promise<OutboundAnswer> {
  const read = await readBounded(body, maxBytes);
  if (read === null) return failure('too_large', `it answers more than ${maxBytes} bytes`);
  return { ok: true, url: url.href, status, body: read.toString('utf8') };
}

function place(hop: number): string {
  return hop === 0 ? 'the address' : 'the address that it redirects to';
}

function failureOf(error: unknown): OutboundAnswer {
  if (error instanceof AddressRefusedError) return failure('address_refused', error.message);
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  if (!(error instanceof Error)) return failure('unreachable', String(error));
  const code = 'code' in error ? String(error.code) : '';
  if (/^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$|^ETIMEDOUT$/.test(code)) {
    return failure('timeout', 'it does not answer in time');
  }
  if (/^(ENOTFOUND|EAI_AGAIN|ENODATA)$/.test(code)) {
    return failure('name_unknown', 'its name is not known to the DNS');
  }
  if (/TLS|SSL|CERT|SIGNATURE|^EPROTO$/.test(code)) return failure('tls', error.message);
  return failure('unreachable', error.message === '' ? code : error.message);
}

function timedOut(): OutboundAnswer {
  return failure('timeout', 'it has not answered completely in time');
}

function failure(code: OutboundFailureCode, reason: string): OutboundAnswer {
  return { ok: false, code, reason: reason.slice(0, MAX_REASON_LENGTH) };
}
