import type { Name, NameToken } from './read-name.ts';
import { type Alignment, alignNames, type Pair } from './align.ts';
import { DEFAULT_SETTINGS, type MatchSettings } from './settings.ts';
import type { Likeness } from './similarity.ts';

/** A score of 1 in points. Scores are whole points, so that their parts add up exactly. */
export const FULL_POINTS = 10_000;

/** What a score is made of. The points of all parts add up to the score. */
export type ScorePart = {
  kind:
    | 'likeness'
    | 'conflict'
    | 'extra'
    | 'little-information'
    | 'single-part'
    | 'common-names'
    | 'weak-alias'
    | 'order'
    | 'spelling'
    | 'brevity'
    | 'legal-form'
    | 'title'
    | 'birth-date'
    | 'country'
    | 'gender'
    | 'limit';
  points: number;
  /** What of the name asked about, and what of the listed one, this part is about. */
  asked?: string;
  listed?: string;
  likeness?: Likeness | 'different' | 'partly-same';
};

export type Score = { points: number; parts: readonly ScorePart[] };

/** What the lists tell of a part of a name. */
export type Frequencies = {
  /** Bits of information: the logarithm of how few of the listed names bear this part. */
  bits(token: NameToken): number;
};

/** So many bits single out one name among all lists with little doubt. */
const ENOUGH_BITS = 32;

/** What a name tells at most that one of some hundreds of people bears. */
const COMMON_BITS = 9;

export type Scoring = { settings?: MatchSettings; frequencies?: Frequencies; weak?: boolean };

/**
 * Scores the likeness of two names, by their parts alone.
 * @param asked the name in question, @param listed the name on a list: a one-part alias that meets a
 *   longer name says less than a short question that meets a longer alias
 */
export function scoreNames(asked: Name, listed: Name, scoring: Scoring = {}): Score {
  const settings = scoring.settings ?? DEFAULT_SETTINGS;
  const alignment = alignNames(asked, listed, settings);
  if (alignment.pairs.length === 0) return { points: 0, parts: [] };
  const parts = [...likenessParts(alignment, asked, settings)];
  const base = total(parts);
  parts.push(...deductions(asked, listed, alignment, base, { ...scoring, settings }));
  return limited(parts);
}

/** Adds parts, and one more where the sum would leave the scale. */
export function limited(parts: readonly ScorePart[]): Score {
  const kept = parts.filter(({ points, kind }) => points !== 0 || kind === 'likeness');
  const sum = total(kept);
  const points = Math.min(FULL_POINTS, Math.max(0, sum));
  const limit: ScorePart[] = points === sum ? [] : [{ kind: 'limit', points: points - sum }];
  return { points, parts: [...kept, ...limit] };
}

function total(parts: readonly ScorePart[]): number {
  return parts.reduce((sum, { points }) => sum + points, 0);
}

function text(tokens: readonly NameToken[]): string {
  return tokens.map((token) => token.text).join(' ');
}

/** Each pair's share, less what contradicts and what only one of the names has. */
function likenessParts(
  { pairs, restAsked, restListed }: Alignment,
  asked: Name,
  settings: MatchSettings,
): ScorePart[] {
  const weight = pairs.reduce((sum, pair) => sum + pair.weight, 0);
  const parts = pairs.map(
    (pair): ScorePart => ({
      kind: 'likeness',
      points: Math.round((FULL_POINTS * pair.value * pair.weight) / weight),
      asked: text(pair.asked),
      listed: text(pair.listed),
      likeness: pair.likeness,
    }),
  );
  const [conflict, extra] = against(restAsked, restListed, asked, settings);
  const factor = weight / (weight + conflict + extra);
  const loss = Math.round(total(parts) * (1 - factor));
  if (loss === 0) return parts;
  const ofConflict = Math.round((loss * conflict) / (conflict + extra));
  const who = { asked: text(restAsked), listed: text(restListed) };
  parts.push({ kind: 'conflict', points: -ofConflict, ...who });
  parts.push({ kind: 'extra', points: ofConflict - loss, ...who });
  return parts;
}

/** An initial that contradicts says nearly as much as a name that does. */
const INITIAL_CONFLICT = 0.8;

