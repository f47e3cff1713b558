import type { ListEntry, ListedName } from './list-entry.ts';
import { type Facts, weighFacts } from './names/evidence.ts';
import { kindOf, type Name, type NameKind, type NameToken, readNames } from './names/read-name.ts';
import { type Frequencies, limited, type Score, scoreNames } from './names/score.ts';
import { DEFAULT_SETTINGS, type MatchSettings } from './names/settings.ts';
import { compareTokens } from './names/similarity.ts';
import { bonesOf, foldOf } from './names/sounds.ts';

/** Who is screened. `kind` null: unknown, so that lists of people and of bodies are both asked. */
export type Question = Facts & { name: string; kind: NameKind | null };

export type Hit = {
  entry: ListEntry;
  name: ListedName;
  score: Score;
  match: boolean;
};

export type NameIndex = {
  readonly nameCount: number;
  readonly entryCount: number;
  /** The best entries, best first, at most `limit` of them. */
  search(question: Question, limit: number): Hit[];
  readonly frequencies: Frequencies;
};

/** Names of candidates that are scored in full: ranks beyond have never held a match in tests. */
const MAX_CANDIDATES = 48;
/** Parts below this likeness find no candidates: a name needs a better one to match anyway. */
const MIN_LIKENESS = 0.5;
/** A key that so many parts share tells nothing; the parts have other keys. */
const MAX_KEY_PARTS = 400;
/** Of the lighter name's weight, what has to agree roughly before a name is scored in full. */
const MIN_SHARE = 0.5;

type Indexed = { name: Name; listed: ListedName; entry: number; weight: number };

/** A listed part that is like one that was asked for. */
type Found = { part: Part; value: number };
/** Found parts that are kept for the next question, some 20 MB; then they are forgotten together. */
const MAX_KEPT = 200_000;

/** A distinct part of listed names, and which names have it. */
type Part = { token: NameToken; names: number[] };

/** Entries that are indexed before other work has its turn: some milliseconds. */
const SLICE_ENTRIES = 100;

/** Builds the index of all names of the entries: parts, sounds, near spellings, parts run together. */
export function buildNameIndex(
  entries: readonly ListEntry[],
  settings: MatchSettings = DEFAULT_SETTINGS,
): NameIndex {
  const builder = openBuilder(settings);
  entries.forEach(builder.add);
  return builder.close();
}

/** The same in slices, so that a server answers meanwhile. */
export async function buildNameIndexInSlices(
  entries: readonly ListEntry[],
  settings: MatchSettings = DEFAULT_SETTINGS,
): Promise<NameIndex> {
  const builder = openBuilder(settings);
  for (const [at, entry] of entries.entries()) {
    if (at % SLICE_ENTRIES === SLICE_ENTRIES - 1) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    builder.add(entry);
  }
  return builder.close();
}

function openBuilder(settings: MatchSettings): {
  add(entry: ListEntry): void;
  close(): NameIndex;
} {
  const entries: ListEntry[] = [];
  const names: Indexed[] = [];
  const parts: Part[] = [];
  const partIds = new Map<string, number>();
  const keys = new Map<string, number[]>();

  const post = (token: NameToken, name: number, run = false) => {
    const id = run ? `run|${token.text}` : `${token.class}|${token.script}|${token.text}`;
    const known = partIds.get(id);
    const part = known === undefined ? undefined : parts[known];
    if (part !== undefined) {
      if (part.names.at(-1) !== name) part.names.push(name);
      return part.token;
    }
    partIds.set(id, parts.length);
    for (const key of run ? runKeys(token) : keysOf(token)) {
      const list = keys.get(key);
      if (list === undefined) keys.set(key, [parts.length]);
      else list.push(parts.length);
    }
    parts.push({ token, names: [name] });
    return token;
  };

  return {
    add(entry) {
      const kind = kindOf(entry.schema);
      for (const listed of entry.names) {
        for (const name of readNames(listed.text, kind)) {
          const at = names.length;
          const tokens = name.tokens.map((token) => post(token, at));
          for (const run of runsTogether(tokens)) post(run, at, true);
          const weight = tokens.reduce((sum, token) => sum + token.weight, 0);
          names.push({ name: { ...name, tokens }, listed, entry: entries.length, weight });
        }
      }
      entries.push(entry);
    },
    close() {
      const frequencies = frequenciesOf(names.length, parts, partIds);
      const gather = makeGather({ names, parts, keys, settings });
      return {
        nameCount: names.length,
        entryCount: entries.length,
        frequencies,
        search: (question, limit) =>
          search(question, limit, { names, entries, frequencies, gather, settings }),
      };
    },
  };
}

