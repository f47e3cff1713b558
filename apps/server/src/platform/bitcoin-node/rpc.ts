import { readFile } from 'node:fs/promises';
import { Pool } from 'undici';
import { setDeadline } from '../loops/index.ts';
import { createRestTransport, type RestTransport } from './rest-transport.ts';
import { MAX_RESPONSE_BYTES, send } from './rpc-transport.ts';
import { MalformedAnswerError, type Room, UnannouncedLengthError } from './http-answer.ts';
import { parseNodeJsonBytes } from './json.ts';

/** Most calls answer in milliseconds; a node that is busy connecting a block may take seconds. */
export const RPC_TIMEOUT_MS = 30_000;
/** A node on the same machine or network accepts a connection at once or is not there. */
const CONNECT_TIMEOUT_MS = 5_000;
/** bitcoind closes idle connections after 30 s (-rpcservertimeout): let go of them well before. */
const KEEP_ALIVE_MS = 10_000;
/** Fewer than the node's 16 RPC threads (4 in older versions queue the rest), so others get in. */
const POOL_CONNECTIONS = 8;
/** Calls per HTTP request of a batch; the node works them off one after the other. */
const MAX_BATCH_CALLS = 500;
/** RPC_IN_WARMUP of Bitcoin Core's src/rpc/protocol.h. */
const IN_WARMUP = -28;
/** How much of an unexpected answer is shown in an error. */
const EXCERPT_LENGTH = 200;

/** One kind for each reaction: wait and retry, fix the credentials, handle the node's refusal. */
export type BitcoinRpcErrorKind =
  | 'unreachable'
  | 'unauthorized'
  | 'warming_up'
  | 'rpc'
  | 'timeout'
  | 'malformed';

/**
 * What went wrong with a call. After `unreachable`, `timeout` and `malformed` it is unknown whether the node has
 * carried out the call.
 */
export class BitcoinRpcError extends Error {
  override name = 'BitcoinRpcError';
  readonly kind: BitcoinRpcErrorKind;
  /** The node's own error code (Bitcoin Core src/rpc/protocol.h) where it gave one. */
  readonly code: number | undefined;

