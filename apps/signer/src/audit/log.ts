import {
  closeSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
} from 'node:fs';
import { join } from 'node:path';
import { SignerSetupError } from '../errors.ts';
import { faultPoint, isFaultArmed } from '../faults.ts';
import { privateFolder, syncFolder, writeAll } from '../files.ts';
import { Refusal } from '../refusals.ts';
import { formatLine, GENESIS, readLine } from './chain.ts';
import type { AuditEntry, AuditEvent } from './entry.ts';
import { type LogPosition, readSnapshot, writeSnapshot } from './snapshot.ts';
import { applyEntry, emptyState, type State } from './state.ts';

/** Append-only, hash-chained, on the disk before anything follows from an entry. */
export interface AuditLog {
  readonly state: State;
  readonly entries: number;
  /** Hash of the last entry. */
  readonly head: string;
  /** Bytes of a torn last line that were cut off when the log was opened. */
  readonly tornBytes: number;
  /**
   * Writes an entry, waits for the disk and takes it into the state.
   * @throws {Refusal} log_unavailable when the disk does not take it: then nothing has happened
   */
  append(event: AuditEvent, nowMs: number): AuditEntry;
  /** Counts a request that only reads; told with the next entry. */
  countRead(method: string): void;
  /** The last lines, oldest first. */
  tail(limit: number): string[];
  close(): void;
}

/** A file of the log ends after so much; a snapshot of the state is written then. */
export const SEGMENT_BYTES = 64 * 1024 * 1024;
/** One entry is far below: 3,200 outputs of 200 bytes. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;
/** Lines kept in memory for people who look. */
const KEPT_LINES = 200;
/** And their bytes: entries of large batches are long. */
const KEPT_BYTES = 4 * 1024 * 1024;

const SEGMENT_NAME = /^(\d{6})\.jsonl$/;

/**
 * Opens the log and works the state out from it. A last line without its end was being written when
 * the process died; nothing followed from it, and it is cut off.
 * @throws {SignerSetupError} when an entry was changed, is missing, or is not this signer's
 */
export async function openLog(
  folder: string,
  { key, segmentBytes = SEGMENT_BYTES }: { key: Uint8Array; segmentBytes?: number },
): Promise<AuditLog> {
  privateFolder(folder);
  const snapshotPath = join(folder, 'state.jsonl');
  const snapshot = await readSnapshot(snapshotPath, key);
  const state = snapshot?.state ?? emptyState();
  const start: LogPosition = snapshot?.at ?? { seq: 0, hash: GENESIS, segment: 1 };
  const kept: string[] = [];
  let keptBytes = 0;
  const keep = (line: string): void => {
    kept.push(line);
    keptBytes += line.length;
    while (kept.length > KEPT_LINES || (keptBytes > KEPT_BYTES && kept.length > 1)) {
      keptBytes -= kept.shift()?.length ?? 0;
    }
  };
  const segments = segmentsOf(folder);
  const first = segments[0] ?? start.segment;
  if (first > start.segment || (snapshot === null && first > 1)) {
    throw new SignerSetupError(
      `${folder}: the files of the log before ${segmentName(first)} are missing: put them back`,
    );
  }
  const read = await readSegments(folder, {
    ...{ segments: segments.filter((each) => each >= start.segment), key, start },
    onEntry: (entry) => applyEntry(state, entry),
    onLine: keep,
  });
  let { seq, hash: head } = read;
  let segment = Math.max(start.segment, segments.at(-1) ?? 1);
  let file = openSync(join(folder, segmentName(segment)), 'a', 0o600);
  let size = fstatSync(file).size;
  if (read.tornBytes > 0) {
    ftruncateSync(file, read.wholeBytes);
    fsyncSync(file);
    size = read.wholeBytes;
  }
  syncFolder(folder);
  let reads: Record<string, number> = {};

  function write(line: string, method: string): void {
    const bytes = Buffer.from(line);
    if (bytes.length > MAX_ENTRY_BYTES)
      throw new Refusal('log_unavailable', 'too long to be logged');
    if (fstatSync(file).size !== size) {
      throw new Refusal('log_unavailable', 'somebody else has written to the audit log');
    }
    if (method === 'sign' && isFaultArmed('signer:log-torn')) {
      writeAll(file, bytes.subarray(0, bytes.length >> 1));
      fsyncSync(file);
      faultPoint('signer:log-torn');
    }
    try {
      writeAll(file, bytes);
      fsyncSync(file);
    } catch (error) {
      // Half a line must not stay before the next one. If even that fails, the size tells.
      ftruncateSync(file, size);
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'error';
      throw new Refusal('log_unavailable', `the audit log can not be written: ${reason}`);
    }
    size += bytes.length;
  }

  /** The state up to here in one file, so that older ones need not be read at a start. */
  function rotate(): void {
    try {
      writeSnapshot(snapshotPath, { state, key, at: { seq, hash: head, segment: segment + 1 } });
      const next = openSync(join(folder, segmentName(segment + 1)), 'a', 0o600);
      syncFolder(folder);
      closeSync(file);
      [file, segment, size] = [next, segment + 1, fstatSync(next).size];
    } catch {
      // The disk is full, say: this file grows on, and the next entry tries again.
    }
  }

  return {
    state,
    tornBytes: read.tornBytes,
    get entries() {
      return seq;
    },
    get head() {
      return head;
    },
    append(event, nowMs) {
      const counts = Object.keys(reads).length > 0 ? { reads } : {};
      const entry: AuditEntry = { seq: seq + 1, atMs: nowMs, ...event, ...counts, prev: head };
      const { line, hash } = formatLine(entry, key);
      write(line, event.method);
      seq += 1;
      head = hash;
      reads = {};
      keep(line.slice(0, -1));
      applyEntry(state, entry);
      if (size >= segmentBytes) rotate();
      return entry;
    },
    countRead(method) {
      reads[method] = (reads[method] ?? 0) + 1;
    },
    tail: (limit) => kept.slice(-limit),
    close: () => closeSync(file),
  };
}

