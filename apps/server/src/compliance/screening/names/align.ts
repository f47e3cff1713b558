import type { Name, NameToken } from './read-name.ts';
import type { MatchSettings } from './settings.ts';
import { compareTokens, type Likeness, type Similarity } from './similarity.ts';
import { bonesOf, foldOf } from './sounds.ts';

/** Parts of two names that are held to be the same; one side may be several written apart. */
export type Pair = {
  asked: readonly NameToken[];
  listed: readonly NameToken[];
  value: number;
  likeness: Likeness;
  weight: number;
};

export type Alignment = {
  pairs: readonly Pair[];
  restAsked: readonly NameToken[];
  restListed: readonly NameToken[];
  inOrder: boolean;
};

type Block = Similarity & {
  weight: number;
  i: number;
  iCount: number;
  j: number;
  jCount: number;
};

/** "Plat Ono Vich" is one part; more pieces than three are another matter. */
const MAX_JOINED = 3;
/** Letters that a script without vowels, or one that spells roughly, may leave out. */
const MAX_ROUGH_DIFFERENCE = 3;
/** Parts written together or apart agree nearly, not quite. */
const JOINED = 0.97;
const ACRONYM = 0.85;

/**
 * Pairs the parts of two names, each at most once, in whatever order, the best pair first. Greedy:
 * names are short, and where two pairings are near each other their scores are too.
 */
export function alignNames(asked: Name, listed: Name, settings: MatchSettings): Alignment {
  const a = asked.kind === 'person' ? distinct(asked.tokens) : asked.tokens;
  const b = asked.kind === 'person' ? distinct(listed.tokens) : listed.tokens;
  const short = asked.kind === 'organisation' ? acronymBlocks(asked, listed) : [];
  const blocks = [...blocksOf(a, b, settings), ...short].sort(
    (x, y) => y.value * y.weight * y.value - x.value * x.weight * x.value,
  );
  const usedA = new Set<number>();
  const usedB = new Set<number>();
  const chosen = blocks.filter((block) => {
    const free =
      range(block.i, block.iCount).every((at) => !usedA.has(at)) &&
      range(block.j, block.jCount).every((at) => !usedB.has(at));
    if (!free) return false;
    for (const at of range(block.i, block.iCount)) usedA.add(at);
    for (const at of range(block.j, block.jCount)) usedB.add(at);
    return true;
  });
  chosen.sort((x, y) => x.i - y.i);
  return {
    pairs: chosen.map((block) => ({
      asked: a.slice(block.i, block.i + block.iCount),
      listed: b.slice(block.j, block.j + block.jCount),
      value: block.value,
      likeness: block.likeness,
      weight: block.weight,
    })),
    restAsked: a.filter((_, at) => !usedA.has(at)),
    restListed: b.filter((_, at) => !usedB.has(at)),
    inOrder: chosen.every((block, at) => at === 0 || block.j > (chosen[at - 1]?.j ?? -1)),
  };
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

/** "Sergey Sergey Shoigu" says nothing that "Sergey Shoigu" does not. */
function distinct(tokens: readonly NameToken[]): readonly NameToken[] {
  const seen = new Set<string>();
  const kept = tokens.filter(({ text, class: found }) => {
    const repeated = found !== 'initial' && found !== 'particle' && seen.has(text);
    seen.add(text);
    return !repeated;
  });
  return kept.length === tokens.length ? tokens : kept;
}

function blocksOf(
  a: readonly NameToken[],
  b: readonly NameToken[],
  settings: MatchSettings,
): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      const [x, y] = [a[i], b[j]];
      if (x === undefined || y === undefined) continue;
      const likeness = compareTokens(x, y, settings);
      if (likeness !== undefined) {
        const weight =
          x.class === 'initial' || y.class === 'initial'
            ? Math.min(x.weight, y.weight)
            : (x.weight + y.weight) / 2;
        blocks.push({ ...likeness, weight, i, iCount: 1, j, jCount: 1 });
      }
      for (let count = 2; count <= MAX_JOINED; count++) {
        const left = joined(a, i, count, y, settings);
        if (left !== undefined) blocks.push({ ...left, i, iCount: count, j, jCount: 1 });
        const right = joined(b, j, count, x, settings);
        if (right !== undefined) blocks.push({ ...right, i, iCount: 1, j, jCount: count });
      }
    }
  }
  return blocks;
}

