import { Agent, request } from 'undici';
import { readBounded } from '../../platform/outbound/index.ts';

export interface FetchOptions {
  /** For the whole exchange: connecting, headers and body together. */
  readonly timeoutMs: number;
  /** A larger body is refused while it arrives. */
  readonly maxBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Gets a document by HTTP. Answers with whatever status came, a redirect's too: redirects are not
 * followed, since a price must come from the address that was chosen.
 * @throws {FetchFailedError} when there is no whole answer within the limits
 */
export type FetchText = (
  url: string,
  options: FetchOptions,
) => Promise<{ status: number; body: string }>;

/** No answer, or none that fits the limits; the message is fit for an operator to read. */
export class FetchFailedError extends Error {
  override name = 'FetchFailedError';
}

/** Refreshes of several currencies share these; more would only annoy the exchange. */
const CONNECTIONS_PER_HOST = 2;
/** Coinbase and others refuse requests that don't say who asks. */
const USER_AGENT = 'quittance';

/** Real HTTP with a pool of its own connections: close it when done. */
export function createHttpFetch(): { fetchText: FetchText; close(): Promise<void> } {
  const agent = new Agent({ connections: CONNECTIONS_PER_HOST });
  return {
    fetchText: async (url, options) => {
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
      try {
        const response = await request(url, {
          dispatcher: agent,
          headers: { 'user-agent': USER_AGENT, ...options.headers },
          signal,
        });
        return {
          status: response.statusCode,
          body: await readLimited(response.body, options.maxBytes),
        };
      } catch (error) {
        if (error instanceof FetchFailedError) throw error;
        if (timeout.aborted) {
          throw new FetchFailedError(`no answer within ${options.timeoutMs} ms`);
        }
        if (signal.aborted) throw new FetchFailedError('stopped');
        throw new FetchFailedError(describe(error), { cause: error });
      }
    },
    close: () => agent.destroy(),
  };
}

async function readLimited(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const read = await readBounded(body, maxBytes);
  if (read === null) throw new FetchFailedError(`the answer is larger than ${maxBytes} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read);
  } catch {
    throw new FetchFailedError('the answer is not UTF-8 text');
  }
}

function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `could not be reached (${code})`;
}