/**
 * Checks every file of the log from the first entry on.
 * @param key null checks the hashes only, for who has no passphrase
 * @throws {SignerSetupError} naming the first entry that does not fit
 */
export async function verifyLog(
  folder: string,
  key: Uint8Array | null,
): Promise<{ entries: number; head: string; tornBytes: number }> {
  const start = { seq: 0, hash: GENESIS, segment: 1 };
  const segments = segmentsOf(folder);
  if (segments.length > 0 && segments[0] !== 1) {
    throw new SignerSetupError(`the first file of the log, ${segmentName(1)}, is missing`);
  }
  const nothing = () => {};
  const read = await readSegments(folder, {
    ...{ segments, key, start },
    ...{ onEntry: nothing, onLine: nothing },
  });
  return { entries: read.seq, head: read.hash, tornBytes: read.tornBytes };
}

type Reading = {
  segments: readonly number[];
  key: Uint8Array | null;
  start: LogPosition;
  onEntry: (entry: AuditEntry) => void;
  onLine: (line: string) => void;
};

async function readSegments(
  folder: string,
  { segments, key, start, onEntry, onLine }: Reading,
): Promise<{ seq: number; hash: string; tornBytes: number; wholeBytes: number }> {
  let { seq, hash } = start;
  let tornBytes = 0;
  let wholeBytes = 0;
  for (const [i, segment] of segments.entries()) {
    const name = segmentName(segment);
    if (i > 0 && segment !== (segments[i - 1] ?? 0) + 1) {
      throw new SignerSetupError(`${folder}: the file before ${name} is missing: put it back`);
    }
    wholeBytes = 0;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        const line = bytes.subarray(from, end).toString('utf8');
        const found = readLine(line, { key, seq: seq + 1, prev: hash });
        if (!found.ok) {
          throw new SignerSetupError(
            `${join(folder, name)}: entry ${seq + 1}: ${found.reason}; restore the folder from a ` +
              'backup that has everything up to now, see the runbook lost-signer-passphrase',
          );
        }
        onEntry(found.entry);
        onLine(line);
        [seq, hash, from] = [seq + 1, found.hash, end + 1];
      }
      wholeBytes += from;
      rest = bytes.subarray(from);
      if (rest.length > MAX_ENTRY_BYTES) throw new SignerSetupError(`${name}: a line has no end`);
    }
    tornBytes = rest.length;
    if (tornBytes > 0 && i < segments.length - 1) {
      throw new SignerSetupError(`${join(folder, name)} ends in the middle of an entry`);
    }
  }
  return { seq, hash, tornBytes, wholeBytes };
}

function segmentsOf(folder: string): number[] {
  const names = readdirSync(folder).flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? []);
  return names.map(Number).sort((a, b) => a - b);
}

function segmentName(segment: number): string {
  return `${String(segment).padStart(6, '0')}.jsonl`;
}