function search(
  question: Question,
  limit: number,
  index: {
    names: readonly Indexed[];
    entries: readonly ListEntry[];
    frequencies: Frequencies;
    gather(asked: Name): number[];
    settings: MatchSettings;
  },
): Hit[] {
  const { names, entries, frequencies, gather, settings } = index;
  const kinds: NameKind[] =
    question.kind === null ? ['person', 'organisation', 'vessel'] : [question.kind];
  const best = new Map<number, Hit>();
  for (const kind of kinds) {
    for (const asked of readNames(question.name, kind)) {
      for (const at of gather(asked)) {
        const found = names[at];
        const entry = found === undefined ? undefined : entries[found.entry];
        if (found === undefined || entry === undefined) continue;
        const weak = found.listed.kind === 'weak';
        const byName = scoreNames(asked, found.name, { settings, frequencies, weak });
        const known = best.get(found.entry);
        const score = limited([...byName.parts, ...weighFacts(question, entry)]);
        if (known !== undefined && known.score.points >= score.points) continue;
        const match = score.points >= settings.cut * 10_000;
        best.set(found.entry, { entry, name: found.listed, score, match });
      }
    }
  }
  const hits = [...best.values()].sort((a, b) => b.score.points - a.score.points);
  return hits.slice(0, limit);
}

/** The keys under which a part is found: itself, its sound, its bones, its sound less a letter. */
function keysOf({ text, fold, bones, class: found, groups }: NameToken): Set<string> {
  const keys = new Set([`t${text}`, `f${fold}`]);
  if (found === 'number' || found === 'particle' || found === 'initial') return keys;
  if (bones.length >= 2) keys.add(`b${bones}`);
  for (const group of groups ?? []) keys.add(`${found === 'generic' ? 'w' : 'g'}${group}`);
  if (fold.length < 4) return keys;
  keys.add(`d${fold}`);
  for (let i = 0; i < fold.length; i++) keys.add(`d${fold.slice(0, i)}${fold.slice(i + 1)}`);
  return keys;
}

/** Runs are found by what is written as one; their near spellings are found by their pieces. */
function runKeys({ text, fold, bones, fidelity }: NameToken): string[] {
  const keys = [`t${text}`, `f${fold}`];
  return fidelity !== 'full' && bones.length >= 3 ? [...keys, `b${bones}`] : keys;
}

/** Neighbouring parts written as one: "Al Assad" is also "alassad". */
function runsTogether(tokens: readonly NameToken[]): NameToken[] {
  const runs: NameToken[] = [];
  for (let count = 2; count <= 3; count++) {
    for (let i = 0; i + count <= tokens.length; i++) {
      const pieces = tokens.slice(i, i + count);
      const light = pieces.some((piece) => piece.class === 'initial' || piece.class === 'number');
      const first = pieces[0];
      if (light || first === undefined) continue;
      const text = pieces.map((piece) => piece.text).join('');
      const fold = foldOf(text);
      const weight = pieces.reduce((sum, piece) => sum + piece.weight, 0);
      const plain = { ...first, text, fold, bones: bonesOf(fold), class: 'name' as const, weight };
      runs.push({ ...plain, groups: undefined, isGivenName: false, isCommon: false });
    }
  }
  return runs;
}

function frequenciesOf(
  nameCount: number,
  parts: readonly Part[],
  partIds: ReadonlyMap<string, number>,
): Frequencies {
  const all = Math.log2(Math.max(2, nameCount));
  return {
    bits(token) {
      const id = partIds.get(`${token.class}|${token.script}|${token.text}`);
      const count = id === undefined ? 1 : (parts[id]?.names.length ?? 1);
      return all - Math.log2(count);
    },
  };
}

