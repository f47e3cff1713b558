import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { SignerSetupError } from './errors.ts';
import { faultPoint, isFaultArmed } from './faults.ts';
import { privateFolder } from './files.ts';
import {
  HALF_LINE_TIMEOUT_MS,
  MAX_CLIENTS,
  MAX_LINE_BYTES,
  MAX_WAITING_BYTES,
  MAX_WAITING_REQUESTS,
  type WireAnswer,
} from './protocol.ts';
import { Refusal } from './refusals.ts';
import type { Signer } from './signer.ts';

/** `sun_path` of Linux has 108 bytes with the closing zero, of macOS 104. */
const MAX_SOCKET_PATH_BYTES = 103;
/** Longest id of a request that is repeated in an answer. */
const MAX_REQUEST_NUMBER = Number.MAX_SAFE_INTEGER;

export interface SocketServer {
  close(): Promise<void>;
}

/**
 * Listens on a unix domain socket that only this user may open (or this group, when one is named,
 * for a server that runs as another user).
 * @param options.onCrash hears of an error that is a bug; the process should end
 * @throws {SignerSetupError}
 */
export async function serve(
  signer: Signer,
  options: { path: string; group?: number; onCrash: (error: unknown) => void },
): Promise<SocketServer> {
  const { path, group, onCrash } = options;
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new SignerSetupError(`the socket's path is too long for the system: ${path}`);
  }
  if (group === undefined) privateFolder(dirname(path));
  removeOld(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    attend(socket, signer, onCrash);
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
  chmodSync(path, group === undefined ? 0o600 : 0o660);
  if (group !== undefined) chownSync(path, process.getuid?.() ?? 0, group);
  return {
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The folder is ours alone and locked, so a socket in it is one of a process that has ended. */
function removeOld(path: string): void {
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket) throw new SignerSetupError(`${path} is there and is no socket: remove it`);
  unlinkSync(path);
}

/** Reads lines, one answer for each, in order. */
function attend(socket: Socket, signer: Signer, onCrash: (error: unknown) => void): void {
  let pieces: Buffer[] = [];
  let size = 0;
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let isAtWork = false;
  const halfLine = setTimeout(() => {
    if (size > 0) socket.destroy();
  }, HALF_LINE_TIMEOUT_MS);
  halfLine.unref();
  socket.on('error', () => {});
  socket.once('close', () => {
    clearTimeout(halfLine);
    waiting.length = 0;
  });

  function work(): void {
    const line = waiting.shift();
    waitingBytes -= line?.length ?? 0;
    isAtWork = line !== undefined && !socket.destroyed;
    if (line === undefined || socket.destroyed) return;
    let answer: WireAnswer;
    try {
      answer = answerTo(line, signer);
    } catch (error) {
      // A bug: nobody knows what state we are in. The log on the disk is right; end here.
      socket.destroy();
      onCrash(error);
      return;
    }
    send(socket, `${JSON.stringify(answer)}\n`, () => setImmediate(work));
  }

  socket.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...pieces, chunk.subarray(from, end)]);
      waiting.push(line);
      waitingBytes += line.length;
      [pieces, size, from] = [[], 0, end + 1];
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
    size += chunk.length - from;
    halfLine.refresh();
    const isTooMuch = waiting.length > MAX_WAITING_REQUESTS || waitingBytes > MAX_WAITING_BYTES;
    if (isTooMuch) refuseAll(socket, 'too_many_requests');
    else if (size > MAX_LINE_BYTES) refuseAll(socket, 'request_too_large');
    if (!isAtWork) work();
  });
}

/** Says why and hangs up: what follows can't be understood any more, or is too much. */
function refuseAll(socket: Socket, code: 'too_many_requests' | 'request_too_large'): void {
  const reason = `at most ${MAX_WAITING_REQUESTS} requests of ${MAX_LINE_BYTES} bytes each`;
  const answer: WireAnswer = { id: null, error: { code, reason } };
  socket.pause();
  socket.end(`${JSON.stringify(answer)}\n`, () => socket.destroy());
}

/** Waits until the client has taken the answer, so that answers don't pile up here. */
function send(socket: Socket, line: string, then: () => void): void {
  faultPoint('signer:before-answer');
  if (isFaultArmed('signer:answer-torn')) {
    socket.write(line.slice(0, line.length >> 1), () => faultPoint('signer:answer-torn'));
    return;
  }
  socket.write(line, (error) => {
    if (error) return;
    faultPoint('signer:after-answer');
    then();
  });
}

function answerTo(line: Buffer, signer: Signer): WireAnswer {
  let id: number | null = null;
  try {
    const request = parseLine(line);
    id = request.id;
    return { id, result: resultOf(request, signer) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { id, error: { code: error.code, reason: error.message } };
  }
}

function parseLine(line: Buffer): { id: number; method: unknown; params: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch {
    throw new Refusal('request_malformed', 'the line is not JSON');
  }
  const { id, method, params } = Object(value) as Record<string, unknown>;
  const isNumber = typeof id === 'number' && Number.isInteger(id);
  if (!isNumber || Math.abs(id) > MAX_REQUEST_NUMBER) {
    throw new Refusal('request_malformed', 'id is a whole number');
  }
  return { id, method, params };
}

function resultOf({ method, params }: { method: unknown; params: unknown }, signer: Signer) {
  switch (method) {
    case 'ping':
      return signer.ping();
    case 'describe':
      return signer.describe();
    case 'sign':
      return signer.sign(params);
    case 'audit-tail':
      return signer.auditTail(params);
    default:
      throw new Refusal('unknown_method', 'methods are ping, describe, sign and audit-tail');
  }
}
