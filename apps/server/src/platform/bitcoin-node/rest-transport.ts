import { connect, type Socket } from 'node:net';
import { assert } from '@quittance/kernel';
import {
  createHttpAnswer,
  type HttpAnswer,
  type HttpAnswerReader,
  MalformedAnswerError,
  type Room,
} from './http-answer.ts';

/** Anything else could end the line of the request and begin another one. */
const PATH = /^\/[!-~]*$/;
/** The size in which a socket hands its bytes over; larger ones make nothing faster. */
const READ_BUFFER_BYTES = 64 * 1024;

const CLOSED = 'the node closed the connection';

export type RestOptions = {
  /** "http://host:port". */
  origin: string;
  connections: number;
  connectTimeoutMs: number;
  /** A connection that has had nothing to do for so long is closed. */
  keepAliveMs: number;
};

export type RestRequest = {
  path: string;
  /** JSON for a POST request; none for GET. */
  body?: string | undefined;
  authorization: string;
  signal: AbortSignal;
  /** Where to put the answer; nothing is written there once the request has failed. */
  room?: Room | undefined;
};

export type RestTransport = {
  /**
   * Sends a request and reads the whole answer.
   * @throws {UnannouncedLengthError} when the answer comes in a form that this does not read; whatever
   *   was asked for may have been carried out
   */
  send(request: RestRequest): Promise<HttpAnswer>;
  close(): void;
};

/**
 * The shortest way for a block of some megabytes from bitcoind into one buffer. A general client
 * makes a new piece of memory of every read, parses it and copies it once more, which takes twice
 * the time (docs/adr/0006); a small call costs it as much work as what is asked for. This one reads what
 * bitcoind sends, HTTP/1.1 with a Content-Length (RFC 9112 §6), one request at a time on each
 * connection, and nothing else.
 */
export function createRestTransport(options: RestOptions): RestTransport {
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  const waiting: (() => void)[] = [];
  let running = 0;
  let closed = false;

  /** A place among the connections; given up by the caller's `leave`. */
  async function enter(signal: AbortSignal): Promise<void> {
    if (running < options.connections) {
      running += 1;
      return;
    }
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        waiting.splice(waiting.indexOf(onTurn), 1);
        reject(signal.reason);
      };
      waiting.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  function leave(): void {
    const next = waiting.shift();
    // The place is handed on, so that nobody slips in between.
    if (next === undefined) running -= 1;
    else next();
  }

  function fresh(): Connection {
    if (closed) throw new Error('the transport is closed');
    const connection = openConnection(options, () => {
      open.delete(connection);
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
    });
    open.add(connection);
    return connection;
  }

  async function ask(request: RestRequest): Promise<HttpAnswer> {
    request.signal.throwIfAborted();
    const used = idle.pop();
    if (used !== undefined) {
      const answer = await used.ask(request);
      if (answer !== 'not_begun') return release(used, answer);
      // The node closed it while it was idle; a GET may be sent again (RFC 9110 §9.2.2), and what
      // changes something may not: it could have been carried out.
      if (request.body !== undefined) throw new Error(CLOSED);
    }
    request.signal.throwIfAborted();
    const connection = fresh();
    const answer = await connection.ask(request);
    if (answer === 'not_begun') throw new Error(CLOSED);
    return release(connection, answer);
  }

  function release(connection: Connection, answer: HttpAnswer): HttpAnswer {
    if (open.has(connection)) {
      if (closed) connection.destroy();
      else idle.push(connection);
    }
    return answer;
  }

  return {
    async send(request) {
      assert(PATH.test(request.path), 'RestTransport: the path has other signs than a path');
      await enter(request.signal);
      try {
        return await ask(request);
      } finally {
        leave();
      }
    },
    close() {
      closed = true;
      for (const connection of open) connection.destroy();
    },
  };
}

type Connection = {
  /** @returns 'not_begun' when the connection ended before anything of an answer came */
  ask(request: RestRequest): Promise<HttpAnswer | 'not_begun'>;
  destroy(): void;
};

type Exchange = {
  answer: HttpAnswerReader;
  resolve(answer: HttpAnswer | 'not_begun'): void;
  reject(error: unknown): void;
};

function openConnection(options: RestOptions, onClose: () => void): Connection {
  const { hostname, port, host } = new URL(options.origin);
  let current: Exchange | undefined;
  let connected = false;
  let gone = false;
  let failure: Error | undefined;

  const socket: Socket = connect({
    // An IPv6 address stands in brackets in a URL only.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 80 : Number(port),
    noDelay: true,
    // One piece of memory for all that is read: each read is copied to its place before the next.
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
      callback(length, buffer) {
        receive(buffer.subarray(0, length));
        return true;
      },
    },
  });
  // For connecting first, and for idling later.
  socket.setTimeout(options.connectTimeoutMs);
  socket.once('connect', () => {
    connected = true;
    socket.setTimeout(0);
  });
  socket.on('timeout', () => fail(timeoutError(connected)));
  socket.on('error', fail);
  socket.on('end', () => {
    leaveUse();
    socket.destroy();
  });
  socket.once('close', () => {
    leaveUse();
    const exchange = current;
    current = undefined;
    if (exchange === undefined) return;
    if (failure === undefined && !exchange.answer.begun()) exchange.resolve('not_begun');
    else if (isReset(failure) && !exchange.answer.begun()) exchange.resolve('not_begun');
    else exchange.reject(failure ?? new Error('the node closed the connection within an answer'));
  });

  /** From now on nobody may send anything more on it. */
  function leaveUse(): void {
    if (gone) return;
    gone = true;
    onClose();
  }

  function fail(error: Error): void {
    failure ??= error;
    leaveUse();
    socket.destroy();
  }

  function receive(bytes: Uint8Array): void {
    const exchange = current;
    if (exchange === undefined) return fail(new MalformedAnswerError('bytes without a request'));
    try {
      if (!exchange.answer.take(bytes)) return;
    } catch (error) {
      return fail(error instanceof Error ? error : new Error(String(error)));
    }
    current = undefined;
    if (exchange.answer.isLast()) fail(new Error('the node closes the connection'));
    else socket.setTimeout(options.keepAliveMs);
    exchange.resolve(exchange.answer.whole());
  }

  return {
    ask({ path, body, authorization, signal, room }) {
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          current = undefined;
          reject(signal.reason);
          fail(new Error('given up'));
        };
        const done = () => signal.removeEventListener('abort', onAbort);
        current = {
          answer: createHttpAnswer(room),
          resolve(answer) {
            done();
            resolve(answer);
          },
          reject(error) {
            done();
            reject(error);
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        if (connected) socket.setTimeout(0);
        const about = ` ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n`;
        if (body === undefined) socket.write(`GET${about}\r\n`);
        else {
          const length = Buffer.byteLength(body);
          const kind = `Content-Type: application/json\r\nContent-Length: ${length}\r\n`;
          socket.write(`POST${about}${kind}\r\n${body}`);
        }
      });
    },
    destroy: () => fail(new Error('the transport is closed')),
  };
}

function timeoutError(connected: boolean): Error {
  const what = connected ? 'the connection was idle' : 'no connection in time';
  return Object.assign(new Error(what), { code: 'ETIMEDOUT' });
}

/** How a connection ends that the other side has closed before. */
function isReset(error: Error | undefined): boolean {
  const code = error !== undefined && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}
