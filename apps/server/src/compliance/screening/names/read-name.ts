import type { Script } from './letters.ts';
import { isBusinessWord, wordGroupsOf } from './business-words.ts';
import { COMMON_NAMES } from './common-names.ts';
import { nameGroupsOf } from './given-names.ts';
import { type Fidelity, romanise, scriptOf } from './romanise.ts';
import { bonesOf, foldOf } from './sounds.ts';
import {
  ABBREVIATIONS,
  GENERIC,
  LEGAL_FORMS,
  LEGAL_WORDS_MAX,
  type LegalForm,
  NUMBERS,
  PARTICLES,
  PATRONYMIC,
  PLACES,
  STOP_WORDS,
  TITLES,
  VESSEL_PREFIXES,
} from './vocabulary.ts';

/** How a name is read: people, things that float or fly, and everything that has a legal form. */
export type NameKind = 'person' | 'organisation' | 'vessel';

export type TokenClass =
  | 'name'
  | 'initial'
  | 'patronymic'
  | 'particle'
  | 'number'
  | 'generic'
  | 'place'
  | 'stop';

/** One part of a name, with what comparing needs, computed once. */
export type NameToken = {
  /** Lower-case Latin letters and digits. */
  text: string;
  /** Spelling variants of one sound folded together. */
  fold: string;
  /** The fold's consonants: what scripts without vowels and rough transcriptions agree in. */
  bones: string;
  fidelity: Fidelity;
  script: Script;
  class: TokenClass;
  /** What a part of this class counts for, before rarity. */
  weight: number;
  /** Groups of names or words that are one; undefined: it is in no list of such. */
  groups: readonly number[] | undefined;
  /** A given name that is known: another known one, however near in spelling, is another name. */
  isGivenName: boolean;
  /** Borne by so many people that a list's own count says too little. */
  isCommon: boolean;
};

export type Name = {
  raw: string;
  kind: NameKind;
  tokens: readonly NameToken[];
  legal: readonly LegalForm[];
  titles: readonly string[];
  /** The first letters of all words, legal forms included: "CNOOC". Of organisations only. */
  initials: string;
};

/** A name longer than this is cut: no real one is, and comparing costs the square of it. */
const MAX_TOKENS = 16;
const MAX_LETTERS = 400;

const WEIGHTS: Readonly<Record<TokenClass, number>> = {
  name: 1,
  patronymic: 0.8,
  initial: 0.4,
  particle: 0.12,
  number: 0.35,
  generic: 0.4,
  place: 0.35,
  stop: 0.05,
};

type Word = { text: string; script: Script; fidelity: Fidelity };

/** @param schema of FollowTheMoney: Person, Company, Organization, LegalEntity, Vessel, Airplane… */
export function kindOf(schema: string): NameKind {
  const plain = schema.toLowerCase();
  if (plain === 'person' || plain === 'individual') return 'person';
  return ['vessel', 'airplane', 'aircraft', 'vehicle'].includes(plain) ? 'vessel' : 'organisation';
}

/** The names that one string holds: "A/B" of an organisation are two, beside the whole. */
export function readNames(raw: string, kind: NameKind): Name[] {
  const whole = readName(raw, kind);
  if (kind !== 'organisation' || !/\p{L}{3}\s*\/\s*\p{L}{3}/u.test(raw)) return [whole];
  const parts = raw.split('/').map((part) => readName(part, kind));
  return [whole, ...parts.filter(({ tokens }) => tokens.some((token) => token.class === 'name'))];
}

/** Reads a name into its parts. Never fails; a name without any letter has no parts. */
export function readName(raw: string, kind: NameKind): Name {
  const cut = raw.slice(0, MAX_LETTERS);
  const words = split(kind === 'person' ? familyLast(cut) : cut, kind).map(
    ({ text, given }): Word => ({ ...romanise(given), text }),
  );
  const { rest, legal } = takeLegalForms(words, kind, cut.includes(','));
  const { rest: named, titles } = takeTitles(rest, kind);
  const initials = kind === 'organisation' ? initialsOf(words) : '';
  const tokens = mergeNumbers(named, kind)
    .slice(0, MAX_TOKENS)
    .map((word) => toToken(word, kind));
  return { raw, kind, tokens, legal, titles, initials };
}

function initialsOf(words: readonly Word[]): string {
  return words
    .filter(({ text }) => !STOP_WORDS.has(text))
    .map(({ text }) => text.charAt(0))
    .join('');
}

