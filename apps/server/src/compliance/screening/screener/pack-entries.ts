import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ListEntry } from '../list-entry.ts';
import type { EntryChunk } from './entry-book.ts';

const compress = promisify(gzip);

/** Unpacked in a millisecond when one of them is hit, and large enough to pack well. */
const CHUNK_ENTRIES = 400;
const CHUNK_LETTERS = 1_000_000;

/** Packs entries as they come. The digest is of all of them as JSON lines, so packing does not matter. */
export function openPacker(): {
  /** @returns a chunk that is full, else undefined */
  add(entry: ListEntry): Promise<EntryChunk | undefined>;
  close(): Promise<{ last: EntryChunk | undefined; digest: Buffer }>;
} {
  const hash = createHash('sha256');
  let lines: string[] = [];
  let letters = 0;
  async function pack(): Promise<EntryChunk | undefined> {
    if (lines.length === 0) return undefined;
    const text = lines.join('');
    hash.update(text);
    const chunk = { entryCount: lines.length, body: await compress(text) };
    [lines, letters] = [[], 0];
    return chunk;
  }
  return {
    async add(entry) {
      const line = `${JSON.stringify(entry)}\n`;
      lines.push(line);
      letters += line.length;
      return lines.length >= CHUNK_ENTRIES || letters >= CHUNK_LETTERS ? await pack() : undefined;
    },
    async close() {
      const last = await pack();
      return { last, digest: hash.digest() };
    },
  };
}
