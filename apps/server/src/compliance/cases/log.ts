import { createHash } from 'node:crypto';
import type { Uuid } from '@quittance/kernel';

/** One entry of a case's log as it is stored. */
export type LogEntry = {
  readonly merchantId: Uuid;
  readonly caseId: Uuid;
  readonly sequence: bigint;
  readonly id: Uuid;
  readonly atMs: number;
  readonly actor: string;
  readonly kind: string;
  /** Canonical JSON; null: erased after the retention. */
  readonly content: string | null;
  readonly contentSha256: Uint8Array;
  readonly prevHash: Uint8Array;
  readonly hash: Uint8Array;
};

export const FIRST_HASH: Uint8Array = new Uint8Array(32);

/**
 * What seals an entry: SHA-256 of the hash before it and of its fields, each as a netstring. The
 * database writes the same (compliance_log_append); here it is computed again to compare.
 */
export function hashOfEntry(entry: Omit<LogEntry, 'content' | 'hash'>): Uint8Array {
  const fields = [
    'quittance-case-1',
    entry.merchantId,
    entry.caseId,
    String(entry.sequence),
    entry.id,
    String(entry.atMs),
    entry.actor,
    entry.kind,
    Buffer.from(entry.contentSha256).toString('hex'),
  ];
  const text = fields.map((field) => `${Buffer.byteLength(field)}:${field},`).join('');
  return createHash('sha256').update(entry.prevHash).update(text).digest();
}

export type LogFault = {
  sequence: bigint;
  fault: 'missing' | 'broken_link' | 'wrong_hash' | 'wrong_content';
};

/**
 * The first entry of a log that is not as it was written; undefined: all are. What was cut off its
 * end shows when its last hash is compared with the case's head.
 * @param entries all of them, by sequence
 */
export function findLogFault(entries: readonly LogEntry[]): LogFault | undefined {
  let prevHash = FIRST_HASH;
  let expected = 1n;
  for (const entry of entries) {
    const { sequence } = entry;
    if (sequence !== expected) return { sequence: expected, fault: 'missing' };
    if (!isSame(entry.prevHash, prevHash)) return { sequence, fault: 'broken_link' };
    if (!isSame(entry.hash, hashOfEntry(entry))) return { sequence, fault: 'wrong_hash' };
    if (entry.content !== null && !isSame(entry.contentSha256, sha256(entry.content))) {
      return { sequence, fault: 'wrong_content' };
    }
    prevHash = entry.hash;
    expected++;
  }
  return undefined;
}

export function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest();
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
