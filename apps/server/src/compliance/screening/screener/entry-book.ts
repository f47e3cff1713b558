import { gunzipSync } from 'node:zlib';
import { assert } from '@quittance/kernel';
import type { ListEntry } from '../list-entry.ts';

/**
 * The entries of one version in memory. Those with names stay as they are, as scoring needs them;
 * those that only list addresses (tags, by the million) stay packed, and are unpacked when one is hit.
 */
export type EntryBook = {
  readonly entryCount: number;
  /** Entries that have names, in their order. */
  readonly named: readonly ListEntry[];
  /** Records count from 0 in the order of the version; only those with an address can be asked for. */
  entry(record: number): ListEntry;
  /** Every listed address with its record. Unpacks all chunks again: ask once, for the index. */
  addresses(): Iterable<{ address: string; record: number }>;
};

/** A run of entries as it is stored: JSON lines under gzip. */
export type EntryChunk = { entryCount: number; body: Uint8Array };

/** Chunks that were unpacked last: one address is asked for again and again. */
const MAX_UNPACKED = 8;

/** Reads a chunk's entries. @throws where it is damaged */
export function unpackChunk({ entryCount, body }: EntryChunk): ListEntry[] {
  const lines = gunzipSync(body).toString('utf8').split('\n');
  // The text ends in a line break, so the last line is empty.
  lines.pop();
  assert(lines.length === entryCount, 'a chunk has as many entries as it says');
  // Written by this program from a ListEntry.
  return lines.map((line) => JSON.parse(line) as ListEntry);
}

/** Collects a version's chunks, in their order. */
export function openEntryBook(): { add(chunk: EntryChunk): void; close(): EntryBook } {
  const named: ListEntry[] = [];
  /** Named entries with an address, by record. */
  const byRecord = new Map<number, ListEntry>();
  const packed: { start: number; chunk: EntryChunk }[] = [];
  let entryCount = 0;
  return {
    add(chunk) {
      let isPacked = false;
      for (const [at, entry] of unpackChunk(chunk).entries()) {
        if (entry.names.length === 0) isPacked = true;
        else {
          named.push(entry);
          if (entry.addresses.length > 0) byRecord.set(entryCount + at, entry);
        }
      }
      if (isPacked) packed.push({ start: entryCount, chunk });
      entryCount += chunk.entryCount;
    },
    close() {
      const read = readerOf(packed);
      return {
        entryCount,
        named,
        entry: (record) => byRecord.get(record) ?? read(record),
        *addresses() {
          for (const [record, entry] of byRecord) {
            for (const { address } of entry.addresses) yield { address, record };
          }
          for (const { start, chunk } of packed) {
            for (const [at, entry] of unpackChunk(chunk).entries()) {
              if (entry.names.length > 0) continue;
              for (const { address } of entry.addresses) yield { address, record: start + at };
            }
          }
        },
      };
    },
  };
}

function readerOf(
  packed: readonly { start: number; chunk: EntryChunk }[],
): (record: number) => ListEntry {
  const unpacked = new Map<number, ListEntry[]>();
  return (record) => {
    const at = lastStarting(packed, record);
    const found = packed[at];
    assert(found !== undefined, 'a record that the index knows is in a chunk');
    let entries = unpacked.get(at);
    if (entries === undefined) {
      const [oldest] = unpacked.size >= MAX_UNPACKED ? unpacked.keys() : [];
      if (oldest !== undefined) unpacked.delete(oldest);
      entries = unpackChunk(found.chunk);
      unpacked.set(at, entries);
    }
    const entry = entries[record - found.start];
    assert(entry !== undefined, 'a chunk has the records that begin with it');
    return entry;
  };
}

/** The last chunk that begins at or before a record: by halving, as there may be thousands. */
function lastStarting(packed: readonly { start: number }[], record: number): number {
  let [low, high] = [0, packed.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((packed[middle]?.start ?? 0) <= record) low = middle;
    else high = middle - 1;
  }
  return low;
}
