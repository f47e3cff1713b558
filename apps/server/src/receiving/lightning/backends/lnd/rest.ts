import { z } from 'zod';
import { LightningNodeError } from '../../errors.ts';
import { parseExactJson } from '../remote/exact-json.ts';
import { createNodeHttp } from '../remote/node-http.ts';
import type { LndAccess } from './connection.ts';

/** LND answers from its database; a large one on a slow disk takes seconds. */
const CALL_TIMEOUT_MS = 20_000;

/** gRPC status codes (grpc.github.io, "Status codes and their use in gRPC") that we tell apart. */
export const grpcCodes = { notFound: 5, alreadyExists: 6, permissionDenied: 7 } as const;

/** LND answered and said no. */
export class LndRefusal extends LightningNodeError {
  readonly grpcCode: number;
  constructor(code: 'refused' | 'unauthorized' | 'unsupported', grpcCode: number, words: string) {
    super(code, `LND: ${words}`);
    this.grpcCode = grpcCode;
  }
}

/** LND's REST interface: grpc-gateway over the calls of lightning.proto and its subservers. */
export type LndRest = {
  get<T>(path: string, shape: z.ZodType<T>): Promise<T>;
  post<T>(path: string, body: unknown, shape: z.ZodType<T>): Promise<T>;
  /** The messages of a streaming call. Ends when LND ends it, or throws. */
  stream<T>(request: StreamRequest, shape: z.ZodType<T>): AsyncGenerator<T>;
  close(): Promise<void>;
};

export type StreamRequest = {
  readonly path: string;
  /** Present: a POST. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly mayWrite?: () => boolean;
};

/** What grpc-gateway answers instead of a message; in a stream it stands under `error`. */
const refusal = z.object({ code: z.number().default(2), message: z.string() });
const streamed = z.union([
  z.object({ result: z.unknown() }),
  z.object({ error: refusal.or(z.object({ message: z.string() }).loose()) }),
  refusal,
]);

/** @throws {LightningNodeError} `certificate` for plain HTTP to another machine */
export function createLndRest(access: LndAccess): LndRest {
  const http = createNodeHttp(access.url, access.trust, {
    'grpc-metadata-macaroon': access.macaroonHex,
  });

  async function call<T>(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    shape: z.ZodType<T>,
  ): Promise<T> {
    const { status, text } = await http.call({
      method,
      path,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: CALL_TIMEOUT_MS,
    });
    const answer = parse(text, path, status);
    if (status !== 200) throw refusalOf(answer, path, status);
    return understood(shape, answer, path);
  }

  return {
    get: (path, shape) => call('GET', path, undefined, shape),
    post: (path, body, shape) => call('POST', path, body, shape),
    async *stream({ path, body, timeoutMs, signal, mayWrite }, shape) {
      const lines = http.lines({
        method: body === undefined ? 'GET' : 'POST',
        path,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        ...(mayWrite === undefined ? {} : { mayWrite }),
      });
      for await (const { status, line } of lines) {
        const message = understood(streamed, parse(line, path, status), path);
        if (!('result' in message)) {
          throw refusalOf('error' in message ? message.error : message, path, status);
        }
        yield understood(shape, message.result, path);
      }
    },
    close: () => http.close(),
  };
}

function parse(text: string, path: string, status: number): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new LightningNodeError('bad_answer', `LND ${name(path)}: HTTP ${status}, not JSON`, {
      cause: error,
    });
  }
}

function understood<T>(shape: z.ZodType<T>, answer: unknown, path: string): T {
  const parsed = shape.safeParse(answer);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new LightningNodeError('bad_answer', `LND ${name(path)}: "${where}" is not as expected`);
}

/** The path without what may be long or telling. */
function name(path: string): string {
  return path.split('?')[0]?.split('/').slice(0, 4).join('/') ?? '';
}

/** LND's words for a macaroon that is missing, wrong, or too weak (macaroons/, rpcperms/). */
const MACAROON = /macaroon|verification failed|permission denied|invalid ID|unknown version/i;
/** The wallet is locked, or the node has only begun to start (rpcperms/interceptor.go). */
const NOT_READY = /wallet locked|waiting to start|in the process of starting|wallet not created/i;
const NOT_BUILT_IN = /unknown (service|method)|unimplemented|^Not Found$/i;

function refusalOf(answer: unknown, path: string, status: number): LightningNodeError {
  const parsed = refusal.safeParse(answer);
  const { code, message } = parsed.success
    ? parsed.data
    : { code: 2, message: `${name(path)} gives HTTP ${status}` };
  if (NOT_READY.test(message)) return new LightningNodeError('unreachable', `LND: ${message}`);
  if (status === 401 || code === grpcCodes.permissionDenied || MACAROON.test(message)) {
    return new LndRefusal('unauthorized', code, message);
  }
  if (NOT_BUILT_IN.test(message)) return new LndRefusal('unsupported', code, message);
  return new LndRefusal('refused', code, message);
}