const KINDS: readonly NameKind[] = ['person', 'organisation', 'vessel'];

/** Finds the names worth scoring: adds up, over the parts asked for, the likeness of listed parts. */
function makeGather(index: {
  names: readonly Indexed[];
  parts: readonly Part[];
  keys: ReadonlyMap<string, number[]>;
  settings: MatchSettings;
}): (asked: Name) => number[] {
  const { names, parts, keys, settings } = index;
  const sums = new Float32Array(names.length);
  // A common part has thousands of names: what is asked of each lies in a row, not behind objects.
  const kinds = Uint8Array.from(names, ({ name }) => KINDS.indexOf(name.kind));
  const weights = Float32Array.from(names, ({ weight }) => weight);
  const seenBy = new Int32Array(names.length);
  let stamp = 0;

  /** What was found for parts that were asked for: names share them, "Mohammed" above all. */
  const kept = new Map<string, readonly Found[]>();
  let keptCount = 0;

  const similar = (
    token: NameToken,
    keysFor: (token: NameToken) => Iterable<string>,
  ): readonly Found[] => {
    const id = `${keysFor === runKeys ? 'run' : token.class}|${token.script}|${token.text}`;
    const known = kept.get(id);
    if (known !== undefined) return known;
    const found = lookUp(token, keysFor(token));
    if (keptCount > MAX_KEPT) {
      kept.clear();
      keptCount = 0;
    }
    kept.set(id, found);
    keptCount += 1 + found.length;
    return found;
  };

  const lookUp = (token: NameToken, wanted: Iterable<string>): Found[] => {
    const ids = new Set<number>();
    for (const key of wanted) {
      const list = keys.get(key);
      // The bones of common names are shared by hundreds; only rough spellings need them.
      if (list === undefined) continue;
      if (key.startsWith('b') && token.fidelity === 'full' && token.bones.length < 3) continue;
      if (list.length > MAX_KEY_PARTS && !key.startsWith('t')) continue;
      for (const id of list) ids.add(id);
    }
    const found: Found[] = [];
    for (const id of ids) {
      const part = parts[id];
      const value =
        part === undefined ? undefined : compareTokens(token, part.token, settings)?.value;
      if (part !== undefined && value !== undefined && value >= MIN_LIKENESS) {
        found.push({ part, value });
      }
    }
    return found.sort((a, b) => b.value - a.value);
  };

  return (asked) => {
    const touched: number[] = [];
    const kind = KINDS.indexOf(asked.kind);
    const weight = asked.tokens.reduce((sum, token) => sum + token.weight, 0);
    const add = (token: NameToken, keysFor: (token: NameToken) => Iterable<string>) => {
      stamp++;
      for (const { part, value } of similar(token, keysFor)) {
        const worth = value * Math.min(token.weight, part.token.weight);
        for (const at of part.names) {
          if (seenBy[at] === stamp || kinds[at] !== kind) continue;
          seenBy[at] = stamp;
          if (sums[at] === 0) touched.push(at);
          sums[at] = (sums[at] ?? 0) + worth;
        }
      }
    };
    const telling = asked.tokens.filter(
      ({ class: found }) => found !== 'particle' && found !== 'stop' && found !== 'initial',
    );
    for (const token of telling.length > 0 ? telling : asked.tokens) {
      add(token, keysOf);
    }
    for (const run of runsTogether(asked.tokens)) add(run, runKeys);
    const ranked: { at: number; rank: number }[] = [];
    for (const at of touched) {
      const other = weights[at] ?? 0;
      const [lighter, heavier] = weight < other ? [weight, other] : [other, weight];
      const rank = (sums[at] ?? 0) / (lighter + 0.1 * (heavier - lighter));
      if (rank >= MIN_SHARE) ranked.push({ at, rank });
      sums[at] = 0;
    }
    ranked.sort((x, y) => y.rank - x.rank || x.at - y.at);
    return ranked.slice(0, MAX_CANDIDATES).map(({ at }) => at);
  };
}