  constructor(
    kind: BitcoinRpcErrorKind,
    message: string,
    details?: { code?: number; cause?: unknown },
  ) {
    super(message, details?.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.code = details?.code;
  }
}

export type BitcoinRpcTarget =
  | { url: string; user: string; password: string }
  | { url: string; cookieFile: string };

/** Positional or named. Pass amounts as decimal text ("0.00012345"): the node accepts it exactly. */
export type RpcParams = readonly unknown[] | Readonly<Record<string, unknown>>;

export interface CallOptions {
  /** Whole time that the call may take, waiting for a free connection included. */
  timeoutMs?: number;
}

export interface FetchOptions extends CallOptions {
  /** Memory for the bytes, which may be left unused. After a failure nothing is written to it. */
  room?: Room;
}

export interface BatchCall {
  method: string;
  params?: RpcParams;
}

export type BatchResult = { ok: true; result: unknown } | { ok: false; error: BitcoinRpcError };

type Parse<T> = (raw: unknown) => T;

export interface BitcoinRpc {
  /** @throws {BitcoinRpcError} and whatever `parse` throws */
  call<T = unknown>(
    method: string,
    params?: RpcParams,
    parse?: Parse<T>,
    options?: CallOptions,
  ): Promise<T>;
  /** The same for a wallet that the node has loaded. */
  walletCall<T = unknown>(
    wallet: string,
    method: string,
    params?: RpcParams,
    parse?: Parse<T>,
    options?: CallOptions,
  ): Promise<T>;
  /** Results in the order of `calls`. A call that the node refuses does not spoil the others. */
  batch(calls: readonly BatchCall[], options?: CallOptions): Promise<BatchResult[]>;
  /** Reads from the node's REST interface (-rest=1), for example "/rest/block/<hash>.bin". */
  fetchBytes(restPath: string, options?: FetchOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Talks to bitcoind: JSON-RPC over connections that are kept alive. Nothing is retried but a 401
 * with a cookie file, which the node writes anew at each start.
 */
export function createBitcoinRpc(target: BitcoinRpcTarget, defaults: CallOptions = {}): BitcoinRpc {
  const pool = new Pool(new URL(target.url).origin, {
    connections: POOL_CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // The whole call has its own deadline; these would cut long polls such as waitfornewblock.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
  const credentials = credentialsOf(target);
  /** Blocks, and calls: neither waits for the other. */
  let short = plainTransports(target.url);
  /** Whether a call was answered in the form that the short way reads. */
  let isPlain = false;

  /** By the short way where there is one: a general client's work is a good part of a call's time. */
  async function transmit(
    asked: Parameters<typeof send>[1] & { room: Room | undefined },
  ): Promise<{ status: number; bytes: Uint8Array }> {
    const isCall = asked.body !== undefined;
    if (short !== undefined && (!isCall || isPlain)) {
      try {
        return await (isCall ? short.calls : short.blocks).send(asked);
      } catch (error) {
        if (!(error instanceof UnannouncedLengthError)) throw error;
        // Something between us and the node writes its answers anew: from now on the long way.
        closeShort();
        // The node may have carried out a call: it is not sent again.
        if (isCall) throw new MalformedAnswerError(error.message);
      }
    }
    const answer = await send(pool, asked);
    if (isCall) isPlain = answer.isAnnounced;
    return answer;
  }

  function closeShort(): void {
    short?.blocks.close();
    short?.calls.close();
    short = undefined;
  }

  async function request(
    path: string,
    body: string | undefined,
    options: FetchOptions,
  ): Promise<{ status: number; bytes: Uint8Array }> {
    const timeoutMs = options.timeoutMs ?? defaults.timeoutMs ?? RPC_TIMEOUT_MS;
    const deadline = new AbortController();
    const endWait = setDeadline(timeoutMs, () => {
      deadline.abort(new DOMException('no answer in time', 'TimeoutError'));
    });
    try {
      return await requestUntil(deadline.signal, { path, body, timeoutMs, room: options.room });
    } finally {
      endWait();
    }
  }

  async function requestUntil(
    signal: AbortSignal,
    asked: {
      path: string;
      body: string | undefined;
      timeoutMs: number;
      room: Room | undefined;
    },
  ): Promise<{ status: number; bytes: Uint8Array }> {
    const { path, body, timeoutMs, room } = asked;
    for (let attempt = 1; ; attempt++) {
      const authorization = await credentials.header();
      const answer = await transmit({ path, body, authorization, signal, room }).catch(
        (cause: unknown) => {
          throw transportError(cause, { url: target.url, timeoutMs });
        },
      );
      if (answer.status !== 401 && answer.status !== 403) return answer;
      if (answer.status === 401 && attempt === 1 && credentials.renew()) continue;
      throw unauthorized(answer.status, target.url);
    }
  }

  let lastId = 0;

  async function callAt<T>(
    path: string,
    call: BatchCall,
    parse: Parse<T> | undefined,
    options: CallOptions,
  ): Promise<T> {
    const id = ++lastId;
    const answer = await request(path, JSON.stringify(envelope(id, call)), options);
    const outcome = readOutcome(parseAnswer(answer), id, call.method);
    if (!outcome.ok) throw outcome.error;
    // Without `parse` the caller vouches for the shape of what its own node answers.
    return parse === undefined ? (outcome.result as T) : parse(outcome.result);
  }

  return {
    call(method, params = [], parse, options = {}) {
      return callAt('/', { method, params }, parse, options);
    },
    walletCall(wallet, method, params = [], parse, options = {}) {
      return callAt(`/wallet/${encodeURIComponent(wallet)}`, { method, params }, parse, options);
    },
    async batch(calls, options = {}) {
      const results: BatchResult[] = [];
      for (let start = 0; start < calls.length; start += MAX_BATCH_CALLS) {
        const part = calls.slice(start, start + MAX_BATCH_CALLS);
        const firstId = lastId + 1;
        lastId += part.length;
        const body = JSON.stringify(part.map((call, i) => envelope(firstId + i, call)));
        results.push(...readBatch(parseAnswer(await request('/', body, options)), firstId, part));
      }
      return results;
    },
    async fetchBytes(restPath, options = {}) {
      const { status, bytes } = await request(restPath, undefined, options);
      if (status === 200) return bytes;
      throw restError(status, restPath, excerpt(bytes));
    },
    // A long poll that is under way is not waited for.
    async close() {
      closeShort();
      await pool.destroy();
    },
  };
}

function plainTransports(url: string): { blocks: RestTransport; calls: RestTransport } | undefined {
  const { origin, protocol } = new URL(url);
  if (protocol !== 'http:') return undefined;
  const options = {
    ...{ origin, connections: POOL_CONNECTIONS },
    ...{ connectTimeoutMs: CONNECT_TIMEOUT_MS, keepAliveMs: KEEP_ALIVE_MS },
  };
  return { blocks: createRestTransport(options), calls: createRestTransport(options) };
}

function credentialsOf(target: BitcoinRpcTarget): {
  header(): Promise<string>;
  /** Forgets what is cached; false when that can't change anything. */
  renew(): boolean;
} {
  if ('user' in target) {
    const fixed = basic(`${target.user}:${target.password}`);
    return { header: async () => fixed, renew: () => false };
  }
  let cached: string | undefined;
  return {
    async header() {
      cached ??= basic(await readCookie(target.cookieFile));
      return cached;
    },
    renew() {
      cached = undefined;
      return true;
    },
  };
}

async function readCookie(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const message = `cannot read the node's cookie file ${file}: is the node running with this data folder, and may this user read it?`;
    throw new BitcoinRpcError('unreachable', message, { cause });
  }
}

function basic(userAndPassword: string): string {
  return `Basic ${Buffer.from(userAndPassword, 'utf8').toString('base64')}`;
}

function envelope(id: number, { method, params = [] }: BatchCall): object {
  return { jsonrpc: '2.0', id, method, params };
}

function parseAnswer({ status, bytes }: { status: number; bytes: Uint8Array }): unknown {
  // libevent's own answer when -rpcworkqueue is full, in plain text.
  if (status === 503) {
    throw new BitcoinRpcError('unreachable', `the node is overloaded: ${excerpt(bytes)}`);
  }
  try {
    return parseNodeJsonBytes(bytes);
  } catch (cause) {
    const message = `the node answered with HTTP ${status} and no JSON: ${excerpt(bytes)}`;
    throw new BitcoinRpcError('malformed', message, { cause });
  }
}

/** Reads one answer of either protocol: 1.x always has `error`, 2.0 has it only when it failed. */
function readOutcome(answer: unknown, id: number, method: string): BatchResult {
  if (!isRecord(answer)) throw malformed(`the answer to ${method} is not an object`);
  const { error } = answer;
  if (isRecord(error)) {
    if (typeof error['code'] !== 'number') throw malformed(`the error of ${method} has no code`);
    const code = error['code'];
    const kind = code === IN_WARMUP ? 'warming_up' : 'rpc';
    const message = `${method}: ${String(error['message'])}`;
    return { ok: false, error: new BitcoinRpcError(kind, message, { code }) };
  }
  if (answer['id'] !== id) throw malformed(`the answer to ${method} is for another call`);
  if (!('result' in answer)) throw malformed(`the answer to ${method} has no result`);
  return { ok: true, result: answer['result'] };
}

function readBatch(answer: unknown, firstId: number, calls: readonly BatchCall[]): BatchResult[] {
  if (!Array.isArray(answer)) {
    const outcome = readOutcome(answer, firstId, 'batch');
    throw outcome.ok ? malformed('the answer to a batch is not a list') : outcome.error;
  }
  const byId = new Map<unknown, unknown>();
  for (const item of answer) if (isRecord(item)) byId.set(item['id'], item);
  return calls.map(({ method }, i) => readOutcome(byId.get(firstId + i), firstId + i, method));
}

function transportError(
  cause: unknown,
  { url, timeoutMs }: { url: string; timeoutMs: number },
): BitcoinRpcError {
  const code = codeOf(cause);
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new BitcoinRpcError('timeout', `no answer from ${url} within ${timeoutMs} ms`, {
      cause,
    });
  }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new BitcoinRpcError('malformed', `the answer exceeds ${MAX_RESPONSE_BYTES} bytes`, {
      cause,
    });
  }
  if (cause instanceof MalformedAnswerError) {
    return new BitcoinRpcError('malformed', `${url}: ${cause.message}`, { cause });
  }
  const reason = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new BitcoinRpcError('unreachable', `cannot reach the node at ${url}: ${reason}`, {
    cause,
  });
}

/** The system's or undici's error code; a host with several addresses fails with several errors. */
function codeOf(cause: unknown): string | undefined {
  if (cause instanceof AggregateError && cause.errors.length > 0) return codeOf(cause.errors[0]);
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

function unauthorized(status: number, url: string): BitcoinRpcError {
  const hint =
    status === 401
      ? 'check the RPC user and password (or the cookie file)'
      : 'its -rpcallowip or -rpcwhitelist does not allow this client';
  return new BitcoinRpcError('unauthorized', `the node at ${url} refused us: ${hint}`);
}

function restError(status: number, path: string, text: string): BitcoinRpcError {
  if (status === 503)
    return new BitcoinRpcError('warming_up', `${path}: ${text}`, { code: status });
  return new BitcoinRpcError('rpc', `${path}: HTTP ${status}: ${text}`, { code: status });
}

function malformed(message: string): BitcoinRpcError {
  return new BitcoinRpcError('malformed', message);
}

function excerpt(bytes: Uint8Array): string {
  return textOf(bytes.subarray(0, EXCERPT_LENGTH)).trim();
}

/** Without a copy of the bytes first: answers have megabytes. */
function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
