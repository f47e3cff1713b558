import { createHash } from 'node:crypto';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeSetupError } from '../errors.ts';

/** Length of the body (u64, little endian) and its SHA-256. */
const HEADER_BYTES = 8 + 32;
/** A deleted entry has this in the place of its value's length. */
const DELETED = 0xffff_ffff;
/** When so much has been appended, and most of it is history, the log is written anew. */
const COMPACT_ABOVE_BYTES = 64 * 1024 * 1024;
/** Largest single value: far above a channel manager with hundreds of channels. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

/**
 * Keys and values in memory, kept by one file that is only appended to. What is staged becomes
 * durable in one frame, all of it or nothing; reads see what is staged.
 */
export interface LogStore {
  get(key: string): Uint8Array | null;
  put(key: string, value: Uint8Array): void;
  remove(key: string): void;
  /** Keys that begin with `prefix`, in no order. */
  keys(prefix: string): string[];
  readonly hasStaged: boolean;
  /** Resolves when everything staged before the call is on the disk. One call at a time. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

type Entries = Map<string, Uint8Array>;
type Staged = Map<string, Uint8Array | null>;

/**
 * Opens the log of a folder. A last frame that is not whole was never acted on (nothing is let out
 * before its frame is synced), so it is cut off; anything else that does not fit is refused.
 * @throws {NodeSetupError} when the file is damaged elsewhere than at its end
 */
export function openLogStore(folder: string): LogStore {
  const path = join(folder, 'state.log');
  const entries: Entries = new Map();
  let size = existsSync(path) ? load(path, entries) : 0;
  let staged: Staged = new Map();
  let file: FileHandle | undefined;
  let compactAt = COMPACT_ABOVE_BYTES;

  async function append(body: Uint8Array): Promise<void> {
    if (file === undefined) {
      file = await open(path, 'a', 0o600);
      await syncFolder(folder);
    }
    await file.appendFile(frameOf(body));
    await file.datasync();
    size += HEADER_BYTES + body.length;
  }

  async function compact(): Promise<void> {
    const next = await open(`${path}.new`, 'w', 0o600);
    const body = bodyOf(entries);
    await next.appendFile(frameOf(body));
    await next.sync();
    await rename(`${path}.new`, path);
    await syncFolder(folder);
    await file?.close();
    file = next;
    size = HEADER_BYTES + body.length;
    compactAt = Math.max(COMPACT_ABOVE_BYTES, 2 * size);
  }

  return {
    get(key) {
      const waiting = staged.get(key);
      return waiting === undefined ? (entries.get(key) ?? null) : waiting;
    },
    put: (key, value) => void staged.set(key, value),
    remove: (key) => void staged.set(key, null),
    keys: (prefix) => keysOf(entries, staged, prefix),
    get hasStaged() {
      return staged.size > 0;
    },
    async commit() {
      if (staged.size === 0) return;
      const taken = staged;
      staged = new Map();
      for (const [key, value] of taken) {
        if (value === null) entries.delete(key);
        else entries.set(key, value);
      }
      await append(bodyOf(taken));
      if (size > compactAt) await compact();
    },
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}

function keysOf(entries: Entries, staged: Staged, prefix: string): string[] {
  const found: string[] = [];
  for (const key of entries.keys()) if (key.startsWith(prefix) && !staged.has(key)) found.push(key);
  for (const [key, value] of staged) if (value !== null && key.startsWith(prefix)) found.push(key);
  return found;
}

function bodyOf(values: ReadonlyMap<string, Uint8Array | null>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of values) {
    const name = Buffer.from(key);
    const head = Buffer.alloc(6);
    head.writeUInt16LE(name.length, 0);
    head.writeUInt32LE(value === null ? DELETED : value.length, 2);
    parts.push(head, name);
    if (value !== null) parts.push(value);
  }
  return Buffer.concat(parts);
}

function frameOf(body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeBigUInt64LE(BigInt(body.length), 0);
  createHash('sha256').update(body).digest().copy(header, 8);
  return Buffer.concat([header, body]);
}

/** Reads the log into `entries` and gives the length of what is whole. */
function load(path: string, entries: Entries): number {
  const bytes = readFileSync(path);
  let at = 0;
  while (at < bytes.length) {
    const end = endOfFrame(bytes, at);
    const body = end === null ? null : bytes.subarray(at + HEADER_BYTES, end);
    const isWhole = body !== null && hashOf(body).equals(bytes.subarray(at + 8, at + HEADER_BYTES));
    if (!isWhole) {
      if (end !== null && end < bytes.length && !isEmpty(bytes.subarray(at))) {
        throw new NodeSetupError(`${path} is damaged at byte ${at}: restore the folder whole`);
      }
      truncateSync(path, at);
      return at;
    }
    applyBody(body, entries);
    at = end ?? bytes.length;
  }
  return at;
}

/** Where the frame at `at` ends, or null when the file ends before. */
function endOfFrame(bytes: Buffer, at: number): number | null {
  if (at + HEADER_BYTES > bytes.length) return null;
  const end = BigInt(at + HEADER_BYTES) + bytes.readBigUInt64LE(at);
  return end > BigInt(bytes.length) ? null : Number(end);
}

const hashOf = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest();

/** After a power cut a file may be longer than what was written, with nothing in it. */
const isEmpty = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function applyBody(body: Buffer, entries: Entries): void {
  for (let at = 0; at < body.length; ) {
    const nameEnd = at + 6 + body.readUInt16LE(at);
    const length = body.readUInt32LE(at + 2);
    const key = body.subarray(at + 6, nameEnd).toString('utf8');
    at = nameEnd;
    if (length === DELETED) {
      entries.delete(key);
      continue;
    }
    if (length > MAX_VALUE_BYTES) throw new NodeSetupError(`${key} is too large to be ours`);
    // A copy: a part of the file's buffer would keep all of it in memory.
    entries.set(key, new Uint8Array(body.subarray(at, at + length)));
    at += length;
  }
}

/** A new name in a folder is durable once the folder itself is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
