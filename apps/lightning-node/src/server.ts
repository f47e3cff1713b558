import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createLineSplitter } from '@quittance/kernel';
import { NodeSetupError, RequestError } from './errors.ts';
import { answer, createHandlers } from './methods.ts';
import type { RunningNode } from './node.ts';
import {
  MAX_CLIENTS,
  MAX_LINE_BYTES,
  MAX_WAITING_REQUESTS,
  type WireAnswer,
  type WireBell,
} from './protocol.ts';

/** `sun_path` of Linux has 108 bytes with the closing zero, of macOS 104. */
const MAX_SOCKET_PATH_BYTES = 103;

export interface SocketServer {
  /** Tells those who subscribed that there is a new event. */
  ring(cursor: number): void;
  close(): Promise<void>;
}

/**
 * Listens on a unix domain socket that only this user may open. Requests of one connection are
 * worked on at the same time; each answer waits behind the gate like everything that goes out.
 * @throws {NodeSetupError}
 */
export async function serve(
  node: RunningNode,
  options: { path: string; die: (error: unknown) => never },
): Promise<SocketServer> {
  const { path, die } = options;
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new NodeSetupError(`the socket's path is too long for the system: ${path}`);
  }
  removeOld(path);
  const handlers = createHandlers(node);
  const sockets = new Set<Socket>();
  const subscribers = new Set<Socket>();

  async function attend(socket: Socket, line: string): Promise<void> {
    let id: number | null = null;
    let reply: WireAnswer;
    try {
      const request = parseLine(line);
      id = request.id;
      const result = await answer(handlers, request);
      if (request.method === 'subscribe') subscribers.add(socket);
      reply = { id, result };
    } catch (error) {
      if (!(error instanceof RequestError)) return die(error);
      reply = { id, error: { code: error.code, reason: error.message } };
    }
    node.context.gate.after(() => writeLine(socket, reply));
    node.context.gate.flush();
  }

  const server = createServer((socket) => {
    if (sockets.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      subscribers.delete(socket);
    });
    let waiting = 0;
    readLines(socket, (line) => {
      waiting += 1;
      if (waiting > MAX_WAITING_REQUESTS) socket.destroy();
      else
        void attend(socket, line).finally(() => {
          waiting -= 1;
        });
    });
  });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
  return {
    ring(cursor) {
      for (const socket of subscribers) writeLine(socket, { bell: cursor });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The folder is locked by us, so a socket in it is one of a process that has ended. */
function removeOld(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new NodeSetupError(`${path} is there and is no socket: remove it`);
  unlinkSync(path);
}

function writeLine(socket: Socket, message: WireAnswer | WireBell): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls back with each whole line; ends the connection when one is too long. */
function readLines(socket: Socket, onLine: (line: string) => void): void {
  const take = createLineSplitter(MAX_LINE_BYTES, onLine);
  socket.on('data', (chunk: Buffer) => {
    if (!take(chunk)) socket.destroy();
  });
}

function parseLine(line: string): { id: number; method: unknown; params: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new RequestError('bad_request', 'the line is not JSON');
  }
  const { id, method, params } = Object(value) as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) {
    throw new RequestError('bad_request', 'id is a whole number');
  }
  return { id, method, params };
}
