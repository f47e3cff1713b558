import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '@quittance/kernel';
import { SignerSetupError } from '../errors.ts';

/** A JSON file that anybody may read and only who can open the vault may change. */
export type SealedKind = 'policy' | 'wallets';

/** Writes the body with its authentication code. */
export function sealBody(kind: SealedKind, body: unknown, key: Uint8Array): string {
  const mac = toHex(authenticate(kind, body, key));
  return `${JSON.stringify({ version: 1, kind, body, mac }, null, 2)}\n`;
}

/**
 * Reads the body back.
 * @throws {SignerSetupError} when it was written without the vault's key
 */
export function openSealed(
  kind: SealedKind,
  bytes: Uint8Array,
  { key, path }: { key: Uint8Array; path: string },
): unknown {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new SignerSetupError(`${path} is not JSON: put it back from a backup`);
  }
  const { body, mac } = Object(value) as { body?: unknown; mac?: unknown };
  const expected = authenticate(kind, body, key);
  const isWell = typeof mac === 'string' && /^[0-9a-f]{64}$/.test(mac);
  if (!isWell || !timingSafeEqual(fromHex(mac), expected)) {
    throw new SignerSetupError(
      `${path} was not written by this signer, or was changed since; change it with ` +
        '"quittance signer" only, or put it back from a backup',
    );
  }
  return body;
}

/** Names a body in the audit log. */
export function bodyHash(body: unknown): string {
  return toHex(sha256(new TextEncoder().encode(JSON.stringify(body))));
}

function authenticate(kind: SealedKind, body: unknown, key: Uint8Array): Uint8Array {
  const text = `quittance-signer-file\n${kind}\n${JSON.stringify(body)}`;
  return hmac(sha256, key, new TextEncoder().encode(text));
}