/** "LAST, First" as it is said; more commas than one mean something else. */
function familyLast(raw: string): string {
  const comma = raw.indexOf(',');
  if (comma <= 0 || raw.includes(',', comma + 1)) return raw;
  return `${raw.slice(comma + 1)} ${raw.slice(0, comma)}`;
}

/** Cuts at blanks and at what joins words; what only decorates a word goes. */
function split(raw: string, kind: NameKind): { text: string; given: string }[] {
  const plain = unjoin(raw.normalize('NFKC'), kind)
    .replace(/['’‘ʼʻ`´](?:s\b)?/gu, '')
    .replace(/(\p{Ll}{3,})(\p{Lu}\p{Ll}{2,})/gu, '$1 $2')
    .replace(/(\p{Ll}{3,})(\p{Lu}{2,})(?=$|[\s.,])/gu, '$1 $2');
  const pieces = plain.split(/[\s,;:()[\]{}"“”„«»<>·・•‧|!?*+=_\-‐‑–—&%/\\]+/u);
  const single = pieces.filter((piece) => piece !== '').length === 1;
  const words = pieces.flatMap((piece) => (kind === 'person' ? personPiece(piece, single) : piece));
  return words.flatMap((given) => {
    const text = unmask(romanise(given.replaceAll('.', '')).text, kind);
    return text === '' ? [] : [{ text, given: given.replaceAll('.', '') }];
  });
}

/** Writes apart what some writers write as one: digits and words, the Arabic article and its noun. */
function unjoin(raw: string, kind: NameKind): string {
  // U+200C parts a word without a blank (Persian); it is no end of a word.
  const text = raw.replaceAll('\u200c', '');
  if (kind === 'person') return unjoinArticle(maskedSigns(text));
  if (kind === 'vessel') return text.replace(/\b([ms])\/([a-z])\b/gi, '$1$2');
  return unjoinArticle(
    text
      .replaceAll('%', 'percent')
      .replace(/(\d)(\p{L}{3,})/gu, '$1 $2')
      .replace(/(\p{L}{3,})(\d)/gu, '$1 $2'),
  );
}

/** The article ال stands before its noun without a blank; in "Allah" it is part of the word. */
function unjoinArticle(text: string): string {
  return text.replace(/(?<!\p{L})ال(?!له)(?=\p{Script=Arabic}{2})/gu, 'ال ');
}

/** Signs that look like letters, between letters of a person's name. */
function maskedSigns(text: string): string {
  return text
    .replace(/@(?=\p{L})|(?<=\p{L})@/gu, 'a')
    .replace(/\$(?=\p{L})|(?<=\p{L})\$/gu, 's')
    .replace(/(?<=\p{L})!(?=\p{L})/gu, 'i');
}

/** Dotted letters are initials; capitals without a vowel beside ordinary words are too ("JC"). */
function personPiece(piece: string, single: boolean): string[] {
  if (/^(?:\p{L}\.)+\p{L}?\.?$/u.test(piece)) return piece.split('.');
  if (!single && /^[BCDFGHJKLMNPQRSTVWXZ]{2}$/.test(piece)) return [...piece];
  const letters = [...piece];
  const script = scriptOf(piece);
  // A whole name in one word: the family name is the first character, very rarely the first two.
  const unspaced = (script === 'han' || script === 'hangul') && single;
  if (unspaced && letters.length >= 2 && letters.length <= 4) {
    const family = letters.length === 4 ? 2 : 1;
    return [letters.slice(0, family).join(''), letters.slice(family).join('')];
  }
  return piece.split('.');
}

/** Digits that stand for letters inside a person's name are an old way around a list. */
function unmask(text: string, kind: NameKind): string {
  if (kind !== 'person' || !/[a-z]/.test(text) || !/\d/.test(text)) return text;
  if (/^\d+(?:st|nd|rd|th)$/.test(text)) return text;
  const letters: Readonly<Record<string, string>> = {
    0: 'o',
    1: 'i',
    3: 'e',
    4: 'a',
    5: 's',
    6: 'b',
    7: 't',
    8: 'b',
    9: 'g',
  };
  return text.replace(/\d/g, (digit) => letters[digit] ?? digit);
}

function takeLegalForms(
  words: Word[],
  kind: NameKind,
  inverted: boolean,
): { rest: Word[]; legal: LegalForm[] } {
  // "PAO, Yu Liang" ends in a family name.
  if (kind === 'vessel' || (kind === 'person' && inverted)) return { rest: words, legal: [] };
  const rest: Word[] = [];
  const legal: LegalForm[] = [];
  for (let i = 0; i < words.length; ) {
    const found = legalFormAt(words, i);
    // A person's name may contain such letters; only an ending after two names is a legal form.
    const allowed = kind === 'organisation' || (rest.length >= 2 && found?.form !== 'any');
    if (found !== undefined && allowed) {
      if (kind === 'organisation' || i + found.length === words.length) {
        legal.push(found.form);
        i += found.length;
        continue;
      }
    }
    const word = words[i];
    if (word !== undefined) rest.push(word);
    i++;
  }
  // A name of nothing but legal forms keeps its words: they are all there is to compare.
  return rest.length === 0 ? { rest: words, legal } : { rest, legal };
}

function legalFormAt(words: Word[], at: number): { form: LegalForm; length: number } | undefined {
  for (let length = Math.min(LEGAL_WORDS_MAX, words.length - at); length >= 1; length--) {
    const phrase = words.slice(at, at + length).map((word) => word.text);
    const form = LEGAL_FORMS.get(phrase.join(' ')) ?? LEGAL_SOUNDS.get(soundsOf(phrase));
    if (form !== undefined) return { form, length };
  }
  return undefined;
}

/** Long legal forms are recognised when misspelled too; short ones have to be exact. */
const LEGAL_SOUNDS: ReadonlyMap<string, LegalForm> = new Map(
  [...LEGAL_FORMS]
    .filter(([form]) => form.length >= 8)
    .map(([form, kind]): [string, LegalForm] => [soundsOf(form.split(' ')), kind]),
);

function soundsOf(words: readonly string[]): string {
  return words.map(foldOf).join(' ');
}

function takeTitles(words: Word[], kind: NameKind): { rest: Word[]; titles: string[] } {
  const isTitle = ({ text }: Word) =>
    kind === 'person' ? TITLES.has(text) : kind === 'vessel' && VESSEL_PREFIXES.has(text);
  const rest = words.filter((word) => !isTitle(word));
  if (kind === 'organisation' || rest.length === 0) return { rest: words, titles: [] };
  return { rest, titles: words.filter(isTitle).map((word) => word.text) };
}

/** "forty four", "44th" and "44" are one number. */
function mergeNumbers(words: Word[], kind: NameKind): Word[] {
  if (kind === 'person') return words;
  const merged: Word[] = [];
  let tens = 0;
  for (const word of words) {
    const digits = /^0*(\d+)(?:st|nd|rd|th)?$/.exec(word.text)?.[1];
    const value = digits === undefined ? NUMBERS.get(word.text) : Number(digits);
    if (value === undefined) {
      merged.push(word);
      tens = 0;
    } else if (tens > 0 && value < 10) {
      merged.splice(-1, 1, { ...word, text: String(tens + value) });
      tens = 0;
    } else {
      merged.push({ ...word, text: digits ?? String(value) });
      tens = digits === undefined && value >= 20 ? value : 0;
    }
  }
  return merged;
}

function toToken(given: Word, kind: NameKind): NameToken {
  const long = kind === 'organisation' ? ABBREVIATIONS.get(given.text) : undefined;
  const word = long === undefined ? given : { ...given, text: long };
  // Two letters spell one vowel of Korean, which the lists write with the second or the first.
  const korean = word.script === 'hangul';
  const fold = foldOf(korean ? word.text.replace(/eo/g, 'o').replace(/eu/g, 'u') : word.text);
  const found = classOf(word, kind);
  const groups = kind === 'person' ? nameGroupsOf(word.text) : wordGroupsOf(word.text);
  const isGivenName = kind === 'person' && groups !== undefined;
  const isCommon = isGivenName || (kind === 'person' && COMMON_NAMES.has(word.text));
  const named = { groups, isGivenName, isCommon };
  const plain = { ...word, ...named, fold, bones: bonesOf(fold), class: found };
  return { ...plain, weight: WEIGHTS[found] };
}

function classOf({ text, script }: Word, kind: NameKind): TokenClass {
  if (/^\d+$/.test(text)) return 'number';
  if (kind === 'person') {
    if (text.length === 1 && script !== 'han') return 'initial';
    if (PARTICLES.has(text) && script !== 'han' && script !== 'hangul') return 'particle';
    return PATRONYMIC.test(text) ? 'patronymic' : 'name';
  }
  if (STOP_WORDS.has(text)) return 'stop';
  if (kind === 'vessel') return 'name';
  if (LEGAL_FORMS.has(text)) return 'stop';
  if (GENERIC.has(text) || isBusinessWord(text)) return 'generic';
  return PLACES.has(text) ? 'place' : 'name';
}
