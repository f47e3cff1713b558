import type { NameToken } from './read-name.ts';
import type { MatchSettings } from './settings.ts';
import { soundDistance } from './sounds.ts';

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
  // A name after the father is not the father's name, but may be misspelled.
  const isFathers = (a.class === 'patronymic') !== (b.class === 'patronymic');
  if (isFathers) return compareSpelling(a, b, settings, 0.5);
  if (a.class === 'particle' && b.class === 'particle') return particles(a, b);
  if (a.fold === b.fold) {
    const value = isPinyin(a) || isPinyin(b) ? settings.pinyinAlike : settings.soundsAlike;
    return { value, likeness: 'sounds-alike' };
  }
  const related = compareForms(a, b, settings);
  if (related === undefined && a.isGivenName && b.isGivenName && isFull(a) && isFull(b)) {
    return undefined;
  }
  const spelled = compareSpelling(a, b, settings, isOneSyllable(a, b) ? 0.4 : 1);
  const rough = compareBones(a, b, settings);
  return best([spelled, related, rough]);
}

function isFull({ fidelity }: NameToken): boolean {
  return fidelity === 'full';
}

/** The syllables of Mandarin, without tones: initials and finals, a few of which do not occur. */
const SYLLABLE =
  /^(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?(?:a|ai|an|ang|ao|e|ei|en|eng|er|i|ia|ian|iang|iao|ie|in|ing|iong|iu|o|ong|ou|u|ua|uai|uan|uang|ui|un|uo|ue)$/;

/** Two Chinese names of one syllable are other names when one letter differs: Fang and Feng. */
function isOneSyllable(a: NameToken, b: NameToken): boolean {
  return a.text.length <= 6 && b.text.length <= 6 && SYLLABLE.test(a.text) && SYLLABLE.test(b.text);
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
  share: number,
): Similarity | undefined {
  const letters = Math.max(a.text.length, b.text.length);
  const strict = isPinyin(a) || isPinyin(b) ? 0.4 : 1;
  const allowed = budget(letters, settings) * strict * share;
  if (allowed <= 0) return undefined;
  const first = a.fold.charAt(0) === b.fold.charAt(0) ? 0 : settings.firstLetter;
  const cost = Math.min(
    soundDistance(a.text, b.text, allowed),
    soundDistance(a.fold, b.fold, allowed) + 0.15,
  );
  if (cost + first > allowed) {
    return isReversed(a.text, b.text)
      ? { value: settings.reversed, likeness: 'reversed' }
      : undefined;
  }
  const value = 1 - settings.spellingSlope * ((cost + first) / allowed);
  return { value: Math.min(value, settings.soundsAlike), likeness: 'similar-spelling' };
}

/** Letters of these lengths are looked at backwards; a long word of the same letters is no accident. */
const MIN_REVERSED = 5;
const MIN_SCRAMBLED = 8;

/** Written backwards, wholly or nearly: the same letters, in about the other order. */
function isReversed(a: string, b: string): boolean {
  if (a.length !== b.length || a.length < MIN_REVERSED) return false;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a.charCodeAt(i) - b.charCodeAt(i);
  if (sum !== 0 || [...a].sort().join('') !== [...b].sort().join('')) return false;
  if (a.length >= MIN_SCRAMBLED) return true;
  return soundDistance([...a].reverse().join(''), b, 1) <= 1;
}

function compareForms(a: NameToken, b: NameToken, settings: MatchSettings): Similarity | undefined {
  const [ofA, ofB] = [a.groups, b.groups];
  const shared = ofA?.some((group) => ofB?.includes(group)) ?? false;
  return shared ? { value: settings.nameForm, likeness: 'form-of-one-name' } : undefined;
}

/** All consonants, h too: scripts without vowels write it. */
function consonants(fold: string): string {
  return fold.replace(/[aeiouyv]/g, '');
}

function compareBones(a: NameToken, b: NameToken, settings: MatchSettings): Similarity | undefined {
  if (a.fidelity === 'full' && b.fidelity === 'full') return undefined;
  // Two names in the same script are compared in it; bones are for what scripts do not share.
  if (a.script === b.script || a.class !== b.class) return undefined;
  if (a.bones.length < 2 || Math.abs(a.text.length - b.text.length) > 5) return undefined;
  if (a.bones !== b.bones) return undefined;
  const all = consonants(a.fold);
  const isExact = all === consonants(b.fold);
  // Each consonant more makes chance less likely.
  const count = isExact ? Math.max(all.length, a.bones.length) : a.bones.length;
  const share = Math.min(1, (count - 2) / 2);
  const exact = isExact ? settings.bonesExact : 0;
  const value = exact + settings.bonesShort + share * (settings.bones - settings.bonesShort);
  return { value, likeness: 'same-consonants' };
}
