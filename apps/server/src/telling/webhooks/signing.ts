import { createHmac } from 'node:crypto';
import type { JsonObject } from '../events/index.ts';
import type { Random } from '@quittance/kernel';

const SECRET_PREFIX = 'whsec_';
/** As many bits as the output of the HMAC that it keys; Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** A new secret in the form of Standard Webhooks: "whsec_" and base64. */
export function newSecret(random: Random): string {
  return SECRET_PREFIX + Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64');
}

export type ToSign = {
  style: 'standard' | 'classic';
  /** Newest first. */
  secrets: readonly string[];
  event: {
    id: string;
    type: string;
    orderId: string | null;
    data: JsonObject;
    createdAtMs: number;
  };
  nowMs: number;
};
export type SignedMessage = { headers: Record<string, string>; body: string };

/** Writes the body of a delivery and the headers that sign it. The same event, the same body. */
export function signMessage(message: ToSign): SignedMessage {
  return message.style === 'standard' ? signStandard(message) : signClassic(message);
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function signStandard({ event, secrets, nowMs }: ToSign): SignedMessage {
  const body = JSON.stringify({
    id: event.id,
    type: event.type,
    timestamp: new Date(event.createdAtMs).toISOString(),
    data: event.data,
  });
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    const content = `${event.id}.${timestamp}.${body}`;
    return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  });
  const headers = {
    'webhook-id': event.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
  return { headers, body };
}

/**
 * The classic header holds one signature, so it is the oldest secret's: a receiver that knows only
 * that one goes on working until the old secret is removed.
 */
function signClassic({ event, secrets }: ToSign): SignedMessage {
  const { status = null, message = 'This is a test.' } = event.data;
  const body = JSON.stringify({
    orderId: event.orderId,
    status,
    message,
    timestamp: new Date(event.createdAtMs).toISOString(),
  });
  const key = secrets.at(-1) ?? '';
  return {
    headers: { 'x-signature': createHmac('sha256', key).update(body).digest('hex') },
    body,
  };
}
