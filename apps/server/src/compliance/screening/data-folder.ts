import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ListError } from './errors.ts';
import type { ListEntry } from './list-entry.ts';
import { readLines } from './lists/read-lines.ts';

/**
 * Lists kept as files, for the command line: DIR/<list>.jsonl, an entry in each line, the last line
 * their number. The server keeps lists in the database.
 */

const ENDING = '.jsonl';

/** Reads all lists of a folder; none where the folder is not there. */
export async function loadLists(folder: string): Promise<ListEntry[]> {
  const files = await readdir(folder).catch(() => []);
  const entries: ListEntry[] = [];
  for (const file of files.filter((name) => name.endsWith(ENDING)).toSorted()) {
    for (const entry of await loadFile(join(folder, file))) entries.push(entry);
  }
  return entries;
}

export async function loadList(folder: string, list: string): Promise<ListEntry[]> {
  const file = fileOf(folder, list);
  const there = await readFile(file).then(
    () => true,
    () => false,
  );
  return there ? loadFile(file) : [];
}

/** Puts a version of a list in the place of the one before, whole or not at all. */
export async function saveList(
  folder: string,
  list: string,
  entries: readonly ListEntry[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = fileOf(folder, list);
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w');
  try {
    const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`);
    for (let i = 0; i < lines.length; i += 1_000) {
      await handle.write(lines.slice(i, i + 1_000).join(''));
    }
    await handle.write(`${JSON.stringify({ entries: entries.length })}\n`);
    await handle.sync();
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

function fileOf(folder: string, list: string): string {
  return join(folder, list.replace(/[^a-z0-9._-]/gi, '_') + ENDING);
}

async function loadFile(file: string): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  let count: number | undefined;
  let last = 0;
  for await (const { text, line } of readLines(file)) {
    last = line;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new ListError(file, line, 'damaged: import the list again');
    }
    const entry = value as ListEntry | { entries: number };
    if ('entries' in entry) count = entry.entries;
    else entries.push(entry);
  }
  // A list that lost lines would let people through.
  if (count !== entries.length) throw new ListError(file, last, 'cut: import the list again');
  return entries;
}
