import { Agent, type Dispatcher } from 'undici';
import {
  checkOutboundUrl,
  guardedConnector,
  type Resolve,
  type UrlPolicy,
} from '../../platform/outbound/index.ts';
import type { SignedMessage } from './signing.ts';

/** What came of one attempt. `status` is null when no answer came, `error` says why. */
export type Attempt = {
  ok: boolean;
  /** 410: the endpoint asks to hear nothing more. */
  gone: boolean;
  status: number | null;
  error: string | null;
  /** The beginning of the answer, for the log. */
  response: string | null;
};

export type SendTimeouts = {
  connectMs: number;
  headersMs: number;
  bodyMs: number;
  totalMs: number;
};

export const defaultTimeouts: SendTimeouts = {
  connectMs: 5_000,
  headersMs: 15_000,
  bodyMs: 5_000,
  /** The longest that one attempt can take; a receiver should answer first and work after. */
  totalMs: 20_000,
};
/** Enough for an error message in the log. */
const KEPT_RESPONSE_BYTES = 1_024;
/** A connection whose answer is longer is closed instead of read to the end. */
const MAX_RESPONSE_BYTES = 16_384;
const MAX_RESPONSE_HEADER_BYTES = 16_384;
const MAX_ERROR_LENGTH = 300;

export type Sender = {
  send(url: string, message: SignedMessage): Promise<Attempt>;
  close(): Promise<void>;
};

/** Sends deliveries over HTTP: no redirects, bounded time, bounded answer, public addresses only. */
export function openSender(options: {
  policy: UrlPolicy;
  timeouts?: Partial<SendTimeouts> | undefined;
  resolve?: Resolve | undefined;
}): Sender {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const agent = new Agent({
    connect: guardedConnector(options.policy, {
      timeoutMs: timeouts.connectMs,
      resolve: options.resolve,
    }),
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    pipelining: 1,
    allowH2: false,
  });
  return {
    async send(url, message) {
      const checked = checkOutboundUrl(url, options.policy);
      if (!checked.ok) return failure(`the address is refused: ${checked.reason}`);
      try {
        return await post(agent, checked.url, message, timeouts.totalMs);
      } catch (error) {
        return failure(reasonOf(error, timeouts));
      }
    },
    close: () => agent.destroy(),
  };
}

async function post(
  agent: Dispatcher,
  url: URL,
  message: SignedMessage,
  totalMs: number,
): Promise<Attempt> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error('total timeout')), totalMs);
  try {
    const { statusCode, body } = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST',
      headers: {
        ...message.headers,
        'content-type': 'application/json',
        'user-agent': 'Quittance-Webhooks/1',
      },
      body: message.body,
      signal: deadline.signal,
    });
    const response = await readBeginning(body);
    const ok = statusCode >= 200 && statusCode < 300;
    const redirect = statusCode >= 300 && statusCode < 400;
    const error = redirect ? 'redirects are not followed' : `answered ${statusCode}`;
    return {
      ok,
      gone: statusCode === 410,
      status: statusCode,
      error: ok ? null : error,
      response,
    };
  } finally {
    clearTimeout(timer);
  }
}

async function readBeginning(body: Dispatcher.ResponseData['body']): Promise<string> {
  const kept: Buffer[] = [];
  let size = 0;
  try {
    for await (const bytes of body as AsyncIterable<Buffer>) {
      if (size < KEPT_RESPONSE_BYTES) kept.push(bytes.subarray(0, KEPT_RESPONSE_BYTES - size));
      size += bytes.length;
      if (size > MAX_RESPONSE_BYTES) break;
    }
  } catch {
    // The status line has come, so the endpoint has the event; what follows is only for the log.
  }
  // PostgreSQL's text can not hold the NUL character.
  return Buffer.concat(kept).toString('utf8').replaceAll('\0', '');
}

function failure(error: string): Attempt {
  const short = error.slice(0, MAX_ERROR_LENGTH).replaceAll('\0', '');
  return { ok: false, gone: false, status: null, error: short, response: null };
}

function reasonOf(error: unknown, timeouts: SendTimeouts): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (error.message === 'total timeout') return `no answer within ${timeouts.totalMs} ms`;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return `no connection within ${timeouts.connectMs} ms`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return `no answer within ${timeouts.headersMs} ms`;
  if (error instanceof AggregateError) return error.errors.map(String).join('; ');
  return error.message === '' ? code : error.message;
}
