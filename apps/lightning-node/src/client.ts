/** The other side of the node's socket: for the server and for tests. Loads nothing of LDK. */
import { connect, type Socket } from 'node:net';
import { createLineSplitter } from '@quittance/kernel';
import type { Method, Results, WireParams } from './protocol.ts';

export type * from './protocol.ts';

/** The node looked at the request and refused: nothing was done. */
export class NodeRefusedError extends Error {
  override readonly name = 'NodeRefusedError';
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** There was no connection: the request was not given to the node. */
export class NodeUnavailableError extends Error {
  override readonly name = 'NodeUnavailableError';
}

/** The request was given to the node and no answer came: it may have been carried out. */
export class NodeUnknownError extends Error {
  override readonly name = 'NodeUnknownError';
}

export type CallOptions = {
  timeoutMs?: number;
  /** Asked in the moment in which the request would be written; no: `NodeUnavailableError`. */
  mayWrite?: () => boolean;
};

export interface NodeClient {
  /**
   * @throws {NodeRefusedError} it said no
   * @throws {NodeUnavailableError} it was not asked
   * @throws {NodeUnknownError} it was asked and did not answer
   */
  call<M extends Method>(
    method: M,
    params: WireParams<M>,
    options?: CallOptions,
  ): Promise<Results[M]>;
  /** Calls back at each new event, and once after each connection; connects when it can. */
  onBell(ring: (cursor: number) => void): () => void;
  close(): void;
}

/** Everything but waiting for a payment is answered in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Between two tries to hear the bell again. */
const RESUBSCRIBE_MS = 500;
/** Answers are pages of events at most. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

type Pending = {
  resolve(result: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
};
type Connection = { socket: Socket; pending: Map<number, Pending> };

/** Connects at the first request and again whenever the connection was lost. */
export function connectNode(options: { socketPath: string }): NodeClient {
  const { socketPath } = options;
  const listeners = new Set<(cursor: number) => void>();
  let current: Promise<Connection> | undefined;
  let lastId = 0;
  let isClosed = false;
  let resubscribing: NodeJS.Timeout | undefined;

  function connection(): Promise<Connection> {
    if (isClosed) return Promise.reject(new NodeUnavailableError('the client is closed'));
    const opening = (current ??= open(socketPath, {
      onBell: (cursor) => {
        for (const ring of listeners) ring(cursor);
      },
      onEnd: () => {
        if (current !== opening) return;
        current = undefined;
        if (listeners.size > 0) subscribeSoon(0);
      },
    }));
    return opening;
  }

  function subscribeSoon(ms: number): void {
    if (isClosed || resubscribing !== undefined) return;
    resubscribing = setTimeout(() => {
      resubscribing = undefined;
      if (listeners.size === 0) return;
      call('subscribe', {})
        .then(() => call('info', {}))
        .then(({ lastEvent }) => {
          for (const ring of listeners) ring(lastEvent);
        })
        .catch(() => subscribeSoon(RESUBSCRIBE_MS));
    }, ms);
    resubscribing.unref();
  }

  const call: NodeClient['call'] = async (method, params, { timeoutMs, mayWrite } = {}) => {
    const { socket, pending } = await connection();
    if (socket.destroyed) throw new NodeUnavailableError('the node has just gone');
    if (mayWrite?.() === false) {
      throw new NodeUnavailableError('its time was over; nothing was sent');
    }
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const waitMs = timeoutMs ?? ANSWER_TIMEOUT_MS;
      const timer = setTimeout(() => {
        pending.delete(id);
        reject(new NodeUnknownError(`${method}: no answer within ${waitMs} ms`));
      }, waitMs);
      pending.set(id, { resolve: resolve as Pending['resolve'], reject, timer });
      socket.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  };

  return {
    call,
    onBell(ring) {
      listeners.add(ring);
      subscribeSoon(0);
      return () => void listeners.delete(ring);
    },
    close() {
      isClosed = true;
      clearTimeout(resubscribing);
      void current?.then(
        ({ socket }) => socket.destroy(),
        () => {},
      );
    },
  };
}

function open(
  socketPath: string,
  on: { onBell: (cursor: number) => void; onEnd: () => void },
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const pending: Connection['pending'] = new Map();
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
      on.onEnd();
      const reason = `no connection with the Lightning node at ${socketPath}: ${failure}`;
      reject(new NodeUnavailableError(reason));
      for (const each of pending.values()) {
        clearTimeout(each.timer);
        each.reject(new NodeUnknownError(reason));
      }
      pending.clear();
    });
    readLines(socket, (line) => {
      if (!settle(line, pending, on.onBell)) socket.destroy(new Error('not understood'));
    });
  });
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  const take = createLineSplitter(MAX_ANSWER_BYTES, onLine);
  socket.on('data', (chunk: Buffer) => {
    if (!take(chunk)) socket.destroy(new Error('the answer is too long'));
  });
}

/** @returns false when the line is not one of the protocol */
function settle(
  line: string,
  pending: Map<number, Pending>,
  onBell: (cursor: number) => void,
): boolean {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return false;
  }
  const { id, result, error, bell } = Object(value) as Record<string, unknown>;
  if (typeof bell === 'number') {
    onBell(bell);
    return true;
  }
  if (typeof id !== 'number') return false;
  const each = pending.get(id);
  // It answers what was given up already.
  if (each === undefined) return true;
  pending.delete(id);
  clearTimeout(each.timer);
  if (result !== undefined) {
    each.resolve(result);
    return true;
  }
  const { code, reason } = Object(error) as Record<string, unknown>;
  each.reject(new NodeRefusedError(String(code), String(reason)));
  return true;
}
