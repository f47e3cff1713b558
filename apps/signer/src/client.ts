/**
 * The server's side of the signer's socket. This module and what it imports hold no code that
 * could read a vault; a test searches this process's memory for key material.
 */
import { connect, type Socket } from 'node:net';
import { createLineSplitter } from '@quittance/kernel';
import {
  type AuditTailParams,
  type Description,
  MAX_LINE_BYTES,
  type Method,
  type Methods,
  type SignParams,
  type SignResult,
} from './protocol.ts';
import { isRefusalCode, type RefusalClass, type RefusalCode, refusalClasses } from './refusals.ts';

export {
  type ApprovalTerms,
  type Approver,
  approvalMessage,
  approverId,
  generateApprover,
  isApprovalOf,
  loadApprover,
  signApproval,
} from './approval.ts';

/** The signer has looked at it and said no: nothing was signed. */
export class SignerRefusedError extends Error {
  override name = 'SignerRefusedError';
  readonly code: RefusalCode;
  readonly refusalClass: RefusalClass;

  constructor(code: RefusalCode, reason: string) {
    super(reason);
    this.code = code;
    this.refusalClass = refusalClasses[code];
  }
}

/** The signer could not be asked: nothing was signed. Try later. */
export class SignerUnavailableError extends Error {
  override name = 'SignerUnavailableError';
}

/**
 * The question was sent and no answer came: it may have been signed. Ask again with the same
 * `requestId` and the same content until there is an answer.
 */
export class SignerUnknownError extends Error {
  override name = 'SignerUnknownError';
}

export interface SignerClient {
  ping(): Promise<Methods['ping']['result']>;
  describe(): Promise<Description>;
  /**
   * @throws {SignerRefusedError} it says no, for the reason in `code`
   * @throws {SignerUnavailableError} it was not asked
   * @throws {SignerUnknownError} it was asked and may have signed
   */
  sign(params: SignParams): Promise<SignResult>;
  auditTail(params?: AuditTailParams): Promise<{ lines: readonly string[] }>;
  /** Ends the connection; what is under way fails as if the signer had gone. */
  close(): void;
}

/** A transaction of 500 inputs takes about two seconds to check and sign. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** Connecting to a local socket takes well under a millisecond. */
const CONNECT_TIMEOUT_MS = 5_000;

type Pending = {
  method: Method;
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
};

type Connection = { socket: Socket; pending: Map<number, Pending> };

/**
 * Talks to the signer behind a unix domain socket. Connects at the first request and again
 * whenever the connection was lost; requests may overlap.
 * @param options.timeoutMs how long an answer is waited for
 */
export function connectSigner(options: { socketPath: string; timeoutMs?: number }): SignerClient {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let current: Promise<Connection> | undefined;
  let lastId = 0;
  let isClosed = false;

  function connection(): Promise<Connection> {
    if (isClosed) return Promise.reject(new SignerUnavailableError('the client is closed'));
    const opening = (current ??= openConnection(options.socketPath, () => {
      if (current === opening) current = undefined;
    }));
    return opening;
  }

  async function request<M extends Method>(
    method: M,
    params: Methods[M]['params'],
  ): Promise<Methods[M]['result']> {
    const { socket, pending } = await connection();
    if (socket.destroyed) throw new SignerUnavailableError('the signer has just gone');
    const id = ++lastId;
    const line = `${JSON.stringify({ id, method, params })}\n`;
    if (line.length > MAX_LINE_BYTES) {
      throw new SignerRefusedError('request_too_large', 'the request is too large for the signer');
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(lost(method, `no answer from the signer within ${timeoutMs} ms`));
      }, timeoutMs);
      pending.set(id, { method, resolve: resolve as Pending['resolve'], reject, timer });
      socket.write(line);
    });
  }

  return {
    ping: () => request('ping', {}),
    describe: () => request('describe', {}),
    sign: (params) => request('sign', params),
    auditTail: (params = {}) => request('audit-tail', params),
    close() {
      isClosed = true;
      void current?.then(
        ({ socket }) => socket.destroy(),
        () => {},
      );
    },
  };
}

function openConnection(socketPath: string, onEnd: () => void): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const pending = new Map<number, Pending>();
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), CONNECT_TIMEOUT_MS);
    let failure = 'the connection was closed';
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve({ socket, pending });
    });
    socket.on('error', (error) => {
      failure = 'code' in error ? String(error.code) : error.message;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      onEnd();
      const reason = `no connection with the signer at ${socketPath}: ${failure}`;
      reject(new SignerUnavailableError(reason));
      for (const each of takeAll(pending)) each.reject(lost(each.method, reason));
    });
    readLines(socket, (line) => settle(pending, line, socket));
  });
}

/** Of reading requests nothing can have happened; of a signature nobody knows. */
function lost(method: Method, reason: string): Error {
  if (method !== 'sign') return new SignerUnavailableError(reason);
  return new SignerUnknownError(`${reason}; ask again with the same request`);
}

function* takeAll(pending: Map<number, Pending>): Generator<Pending> {
  for (const [id, each] of pending) {
    pending.delete(id);
    clearTimeout(each.timer);
    yield each;
  }
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  const take = createLineSplitter(MAX_LINE_BYTES, onLine);
  socket.on('data', (chunk: Buffer) => {
    if (!take(chunk)) socket.destroy(new Error('the answer is too long'));
  });
}

function settle(pending: Map<number, Pending>, line: string, socket: Socket): void {
  const answer = readAnswer(line);
  if (answer === null) {
    socket.destroy(new Error('the answer is not understood'));
    return;
  }
  const each = pending.get(answer.id);
  // It answers what was given up already.
  if (each === undefined) return;
  pending.delete(answer.id);
  clearTimeout(each.timer);
  if ('result' in answer) each.resolve(answer.result);
  else each.reject(new SignerRefusedError(answer.code, answer.reason));
}

type ReadAnswer = { id: number } & ({ result: unknown } | { code: RefusalCode; reason: string });

function readAnswer(line: string): ReadAnswer | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { id, result, error } = value as Record<string, unknown>;
  if (typeof id !== 'number') return null;
  if (result !== undefined) return { id, result };
  if (typeof error !== 'object' || error === null) return null;
  const { code, reason } = error as Record<string, unknown>;
  if (typeof code !== 'string' || typeof reason !== 'string' || !isRefusalCode(code)) return null;
  return { id, code, reason };
}
