import { isUtf8 } from 'node:buffer';
import { AppError } from '../errors.ts';

/** Room for the largest order: 50 notes of 500 characters, each escaped. */
export const MAX_BODY_BYTES = 262_144;

/**
 * Escapes that may hide what the database or a program can't take: NUL, half of a surrogate pair,
 * and the name that would reach an object's prototype. Only a body with one of them is walked.
 */
const SUSPICIOUS = /\\u0000|\\u[dD][89a-fA-F]|__proto__|\\u005[fF]/;

/**
 * Reads a JSON body (RFC 8259: UTF-8). An empty body is undefined.
 * @param exactNumbers gives each number as its source text
 * @throws {AppError} invalid_request
 */
export function parseJsonBody(bytes: Buffer, exactNumbers: boolean): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw refuse('The body is not UTF-8 text.');
  const text = bytes.toString('utf8');
  const value = parse(text, exactNumbers);
  if (SUSPICIOUS.test(text)) checkStrings(value);
  return value;
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/**
 * JSON is UTF-8 (RFC 8259 §8.1); who says otherwise means other text than would be read.
 * @throws {AppError} unsupported_media_type
 */
export function checkCharset(contentType: string): void {
  if (contentType === 'application/json') return;
  const charset = CHARSET.exec(contentType)?.[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return;
  throw new AppError('unsupported_media_type', 'Send JSON as UTF-8.');
}

function parse(text: string, exactNumbers: boolean): unknown {
  try {
    return exactNumbers ? JSON.parse(text, keepNumberText) : JSON.parse(text);
  } catch (error) {
    // Nested too deep for the reviver is a RangeError; the caller has made both mistakes.
    const reason = error instanceof SyntaxError ? `: ${error.message.slice(0, 200)}` : '';
    throw refuse(`The body is not valid JSON${reason}.`);
  }
}

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' ? (context?.source ?? value) : value;
}

function checkStrings(root: unknown): void {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') checkText(value);
    else if (Array.isArray(value)) for (const item of value) waiting.push(item);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) {
        checkText(name);
        if (name === '__proto__') throw refuse('The name "__proto__" is not possible.');
        waiting.push(item);
      }
    }
  }
}

function checkText(text: string): void {
  if (text.includes('\0')) throw refuse('The character NUL is not possible in text.');
  if (!text.isWellFormed()) throw refuse('The body holds half of a surrogate pair.');
}

function refuse(detail: string): AppError {
  return new AppError('invalid_request', detail);
}