function against(
  restAsked: readonly NameToken[],
  restListed: readonly NameToken[],
  { kind }: Name,
  settings: MatchSettings,
): [conflict: number, extra: number] {
  const sum = (tokens: readonly NameToken[]) =>
    tokens.reduce(
      (all, token) => all + (token.class === 'initial' ? INITIAL_CONFLICT : token.weight),
      0,
    );
  const [asked, listed] = [sum(restAsked), sum(restListed)];
  const both = Math.min(asked, listed);
  const ofPerson = asked > listed ? settings.extraAsked : settings.extraListed;
  const rate = kind === 'person' ? ofPerson : settings.extraOrganisation;
  return [both * settings.conflict, (Math.max(asked, listed) - both) * rate];
}

/** A name's worth of weight has to agree before a score may be high. */
const NEEDED_WEIGHT = { person: 1, organisation: 0.9, vessel: 0.9 };

function deductions(
  asked: Name,
  listed: Name,
  alignment: Alignment,
  base: number,
  { settings, frequencies, weak }: Scoring & { settings: MatchSettings },
): ScorePart[] {
  const { pairs, restAsked, restListed, inOrder } = alignment;
  const agreed = pairs.reduce((sum, pair) => sum + pair.weight * telling(pair), 0);
  const missing = Math.max(0, 1 - agreed / NEEDED_WEIGHT[asked.kind]);
  const letters = pairs.reduce((sum, pair) => sum + text(pair.asked).length, 0);
  const incomplete = restAsked.length + restListed.length > 0;
  const points = (share: number) => -Math.round(FULL_POINTS * share);
  const parts: ScorePart[] = [
    { kind: 'little-information', points: -Math.round(base * missing) },
    { kind: 'brevity', points: points((settings.brevity * 10) / (10 + letters)) },
    { kind: 'single-part', points: points(singlePart(asked, listed, pairs, settings)) },
    { kind: 'order', points: inOrder ? 0 : points(settings.order) },
    { kind: 'spelling', points: asked.raw === listed.raw ? 0 : points(0.005) },
    { kind: 'title', points: sameList(asked.titles, listed.titles) ? 0 : points(0.005) },
    { kind: 'legal-form', points: points(legalDeduction(asked, listed, settings)) },
    { kind: 'weak-alias', points: weak === true ? points(0.05) : 0 },
  ];
  if (frequencies !== undefined) {
    const bits = informationOf(pairs, frequencies);
    const common = Math.max(0, 1 - bits / ENOUGH_BITS) * settings.common;
    parts.push({ kind: 'common-names', points: points(incomplete ? common : common / 3) });
  }
  return parts;
}

/** General words that agree by their meaning only tell half of what the same words would. */
function telling({ listed, likeness }: Pair): number {
  const isGeneral = listed.every((token) => token.class === 'generic' || token.class === 'stop');
  return isGeneral && likeness === 'form-of-one-name' ? 0.5 : 1;
}

function informationOf(pairs: readonly Pair[], frequencies: Frequencies): number {
  let bits = 0;
  for (const { listed, value } of pairs) {
    // Pieces of one part tell as much as the rarest of them.
    const each = listed.map((token) => {
      const light = ['initial', 'particle', 'stop'].includes(token.class);
      const bits = light ? 1 : frequencies.bits(token);
      return token.isCommon ? Math.min(bits, COMMON_BITS) : bits;
    });
    bits += Math.max(0, ...each) * value;
  }
  return bits;
}

function singlePart(
  asked: Name,
  listed: Name,
  pairs: readonly Pair[],
  settings: MatchSettings,
): number {
  if (asked.kind !== 'person' || pairs.length > 1) return 0;
  const names = (name: Name) =>
    name.tokens.filter((token) => token.class !== 'particle' && token.class !== 'initial').length;
  const only = pairs[0];
  if (only === undefined || only.asked.length + only.listed.length > 2) return 0;
  if (names(listed) === 1 && names(asked) > 1) return settings.singlePart * 5;
  return names(asked) === 1 && names(listed) > 1 ? settings.singlePart : 0;
}

function legalDeduction(asked: Name, listed: Name, settings: MatchSettings): number {
  const of = ({ legal }: Name) => legal.filter((form) => form !== 'any');
  const [a, b] = [of(asked), of(listed)];
  if (a.length === 0 && b.length === 0) return 0;
  if (a.length === 0 || b.length === 0) return asked.kind === 'person' ? 0.05 : 0.01;
  return a.some((form) => b.includes(form)) ? 0 : settings.legalConflict;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
