import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '@quittance/kernel';

/** Standard Webhooks: a message is good for a few minutes, whatever a listener on the way kept. */
const TOLERANCE_MS = 300_000;
const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
const MAX_SIGNATURES = 10;

export type SignedCallback = {
  id: string | undefined;
  /** Seconds since the Unix epoch. */
  timestamp: string | undefined;
  /** "v1,<base64>", several separated by spaces. */
  signature: string | undefined;
  body: string;
};

export function newCallbackSecret(random: Random): string {
  return PREFIX + Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64');
}

/** Signs as a provider does: the reference that the interface is tested with. */
export function signCallback(
  secret: string,
  message: { id: string; nowMs: number; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(message.nowMs / 1_000));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${macOf(secret, `${message.id}.${timestamp}.${message.body}`)}`,
  };
}

/** Whether a callback was signed with this secret just now (Standard Webhooks). */
export function isGenuine(secret: string, callback: SignedCallback, nowMs: number): boolean {
  const { id, timestamp, signature, body } = callback;
  if (id === undefined || timestamp === undefined || signature === undefined) return false;
  if (!/^[\x21-\x7e]{1,200}$/.test(id) || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(Number(timestamp) * 1_000 - nowMs) > TOLERANCE_MS) return false;
  const wanted = Buffer.from(macOf(secret, `${id}.${timestamp}.${body}`));
  return signature
    .split(' ', MAX_SIGNATURES)
    .filter((each) => each.startsWith('v1,'))
    .some((each) => {
      const given = Buffer.from(each.slice('v1,'.length));
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
}

function macOf(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return createHmac('sha256', key).update(content).digest('base64');
}
