import type { Database } from '../../../platform/db/index.ts';
import type { Uuid } from '@quittance/kernel';
import { changedFields } from '../delta.ts';
import type { ListEntry } from '../list-entry.ts';
import { readChunks } from '../screener/active-store.ts';
import { unpackChunk } from '../screener/entry-book.ts';
import { findUncompared, writeDelta } from './import-store.ts';
import type { DeltaLine, DeltaReport } from './version.ts';

/** Entries of each kind that a report names; the counts are of all. */
const SAMPLE = 200;
const CHUNKS_AT_ONCE = 8;

/**
 * Compares a version with what is active, where that was not done or something else is active now.
 * @returns false when there is nothing to compare
 */
export async function compareNext(database: Database, signal: AbortSignal): Promise<boolean> {
  const found = await database.asSystem(findUncompared);
  if (found === undefined) return false;
  const before =
    found.activeId === null
      ? []
      : entriesOf(database, { id: found.activeId, attempt: found.activeAttempt });
  const delta = await compare(before, entriesOf(database, found), signal);
  await database.asSystem((tx) => writeDelta(tx, { ...found, delta }));
  return true;
}

async function* entriesOf(
  database: Database,
  { id: versionId, attempt }: { id: Uuid; attempt: number },
): AsyncGenerator<ListEntry> {
  for (let from = 0; ; from += CHUNKS_AT_ONCE) {
    const chunks = await database.asSystem((tx) =>
      readChunks(tx, { versionId, attempt, from, count: CHUNKS_AT_ONCE }),
    );
    for (const chunk of chunks) yield* unpackChunk(chunk);
    if (chunks.length < CHUNKS_AT_ONCE) return;
  }
}

type Entries = AsyncIterable<ListEntry> | Iterable<ListEntry>;

/** The older version is held in memory as text, the newer one passes by. */
async function compare(before: Entries, after: Entries, signal: AbortSignal): Promise<DeltaReport> {
  const old = new Map<string, string>();
  for await (const entry of before) old.set(keyOf(entry), JSON.stringify(entry));
  const report: DeltaReport = {
    ...{ added: 0, removed: 0, changed: 0, unchanged: 0 },
    sample: { added: [], removed: [], changed: [] },
  };
  const sample = (kind: keyof DeltaReport['sample'], line: DeltaLine) => {
    report[kind]++;
    if (report.sample[kind].length < SAMPLE) report.sample[kind].push(line);
  };
  for await (const entry of after) {
    signal.throwIfAborted();
    const key = keyOf(entry);
    const text = old.get(key);
    old.delete(key);
    if (text === undefined) sample('added', lineOf(entry));
    else if (text === JSON.stringify(entry)) report.unchanged++;
    else {
      // Written by this program from a ListEntry.
      const fields = changedFields(JSON.parse(text) as ListEntry, entry);
      if (fields.length === 0) report.unchanged++;
      else sample('changed', { ...lineOf(entry), fields });
    }
  }
  for (const text of old.values()) sample('removed', lineOf(JSON.parse(text) as ListEntry));
  return report;
}

function keyOf({ list, id }: ListEntry): string {
  return `${list}\n${id}`;
}

function lineOf({ list, id, names, label, addresses }: ListEntry): DeltaLine {
  const name = names[0]?.text ?? label ?? addresses[0]?.address ?? '';
  return { source: list, id, name: name.slice(0, 300) };
}
