import { AppError } from '../errors.ts';

/** Classes of errors that say "the server is not there": connection, shutdown, starting up. */
const UNAVAILABLE = /^(08|57P0[123]|53300|53100)/;
const DISK_FULL = '53100';
const UNAVAILABLE_SOCKET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
]);

/** The SQLSTATE or system error of a failure; empty when it has none. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

const UNANSWERED = 'the database did not answer in time';
/** The words of pg, which gives these errors no code. */
const UNAVAILABLE_TEXT =
  /timeout exceeded when trying to connect|Connection terminated|not queryable/;

export function unanswered(): Error {
  return new Error(UNANSWERED);
}

/** The server did not answer in time: the connection is of no use any more. */
export function isUnanswered(error: unknown): error is Error {
  return error instanceof Error && error.message === UNANSWERED;
}

/** Whether an error says that the database is not there. */
export function isUnavailable(error: unknown): boolean {
  const code = errorCode(error);
  const message = error instanceof Error ? error.message : '';
  const known = UNAVAILABLE.test(code) || UNAVAILABLE_SOCKET.has(code);
  return known || isUnanswered(error) || UNAVAILABLE_TEXT.test(message);
}

/** The connection was lost between COMMIT and its answer: it may have been carried out. */
export function commitUnknown(cause: unknown): unknown {
  // An error of the server itself on a full disk is an answer: nothing was committed.
  if (errorCode(cause) === DISK_FULL) return cause;
  return new AppError(
    'database_unavailable',
    'The database was lost at the last moment, and it is not known whether this was done. Send it again with the same Idempotency-Key, or look whether it was done.',
    { retryAfterSeconds: 2, cause },
  );
}

/** Turns "the database is not there" into an answer that tells the caller to come back. */
export function asAppError(error: unknown): unknown {
  if (error instanceof AppError || !isUnavailable(error)) return error;
  return new AppError(
    'database_unavailable',
    errorCode(error) === DISK_FULL
      ? 'The database has no disk space left. Nothing was changed; free space and try again.'
      : 'The database can not be reached just now. Nothing was changed; try again shortly.',
    { retryAfterSeconds: 2, cause: error },
  );
}
