import { createHash } from 'node:crypto';
import { schnorr } from '@noble/curves/secp256k1.js';
import { fromHex, type Random, toHex } from '@quittance/kernel';
import { z } from 'zod';

/** Contents are encrypted messages of at most 64 kB, in base64. */
const MAX_CONTENT_LENGTH = 100_000;
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** NIP-01. */
export const nostrEventShape = z.object({
  id: hex(64),
  pubkey: hex(64),
  created_at: z.int(),
  kind: z.int(),
  tags: z.array(z.array(z.string())),
  content: z.string().max(MAX_CONTENT_LENGTH),
  sig: hex(128),
});
export type NostrEvent = z.infer<typeof nostrEventShape>;

/** NIP-47's kinds. */
export const kinds = {
  info: 13_194,
  request: 23_194,
  response: 23_195,
  notificationNip04: 23_196,
  notification: 23_197,
} as const;

export function publicKeyOf(secret: string): string {
  return toHex(schnorr.getPublicKey(fromHex(secret)));
}

/** Signs an event as of `nowMs`. */
export function signEvent(
  event: Pick<NostrEvent, 'kind' | 'tags' | 'content'>,
  secret: string,
  { nowMs, random }: { nowMs: number; random: Random },
): NostrEvent {
  const unsigned = {
    ...event,
    pubkey: publicKeyOf(secret),
    created_at: Math.floor(nowMs / 1_000),
  };
  const id = idOf(unsigned);
  const sig = schnorr.sign(id, fromHex(secret), random(new Uint8Array(32)));
  return { ...unsigned, id: toHex(id), sig: toHex(sig) };
}

/** Whether the event is what its author has signed. */
export function isGenuine(event: NostrEvent): boolean {
  const id = idOf(event);
  if (toHex(id) !== event.id) return false;
  try {
    return schnorr.verify(fromHex(event.sig), id, fromHex(event.pubkey));
  } catch {
    return false;
  }
}

function idOf(event: Omit<NostrEvent, 'id' | 'sig'>): Uint8Array {
  const { pubkey, created_at, kind, tags, content } = event;
  const serialized = JSON.stringify([0, pubkey, created_at, kind, tags, content]);
  return createHash('sha256').update(serialized).digest();
}

export function tagOf(event: NostrEvent, name: string): string | undefined {
  return event.tags.find(([key]) => key === name)?.[1];
}
