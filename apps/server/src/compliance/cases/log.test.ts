import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFault, hashOfEntry, isSame, LOG_START, type LogEntry, sha256 } from './log.ts';

const entryText = fc.record({ kind: fc.string(), actor: fc.string(), content: fc.string() });

/** A log as the database writes it. */
function logOf(texts: readonly { kind: string; actor: string; content: string }[]): LogEntry[] {
  const entries: LogEntry[] = [];
  let prevHash = LOG_START.hash;
  for (const [i, text] of texts.entries()) {
    const open = {
      ...{ merchantId: 'm', caseId: 'c', sequence: BigInt(i + 1), id: `e${i}`, atMs: i, ...text },
      ...{ contentSha256: sha256(text.content), prevHash },
    };
    const hash = hashOfEntry(open);
    entries.push({ ...open, hash });
    prevHash = hash;
  }
  return entries;
}

function isWhole(entries: readonly LogEntry[], headHash: Uint8Array): boolean {
  let place = LOG_START;
  for (const entry of entries) {
    if (findFault(place, entry) !== undefined) return false;
    place = entry;
  }
  return isSame(place.hash, headHash);
}

const logs = fc.array(entryText, { minLength: 2, maxLength: 8 }).map(logOf);
const at = fc.nat();

test('a log as it was written is whole, with erased contents too', () => {
  fc.assert(
    fc.property(logs, at, (log, n) => {
      const head = log.at(-1)?.hash ?? LOG_START.hash;
      expect(isWhole(log, head)).toBe(true);
      const erased = log.map((entry, i) =>
        i === n % log.length ? { ...entry, content: null } : entry,
      );
      expect(isWhole(erased, head)).toBe(true);
    }),
  );
});

test('a changed, removed, added, moved or cut-off entry is found, whatever it was', () => {
  fc.assert(
    fc.property(logs, at, fc.constantFrom(...Object.keys(changes)), (log, n, how) => {
      const head = log.at(-1)?.hash ?? LOG_START.hash;
      const changed = changes[how]?.(log, n % log.length) ?? [];
      expect(isWhole(changed, head), how).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

type Forge = (log: readonly LogEntry[], i: number) => readonly LogEntry[];
const edit =
  (change: (entry: LogEntry) => Partial<LogEntry>): Forge =>
  (log, i) =>
    log.map((entry, n) => (n === i ? { ...entry, ...change(entry) } : entry));

const changes: Record<string, Forge> = {
  content: edit(({ content }) => ({ content: `${content}!` })),
  'content with its sum': edit(({ content }) => ({
    ...{ content: `${content}!`, contentSha256: sha256(`${content}!`) },
  })),
  // One who computes the hash anew is found by the next entry, or by the head.
  'content with its hash': edit((entry) => {
    const forged = { ...entry, content: 'x', contentSha256: sha256(`${entry.content}x`) };
    return { ...forged, content: `${entry.content}x`, hash: hashOfEntry(forged) };
  }),
  actor: edit(({ actor }) => ({ actor: `${actor}!` })),
  kind: edit(({ kind }) => ({ kind: `${kind}!` })),
  time: edit(({ atMs }) => ({ atMs: atMs + 1 })),
  // A netstring says where a field ends: what moves from one to the next is seen.
  'actor and kind moved': edit(({ actor, kind }) => ({ actor: `${actor}${kind}x`, kind: '' })),
  merchant: edit(() => ({ merchantId: 'n' })),
  removed: (log, i) => log.filter((_, n) => n !== i),
  doubled: (log, i) => log.flatMap((entry, n) => (n === i ? [entry, entry] : [entry])),
  swapped: (log, i) => {
    const j = (i + 1) % log.length;
    return log.map((entry, n) => log[n === i ? j : n === j ? i : n] ?? entry);
  },
  'cut off': (log, i) => log.slice(0, i),
};
