import { redactText } from '../../platform/log/index.ts';

/** What came of handing one e-mail to the mail server. */
export type SendResult =
  | { outcome: 'accepted' }
  /** The server will never take this e-mail (RFC 5321: 5yz). */
  | { outcome: 'refused'; error: string }
  /** The server asks to come again later with this e-mail (4yz). */
  | { outcome: 'deferred'; error: string }
  /** Nothing to do with this e-mail: no connection, no encryption, no login, a wrong sender. */
  | { outcome: 'unavailable'; error: string };

/** Enough for the answer of any server, in the log and the API. */
const MAX_ERROR_LENGTH = 300;
const CLOSING = 421;
const BAD_SEQUENCE = 503;
/** Authentication is needed, failed or too weak (RFC 4954 §6). */
const LOGIN_TROUBLE = [530, 534, 535, 538];

/**
 * Sorts a failed attempt by what it means for the e-mail. A refusal of the sender or of our login
 * concerns all e-mails and is mended in the configuration, so it must not end any of them.
 */
export function classifySmtpError(error: unknown): Exclude<SendResult, { outcome: 'accepted' }> {
  const { message, command, responseCode } = read(error);
  const told = redactText(message)
    .replaceAll(/[\p{Cc}]+/gu, ' ')
    .toWellFormed();
  const short = told.slice(0, MAX_ERROR_LENGTH).toWellFormed();
  return { outcome: outcomeOf(command, responseCode), error: short };
}

function outcomeOf(command: string, code: number | undefined) {
  if (code === undefined || code === CLOSING || LOGIN_TROUBLE.includes(code)) return 'unavailable';
  const isPermanent = code >= 500 && code !== BAD_SEQUENCE;
  if (command === 'MAIL FROM') return isPermanent ? 'unavailable' : 'deferred';
  if (command === 'RCPT TO' || command === 'DATA') return isPermanent ? 'refused' : 'deferred';
  return 'unavailable';
}

function read(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  const { command, responseCode } = (error ?? {}) as { command?: unknown; responseCode?: unknown };
  return {
    message,
    command: typeof command === 'string' ? command : '',
    responseCode: typeof responseCode === 'number' ? responseCode : undefined,
  };
}
