import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '@quittance/kernel';
import type { AuditEntry } from './entry.ts';

export const GENESIS = '0'.repeat(64);

/** A line ends in these two, so that what they are about is the rest of the line as it stands. */
const TAIL = /^(.*),"hash":"([0-9a-f]{64})","mac":"([0-9a-f]{64})"\}$/s;

/** The hash makes a chain that anybody can check; the code shows that the signer wrote it. */
export function formatLine(entry: AuditEntry, key: Uint8Array): { line: string; hash: string } {
  const body = JSON.stringify(entry).slice(0, -1);
  const hash = hashOf(body);
  return { line: `${body},"hash":"${hash}","mac":"${toHex(macOf(hash, key))}"}\n`, hash };
}

export type ReadLine =
  | { ok: true; entry: AuditEntry; hash: string }
  | { ok: false; reason: string };

/**
 * Reads one line and checks its links.
 * @param key null checks the hashes only
 */
export function readLine(
  line: string,
  { key, seq, prev }: { key: Uint8Array | null; seq: number; prev: string },
): ReadLine {
  const [, body = '', hash = '', mac = ''] = TAIL.exec(line) ?? [];
  if (hash === '') return { ok: false, reason: 'it is no entry of the log' };
  if (hashOf(body) !== hash) return { ok: false, reason: 'it was changed: its hash does not fit' };
  if (key !== null && !timingSafeEqual(fromHex(mac), macOf(hash, key))) {
    return { ok: false, reason: 'it was not written by this signer: its code does not fit' };
  }
  const entry = JSON.parse(`${body}}`) as AuditEntry;
  if (entry.seq !== seq) return { ok: false, reason: `it is number ${entry.seq}, not ${seq}` };
  if (entry.prev !== prev) return { ok: false, reason: 'it does not follow the one before' };
  return { ok: true, entry, hash };
}

function hashOf(body: string): string {
  return toHex(sha256(new TextEncoder().encode(`quittance-audit-1\n${body}`)));
}

function macOf(hash: string, key: Uint8Array): Uint8Array {
  return hmac(sha256, key, new TextEncoder().encode(`quittance-audit-1\n${hash}`));
}
