import { createHash } from 'node:crypto';
import type { Random } from '@quittance/kernel';

/** 256 bits: nobody guesses a link, and a plain hash of it is as good as a slow one. */
const SECRET_BYTES = 32;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** A link that pays money to whoever opens it. The secret is shown once; only its hash is kept. */
export type ClaimLink = { secret: string; hash: Uint8Array };

export function newClaimLink(random: Random): ClaimLink {
  const secret = Buffer.from(random(new Uint8Array(SECRET_BYTES))).toString('base64url');
  return { secret, hash: hashOf(secret) };
}

/** The hash that a link is found by; undefined when it can not be one. */
export function claimHash(secret: string): Uint8Array | undefined {
  return SECRET.test(secret) ? hashOf(secret) : undefined;
}

export function claimUrl(publicUrl: string, secret: string): string {
  return `${publicUrl}/refund/${secret}`;
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
