import type { Clock } from './clock.ts';

declare const brand: unique symbol;
/** A UUID in its canonical lower-case text form (RFC 9562). */
export type Uuid = string & { readonly [brand]?: 'Uuid' };

/** Fills `target` with cryptographically strong random bytes. */
export type Random = (target: Uint8Array) => Uint8Array;

export interface Ids {
  /** A new UUID version 7: ordered by time, 74 random bits, so it can't be guessed. */
  next(): Uuid;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Tells whether `text` is a UUID in canonical lower-case form. */
export function isUuid(text: string): text is Uuid {
  return UUID.test(text);
}

/** Makes UUIDs of version 7 (RFC 9562 §5.7) from a clock and a source of randomness. */
export function uuidV7Ids(clock: Clock, random: Random): Ids {
  return {
    next() {
      const bytes = random(new Uint8Array(16));
      const ms = clock.nowMs();
      const high = Math.floor(ms / 2 ** 16);
      bytes[0] = (high >>> 24) & 0xff;
      bytes[1] = (high >>> 16) & 0xff;
      bytes[2] = (high >>> 8) & 0xff;
      bytes[3] = high & 0xff;
      bytes[4] = (ms >>> 8) & 0xff;
      bytes[5] = ms & 0xff;
      bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
      bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
      return formatUuid(bytes);
    },
  };
}

/** Writes 16 bytes as a canonical UUID. */
export function formatUuid(bytes: Uint8Array): Uuid {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
