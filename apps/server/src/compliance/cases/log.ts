import { createHash } from 'node:crypto';
import type { JsonValue } from '@quittance/contract';
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

/** Where a check of a log has come to: the last entry that was right. */
export type LogPlace = { readonly sequence: bigint; readonly hash: Uint8Array };
export const LOG_START: LogPlace = { sequence: 0n, hash: new Uint8Array(32) };

export type LogFault = {
  sequence: bigint;
  kind: 'missing' | 'broken_link' | 'wrong_hash' | 'wrong_content';
};

/**
 * Whether an entry is the one that was written after the one before. What was cut off the end of a
 * log shows when its last place is compared with the case's head.
 */
export function findFault(before: LogPlace, entry: LogEntry): LogFault | undefined {
  const { sequence } = entry;
  const expected = before.sequence + 1n;
  if (sequence !== expected) return { sequence: expected, kind: 'missing' };
  if (!isSame(entry.prevHash, before.hash)) return { sequence, kind: 'broken_link' };
  if (!isSame(entry.hash, hashOfEntry(entry))) return { sequence, kind: 'wrong_hash' };
  if (entry.content !== null && !isSame(entry.contentSha256, sha256(entry.content))) {
    return { sequence, kind: 'wrong_content' };
  }
  return undefined;
}

export function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text, 'utf8').digest();
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** What an entry says; null: erased after the retention. */
export function contentOf({ content }: Pick<LogEntry, 'content'>): JsonValue {
  return content === null ? null : (JSON.parse(content) as JsonValue);
}
