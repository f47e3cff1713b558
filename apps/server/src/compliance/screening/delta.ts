import type { ListEntry } from './list-entry.ts';

/** What changed between two versions of a list: by the list's own ids. */
export type ListDelta = {
  added: ListEntry[];
  removed: ListEntry[];
  changed: { before: ListEntry; after: ListEntry; fields: (keyof ListEntry)[] }[];
  unchanged: number;
};

const FIELDS: readonly (keyof ListEntry)[] = [
  'schema',
  'names',
  'birthDates',
  'countries',
  'gender',
  'addresses',
  'label',
  'topics',
];

/** Compares two versions of one list. The order of entries, and of what an entry lists, is no change. */
export function compareLists(before: readonly ListEntry[], after: readonly ListEntry[]): ListDelta {
  const old = new Map(before.map((entry) => [entry.id, entry]));
  const delta: ListDelta = { added: [], removed: [], changed: [], unchanged: 0 };
  const seen = new Set<string>();
  for (const entry of after) {
    seen.add(entry.id);
    const known = old.get(entry.id);
    if (known === undefined) {
      delta.added.push(entry);
      continue;
    }
    const fields = changedFields(known, entry);
    if (fields.length === 0) delta.unchanged++;
    else delta.changed.push({ before: known, after: entry, fields });
  }
  delta.removed = before.filter((entry) => !seen.has(entry.id));
  return delta;
}

/** What of an entry differs between two versions. */
export function changedFields(before: ListEntry, after: ListEntry): (keyof ListEntry)[] {
  return FIELDS.filter((field) => canonical(before[field]) !== canonical(after[field]));
}

function canonical(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value
    .map((one) => JSON.stringify(one))
    .toSorted()
    .join('\n');
}
