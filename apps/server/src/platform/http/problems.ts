import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errorTable, type Problem } from '@quittance/contract';
import type { FastifyReply } from 'fastify';
import { AppError } from '../errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** What is logged when something went wrong here; the caller sees only the request's id. */
export type HttpLog = {
  error(details: Record<string, unknown>, message: string): void;
};

/** Writes an error as RFC 9457 has it. */
export function toProblem(error: AppError, requestId: string): Problem {
  const { status, title } = errorTable[error.code];
  return {
    type: `urn:quittance:error:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.fields.length === 0 ? {} : { fields: [...error.fields] }),
    requestId,
  };
}

export function sendProblem(reply: FastifyReply, error: AppError, requestId: string): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .type(PROBLEM_TYPE)
    .serializer(asIs)
    .send(JSON.stringify(toProblem(error, requestId)));
}

function asIs(payload: unknown): string {
  return String(payload);
}

/**
 * Finds what to tell the caller: an AppError is meant for him, an error of the HTTP framework with
 * a 4xx status becomes one of ours, and all else is our own mistake: undefined.
 */
export function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (typeof error !== 'object' || error === null) return undefined;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const message = error instanceof Error ? error.message : 'The request is not valid.';
  return new AppError(codeOfStatus(status), sentence(status, message));
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 404) return 'not_found';
  if (status === 405) return 'method_not_allowed';
  if (status === 413) return 'payload_too_large';
  if (status === 415) return 'unsupported_media_type';
  if (status === 429) return 'rate_limited';
  return 'invalid_request';
}

function sentence(status: number, message: string): string {
  if (status === 415) return 'Send the body as application/json.';
  if (status === 413) return 'The body is larger than is possible here.';
  return message.endsWith('.') ? message : `${message}.`;
}

/** Answers bytes that are no HTTP request at all (RFC 9112), before any route is known. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || hasAnswered(socket)) {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const detail = tooLarge
    ? 'The request headers are too large.'
    : late
      ? 'The request did not arrive in time.'
      : 'This is not a well-formed HTTP request.';
  const body = JSON.stringify(toProblem(new AppError('invalid_request', detail), 'none'));
  const head = [
    `HTTP/1.1 ${late ? '408 Request Timeout' : status}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** An answer that has begun can't be followed by another on the same connection. */
function hasAnswered(socket: Socket): boolean {
  const { _httpMessage: message } = socket as Socket & { _httpMessage?: ServerResponse };
  return message?.headersSent === true;
}
