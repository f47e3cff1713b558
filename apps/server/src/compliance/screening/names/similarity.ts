import type { NameToken } from './read-name.ts';
import type { MatchSettings } from './settings.ts';
import { soundDistance } from './sounds.ts';
import { NAME_GROUPS } from './vocabulary.ts';

/** Why two parts of names are held to be alike; the explanation says it. */
export type Likeness =
  | 'same'
  | 'sounds-alike'
  | 'similar-spelling'
  | 'same-consonants'
  | 'form-of-one-name'
  | 'initial'
  | 'acronym'
  | 'reversed';

export type Similarity = { value: number; likeness: Likeness };

/** Grades two parts from 0 to 1, or tells that they are not alike at all. */
export function compareTokens(
  a: NameToken,
  b: NameToken,
  settings: MatchSettings,
): Similarity | undefined {
  if (a.text === b.text) return { value: 1, likeness: 'same' };
  if (a.class === 'number' || b.class === 'number') return undefined;
  if (a.class === 'initial' || b.class === 'initial') return compareInitial(a, b, settings);
  // A name after the father is not the father's name.
  if ((a.class === 'patronymic') !== (b.class === 'patronymic')) return undefined;
  if (a.class === 'particle' && b.class === 'particle') return particles(a, b);
  if (a.fold === b.fold) {
    const value = isPinyin(a) || isPinyin(b) ? settings.pinyinAlike : settings.soundsAlike;
    return { value, likeness: 'sounds-alike' };
  }
  const spelled = compareSpelling(a, b, settings);
  const related = compareForms(a, b, settings);
  const rough = compareBones(a, b, settings);
  return best([spelled, related, rough]);
}

/** Pinyin is exact: another spelling is another name, or one in another system. */
function isPinyin({ script, fidelity }: NameToken): boolean {
  return script === 'han' && fidelity === 'full';
}

function best(found: readonly (Similarity | undefined)[]): Similarity | undefined {
  let top: Similarity | undefined;
  for (const one of found) if (one !== undefined && one.value > (top?.value ?? 0)) top = one;
  return top;
}

function compareInitial(
  a: NameToken,
  b: NameToken,
  settings: MatchSettings,
): Similarity | undefined {
  if (a.class === b.class || a.class === 'particle' || b.class === 'particle') return undefined;
  const alike = a.text.charAt(0) === b.text.charAt(0);
  return alike ? { value: settings.initial, likeness: 'initial' } : undefined;
}

const SON_OF = new Set(['bin', 'ben', 'ibn', 'oglu', 'ogly', 'ould', 'wuld', 'walad']);
const ARTICLE = new Set(['al', 'el', 'ul', 'as', 'ad', 'an', 'az', 'ash', 'at', 'ar', 'ur']);

function particles(a: NameToken, b: NameToken): Similarity | undefined {
  const same = [SON_OF, ARTICLE].some((set) => set.has(a.text) && set.has(b.text));
  return same ? { value: 1, likeness: 'sounds-alike' } : undefined;
}

/** How much a spelling of so many letters may differ and still be graded. */
function budget(letters: number, settings: MatchSettings): number {
  if (letters < 3) return 0;
  return letters === 3 ? 0.35 : settings.budgetPerLetter * letters - 0.2;
}

function compareSpelling(
  a: NameToken,
  b: NameToken,
  settings: MatchSettings,
): Similarity | undefined {
  const letters = Math.max(a.text.length, b.text.length);
  const strict = isPinyin(a) || isPinyin(b) ? 0.4 : 1;
  const allowed = budget(letters, settings) * strict;
  if (allowed <= 0) return undefined;
  const first = a.fold.charAt(0) === b.fold.charAt(0) ? 0 : settings.firstLetter;
  const cost = Math.min(
    soundDistance(a.text, b.text, allowed),
    soundDistance(a.fold, b.fold, allowed) + 0.15,
  );
  if (cost + first > allowed) {
    const reversed = a.text.length >= 5 && a.text === [...b.text].reverse().join('');
    return reversed ? { value: settings.reversed, likeness: 'reversed' } : undefined;
  }
  const value = 1 - settings.spellingSlope * ((cost + first) / allowed);
  return { value: Math.min(value, settings.soundsAlike), likeness: 'similar-spelling' };
}

function compareForms(a: NameToken, b: NameToken, settings: MatchSettings): Similarity | undefined {
  const ofA = NAME_GROUPS.get(a.text);
  const ofB = ofA === undefined ? undefined : NAME_GROUPS.get(b.text);
  const shared = ofA?.some((group) => ofB?.includes(group)) ?? false;
  return shared ? { value: settings.nameForm, likeness: 'form-of-one-name' } : undefined;
}

function consonants(fold: string): string {
  return fold.replace(/[aeiouyvh]/g, '');
}

function compareBones(a: NameToken, b: NameToken, settings: MatchSettings): Similarity | undefined {
  if (a.fidelity === 'full' && b.fidelity === 'full') return undefined;
  // Two names in the same script are compared in it; bones are for what scripts do not share.
  if (a.script === b.script || a.class !== b.class) return undefined;
  if (a.bones.length < 2 || Math.abs(a.text.length - b.text.length) > 5) return undefined;
  if (a.bones !== b.bones) return undefined;
  // Each consonant more makes chance less likely.
  const share = Math.min(1, (a.bones.length - 2) / 2);
  const exact = consonants(a.fold) === consonants(b.fold) ? settings.bonesExact : 0;
  const value = exact + settings.bonesShort + share * (settings.bones - settings.bonesShort);
  return { value, likeness: 'same-consonants' };
}
