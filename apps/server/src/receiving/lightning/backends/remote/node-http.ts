import { isIP } from 'node:net';
import { TLSSocket } from 'node:tls';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import { readBounded } from '../../../../platform/outbound/index.ts';
import { LightningNodeError } from '../../errors.ts';
import { type CertificateTrust, certificateProblem, tlsOptions } from './certificate.ts';

/** A node on the same continent answers in tens of ms; Tor and sleepy small machines need seconds. */
const CONNECT_TIMEOUT_MS = 8_000;
/** Payments wait on a connection each; this is above any concurrency that a processor is given. */
const MAX_CONNECTIONS = 64;
/** A page of a thousand invoices with long descriptions has about 4 MB. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** A node that restarts closes idle connections; short idle times make that collision rare. */
const KEEP_ALIVE_MS = 4_000;

export type NodeRequest = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  /** For the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /**
   * Asked when there is a connection, in the moment in which the first byte would be written. Where it
   * says no, nothing is written, and the request ends as `NotSentError`.
   */
  readonly mayWrite?: () => boolean;
};

/** HTTP/1.1 to one node, with its certificate checked before the first byte of ours is sent. */
export type NodeHttp = {
  /**
   * @throws {NotSentError} when nothing of the request has left us
   * @throws {LightningNodeError} `unreachable` when it may have
   */
  call(request: NodeRequest): Promise<{ status: number; text: string }>;
  /** Like `call`, but gives each line of the answer as it comes (newline-delimited JSON). */
  lines(request: NodeRequest): AsyncGenerator<{ status: number; line: string }>;
  close(): Promise<void>;
};

/** The request has certainly not reached the node: there was no connection, or not to the node. */
export class NotSentError extends LightningNodeError {}

/**
 * @param headers of every request; they may hold the secret, and are in no message of an error
 * @throws {LightningNodeError} `certificate` for plain HTTP to another machine
 */
export function createNodeHttp(
  url: URL,
  trust: CertificateTrust,
  headers: Readonly<Record<string, string>>,
): NodeHttp {
  if (url.protocol === 'http:' ? !isLoopback(url.hostname) : url.protocol !== 'https:') {
    throw new LightningNodeError(
      'certificate',
      'the address must begin with https:// (http:// is for the same machine only)',
    );
  }
  const pool = new Pool(url.origin, {
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // Every call has a timeout of its own; a quiet stream is no fault.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: checkedConnector(trust),
  });
  const base = url.pathname.replace(/\/+$/, '');

  async function send({ method, path, body, signal, mayWrite }: NodeRequest, timeout: AbortSignal) {
    const through = mayWrite === undefined ? pool : pool.compose(writeOnlyWhile(mayWrite));
    return through.request({
      method,
      path: base + path,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body ?? null,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
  }

  return {
    async call(request) {
      const timeout = AbortSignal.timeout(request.timeoutMs);
      try {
        const answer = await send(request, timeout);
        const read = await readBounded(answer.body, MAX_ANSWER_BYTES);
        if (read === null) throw new Error('the answer is too large');
        return { status: answer.statusCode, text: new TextDecoder().decode(read) };
      } catch (error) {
        throw explain(error, request, timeout);
      }
    },
    async *lines(request) {
      const timeout = AbortSignal.timeout(request.timeoutMs);
      try {
        const answer = await send(request, timeout);
        const status = answer.statusCode;
        let partial = '';
        for await (const piece of decoded(answer.body)) {
          const lines = (partial + piece).split('\n');
          partial = lines.pop() ?? '';
          if (partial.length > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
          for (const line of lines) if (line.trim() !== '') yield { status, line };
        }
        if (partial.trim() !== '') yield { status, line: partial };
      } catch (error) {
        throw explain(error, request, timeout);
      }
    },
    close: () => pool.destroy(),
  };
}

/** Undici starts a request when it has a connection for it, and writes it in the same turn. */
function writeOnlyWhile(mayWrite: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        if (mayWrite()) handler.onRequestStart?.(controller, context);
        else
          controller.abort(new NotSentError('unreachable', 'its time was over; nothing was sent'));
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

async function* decoded(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of body) yield decoder.decode(chunk, { stream: true });
}

function explain(error: unknown, request: NodeRequest, timeout: AbortSignal): Error {
  if (error instanceof LightningNodeError) return error;
  const what = `${request.method} ${request.path.split('?')[0]}`;
  const why = timeout.aborted
    ? `no answer within ${request.timeoutMs} ms`
    : request.signal?.aborted === true
      ? 'stopped'
      : messageOf(error);
  return new LightningNodeError('unreachable', `${what}: ${why}`, { cause: error });
}

/** Undici's connector, with the certificate looked at before the socket is used. */
function checkedConnector(trust: CertificateTrust): buildConnector.connector {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    // A resumed session shows no certificate.
    maxCachedSessions: 0,
    ...tlsOptions(trust),
  });
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error !== null) {
        callback(notSent(error), null);
        return;
      }
      const problem = socket instanceof TLSSocket ? certificateProblem(socket, trust) : undefined;
      if (problem === undefined) {
        callback(null, socket);
      } else {
        socket.destroy();
        callback(new NotSentError('certificate', problem), null);
      }
    });
  };
}

function notSent(error: Error): NotSentError {
  const { code = '' } = error as NodeJS.ErrnoException;
  const aboutCertificate = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/.test(code);
  return new NotSentError(
    aboutCertificate ? 'certificate' : 'unreachable',
    `no connection: ${messageOf(error)}`,
    { cause: error },
  );
}

/** An AggregateError (several addresses tried) has its words in its parts. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Names and addresses of this very machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3). */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
