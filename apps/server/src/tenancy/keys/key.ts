import { createHash } from 'node:crypto';
import type { ApiKey, Scope } from '@quittance/contract';
import { assert, isUuid, type Random, type Uuid } from '@quittance/kernel';

/** An API key as it is known here; the key itself is not. */
export type KeyRecord = {
  id: Uuid;
  merchantId: Uuid | null;
  name: string;
  secretHint: string;
  scopes: Scope[];
  createdAt: Date;
  /** The key that made it; null for those that no other key made. */
  madeBy: Uuid | null;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
};

const SECRET_BYTES = 32;
const HINT_LENGTH = 4;
const TOKEN =
  /^qt_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/**
 * Makes the text of a key: `qt_`, its id to find it by, and 256 random bits. The prefix lets
 * scanners of leaked secrets recognise it.
 */
export function makeToken(id: Uuid, random: Random): string {
  const secret = Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url');
  return `qt_${id.replaceAll('-', '')}_${secret}`;
}

/** Reads the id out of a key, or undefined when the text can not be a key. */
export function keyIdOf(token: string): Uuid | undefined {
  const match = TOKEN.exec(token);
  if (match === null) return undefined;
  const id = match.slice(1).join('-');
  assert(isUuid(id), 'keyIdOf: the pattern gives a UUID');
  return id;
}

/** One round of SHA-256 is enough: nobody guesses 256 random bits, however fast the hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

export function hintOf(token: string): string {
  return token.slice(-HINT_LENGTH);
}

export function toApiKey(record: KeyRecord): ApiKey {
  return {
    id: record.id,
    merchantId: record.merchantId,
    name: record.name,
    hint: record.secretHint,
    scopes: record.scopes,
    createdAt: record.createdAt.toISOString(),
    madeBy: record.madeBy,
    expiresAt: record.expiresAt?.toISOString() ?? null,
    lastUsedAt: record.lastUsedAt?.toISOString() ?? null,
    revokedAt: record.revokedAt?.toISOString() ?? null,
  };
}
