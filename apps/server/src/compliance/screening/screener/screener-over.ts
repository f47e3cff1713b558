import { createHash } from 'node:crypto';
import type { ListEntry } from '../list-entry.ts';
import type { ListPurpose } from './categories.ts';
import { openEntryBook } from './entry-book.ts';
import { openPacker } from './pack-entries.ts';
import { buildVersionSet, type LoadedVersion, type Screener } from './screener.ts';

export type TestList = { list: string; purpose: ListPurpose; entries: readonly ListEntry[] };

/** A screener over entries at hand, without a database: for tests and tools. It never switches. */
export async function screenerOver(lists: readonly TestList[]): Promise<Screener> {
  const loaded: LoadedVersion[] = [];
  for (const { list, purpose, entries } of lists) {
    const book = openEntryBook();
    const packer = openPacker();
    for (const entry of entries) {
      const full = await packer.add(entry);
      if (full !== undefined) book.add(full);
    }
    const { last, digest } = await packer.close();
    if (last !== undefined) book.add(last);
    const text = createHash('sha256').update(list).digest('hex');
    const versionId = text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
    loaded.push({ list, versionId, digest: digest.toString('hex'), purpose, book: book.close() });
  }
  const set = await buildVersionSet(loaded);
  return { ...set, versions: () => set.versions, onSwitch: () => () => {} };
}