function joined(
  tokens: readonly NameToken[],
  from: number,
  count: number,
  other: NameToken,
  settings: MatchSettings,
): (Similarity & { weight: number }) | undefined {
  if (from + count > tokens.length || other.class === 'initial') return undefined;
  // Nearly all are refused here, before anything is made.
  let letters = 0;
  for (let at = from; at < from + count; at++) letters += tokens[at]?.text.length ?? 0;
  if (Math.abs(letters - other.text.length) > 3 || letters < 4) return undefined;
  const pieces = tokens.slice(from, from + count);
  const text = pieces.map((piece) => piece.text).join('');
  if (pieces.some((piece) => piece.class === 'number' || piece.class === 'initial'))
    return undefined;
  const fold = foldOf(text);
  const first = pieces[0];
  const isRough = other.fidelity !== 'full' || pieces.some(({ fidelity }) => fidelity !== 'full');
  const apart = isRough ? MAX_ROUGH_DIFFERENCE : 1;
  if (first === undefined || Math.abs(fold.length - other.fold.length) > apart) return undefined;
  const plain = { ...first, text, fold, bones: bonesOf(fold), class: other.class };
  const whole: NameToken = { ...plain, groups: undefined, isGivenName: false, isCommon: false };
  const likeness = compareTokens(whole, other, settings);
  if (likeness === undefined) return undefined;
  const weight = pieces.reduce((sum, piece) => sum + piece.weight, 0);
  return {
    likeness: likeness.likeness,
    value: likeness.value * JOINED,
    weight: Math.max(other.weight, (weight + other.weight) / 2),
  };
}

/** Fewer letters stand for anything. */
const MIN_ACRONYM = 3;
/** What each word that a letter stands for counts. */
const ACRONYM_WEIGHT = 0.5;

/** "IRGC" for "Islamic Revolutionary Guard Corps": a part with the first letters of words in a row. */
function acronyms(
  short: readonly NameToken[],
  { tokens: long, initials }: Pick<Name, 'tokens' | 'initials'>,
): { at: number; from: number; count: number; weight: number }[] {
  const found: ReturnType<typeof acronyms> = [];
  short.forEach(({ text }, at) => {
    if (text.length < MIN_ACRONYM || long.some((token) => token.text === text)) return;
    const weight = Math.max(1, text.length * ACRONYM_WEIGHT);
    // With the legal form, which is no part of the name any more: "CNOOC".
    if (text === initials) found.push({ at, from: 0, count: long.length, weight });
    for (let from = 0; from < long.length; from++) {
      if (long[from]?.class === 'stop') continue;
      let letters = '';
      for (let to = from; to < long.length && letters.length < text.length; to++) {
        const token = long[to];
        if (token === undefined || token.class === 'stop') continue;
        letters += token.text.charAt(0);
        if (letters === text) found.push({ at, from, count: to - from + 1, weight });
      }
    }
  });
  return found;
}

function acronymBlocks(a: Name, b: Name): Block[] {
  const same = { value: ACRONYM, likeness: 'acronym' as const };
  return [
    ...acronyms(a.tokens, b).map(({ at, from, count, weight }): Block => {
      return { ...same, weight, i: at, iCount: 1, j: from, jCount: count };
    }),
    ...acronyms(b.tokens, a).map(({ at, from, count, weight }): Block => {
      return { ...same, weight, i: from, iCount: count, j: at, jCount: 1 };
    }),
  ];
}
