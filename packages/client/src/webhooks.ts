import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type ClassicWebhook,
  classicWebhookSchema,
  type WebhookEvent,
  webhookEventSchema,
} from '@quittance/contract';

/** Headers as Node's http, as fetch, or as a plain object gives them. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The message is not from your Quittance, or too old. Answer 400 and do nothing. */
export class WebhookVerificationError extends Error {
  override name = 'WebhookVerificationError';
}

/**
 * The message is genuine, but this version of the client doesn't know its kind: your Quittance is
 * newer. Answer 200 and ignore it, or it is sent again and again.
 */
export class UnknownWebhookError extends Error {
  override name = 'UnknownWebhookError';
}

/** What the clocks of two machines may differ by, and no more, so that nobody can replay messages. */
const DEFAULT_TOLERANCE_MS = 5 * 60_000;
const SECRET_PREFIX = 'whsec_';

/**
 * Verifies a delivery of style "standard" (https://www.standardwebhooks.com) and reads its event.
 * @param input.body the raw bytes or text as received; a parsed and rewritten body does not verify
 * @param input.secrets all that are valid now: two while you change from one to the other
 * @param input.nowMs milliseconds since the Unix epoch; default: this machine's clock
 * @throws {WebhookVerificationError} when no signature fits or the timestamp is out of tolerance
 * @throws {UnknownWebhookError} when it is genuine but of a kind that came after this client
 * @example
 * const event = verifyWebhook({ headers: request.headers, body: rawBody, secrets: [secret] });
 */
export function verifyWebhook(input: {
  headers: WebhookHeaders;
  body: string | Uint8Array;
  secrets: readonly string[];
  nowMs?: number;
  toleranceMs?: number;
}): WebhookEvent {
  const id = readHeader(input.headers, 'webhook-id');
  const timestamp = readHeader(input.headers, 'webhook-timestamp');
  const signatures = readHeader(input.headers, 'webhook-signature').split(' ');
  if (!/^[0-9]{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError('webhook-timestamp is not a number of seconds');
  }
  const nowMs = input.nowMs ?? Date.now();
  const tolerance = input.toleranceMs ?? DEFAULT_TOLERANCE_MS;
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > tolerance) {
    throw new WebhookVerificationError('the message is too old, or a clock is wrong');
  }
  const body = toBuffer(input.body);
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const fits = input.secrets.some((secret) => {
    const key = Buffer.from(stripPrefix(secret), 'base64');
    const expected = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
    return signatures.some((signature) => equal(signature, expected));
  });
  if (!fits) throw new WebhookVerificationError('no signature fits');
  const { success, data: event } = webhookEventSchema.safeParse(parseJson(body));
  if (!success) throw new UnknownWebhookError(`the message ${id} is of an unknown kind`);
  if (event.id !== id) throw new WebhookVerificationError('the body is of another message');
  return event;
}

/**
 * Verifies a delivery of style "classic": X-Signature is the hexadecimal HMAC-SHA256 of the raw
 * body, keyed with the text of the secret as it was shown.
 * @throws {WebhookVerificationError} when the signature does not fit
 */
export function verifyClassicWebhook(input: {
  headers: WebhookHeaders;
  body: string | Uint8Array;
  secrets: readonly string[];
}): ClassicWebhook {
  const signature = readHeader(input.headers, 'x-signature');
  const body = toBuffer(input.body);
  const fits = input.secrets.some((secret) =>
    equal(signature, createHmac('sha256', secret).update(body).digest('hex')),
  );
  if (!fits) throw new WebhookVerificationError('the signature does not fit');
  return classicWebhookSchema.parse(parseJson(body));
}

function stripPrefix(secret: string): string {
  return secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
}

function toBuffer(body: string | Uint8Array): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body);
}

function parseJson(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8'));
}

/** Takes the same time wherever the texts differ, so that nobody can guess one byte by byte. */
function equal(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function readHeader(headers: WebhookHeaders, name: string): string {
  const value = isFetchHeaders(headers) ? headers.get(name) : findHeader(headers, name);
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookVerificationError(`the header ${name} is missing`);
}

function isFetchHeaders(headers: WebhookHeaders): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function';
}

function findHeader(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string | undefined {
  for (const [key, value] of Object.entries(headers)) {
    if (key.toLowerCase() === name) return typeof value === 'string' ? value : value?.[0];
  }
  return undefined;
}
