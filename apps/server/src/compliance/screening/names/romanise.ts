import { pinyin } from 'pinyin-pro';
import {
  ARABIC,
  ARMENIAN,
  ARMENIAN_PAIRS,
  CYRILLIC,
  GEORGIAN,
  GREEK,
  GREEK_PAIRS,
  HANGUL_FAMILY,
  HANGUL_FINALS,
  HANGUL_INITIALS,
  HANGUL_VOWELS,
  HEBREW,
  INDIC_BLOCKS,
  INDIC_CONSONANTS,
  INDIC_SIGNS,
  INDIC_VOWELS,
  KANA,
  KANA_SMALL,
  KHMER,
  LATIN,
  LOOKALIKES,
  type Script,
  THAI,
} from './letters.ts';

/**
 * How much of the sound the spelling keeps: `full`, without the short vowels (`consonants`: Arabic,
 * Hebrew), or only roughly (`rough`: foreign names in Han, kana, Khmer and the like).
 */
export type Fidelity = 'full' | 'consonants' | 'rough';

export type Romanised = { text: string; script: Script; fidelity: Fidelity };

const SCRIPTS: readonly [Script, RegExp][] = [
  ['latin', /\p{Script=Latin}/u],
  ['cyrillic', /\p{Script=Cyrillic}/u],
  ['greek', /\p{Script=Greek}/u],
  ['arabic', /\p{Script=Arabic}/u],
  ['hebrew', /\p{Script=Hebrew}/u],
  ['kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['han', /\p{Script=Han}/u],
  ['hangul', /\p{Script=Hangul}/u],
  ['armenian', /\p{Script=Armenian}/u],
  ['georgian', /\p{Script=Georgian}/u],
  ['indic', /[\u0900-\u0d7f]/u],
  ['thai', /\p{Script=Thai}/u],
  ['khmer', /\p{Script=Khmer}/u],
];

/** The script of a word: that of most use to read it by, where it mixes several. */
export function scriptOf(word: string): Script {
  for (const [script, pattern] of SCRIPTS) if (pattern.test(word)) return script;
  return /^[\p{P}\p{S}\p{N}\p{Z}]*$/u.test(word) ? 'latin' : 'other';
}

/** Writes one word (no blanks) in lower-case Latin letters and digits, whatever its script. */
export function romanise(word: string): Romanised {
  const script = scriptOf(word);
  if (script === 'latin') return { text: latin(word), script, fidelity: 'full' };
  // Compatibility forms (Arabic presentation forms, half-width kana) become the plain letters.
  const plain = word.normalize('NFKC').toLowerCase();
  return { text: latin(spell(plain, script)), script, fidelity: fidelityOf(plain, script) };
}

function fidelityOf(word: string, script: Script): Fidelity {
  if (script === 'arabic' || script === 'hebrew') return 'consonants';
  // A native Chinese name part has one or two characters; longer words spell a foreign name.
  if (script === 'han') return [...word].length > 2 ? 'rough' : 'full';
  const rough: readonly Script[] = ['kana', 'khmer', 'thai'];
  return rough.includes(script) ? 'rough' : 'full';
}

function latin(word: string): string {
  const bare = word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  let text = '';
  for (const letter of bare) text += LATIN.get(letter) ?? LOOKALIKES.get(letter) ?? letter;
  return text.replace(/[^a-z0-9]/g, '');
}

function spell(word: string, script: Script): string {
  switch (script) {
    case 'cyrillic':
      return byTable(word.normalize('NFC'), CYRILLIC);
    case 'greek':
      return byTable(word.normalize('NFD').replace(/\p{M}/gu, ''), GREEK, GREEK_PAIRS);
    case 'armenian':
      return byTable(word, ARMENIAN, ARMENIAN_PAIRS);
    case 'georgian':
      return byTable(word, GEORGIAN);
    case 'arabic':
      // An ayn at the beginning carries a vowel that Latin spellings write: Ali, Omar, Abd.
      return byTable(word.replace(/\p{M}|ـ/gu, '').replace(/^ع/u, 'ا'), ARABIC);
    case 'hebrew':
      return byTable(word.replace(/\p{M}/gu, ''), HEBREW);
    case 'kana':
      return kana(word);
    case 'han':
      return pinyin(word, { toneType: 'none', type: 'array' }).join('');
    case 'hangul':
      return hangul(word);
    case 'indic':
      return indic(word);
    case 'thai':
      return byTable(word, THAI);
    case 'khmer':
      return byTable(word, KHMER);
    default:
      return word;
  }
}

function byTable(
  word: string,
  letters: ReadonlyMap<string, string>,
  pairs?: ReadonlyMap<string, string>,
): string {
  let text = '';
  for (let i = 0; i < word.length; i++) {
    const pair = pairs?.get(word.slice(i, i + 2));
    if (pair === undefined) text += letters.get(word.charAt(i)) ?? word.charAt(i);
    else {
      text += pair;
      i++;
    }
  }
  return text;
}

/** Hepburn, without marks of length. Characters of Han in between are read the Chinese way. */
function kana(word: string): string {
  let text = '';
  let doubled = false;
  for (const given of word) {
    const code = given.codePointAt(0) ?? 0;
    // Hiragana lies 60h below katakana.
    const letter = code >= 0x3041 && code <= 0x3096 ? String.fromCodePoint(code + 0x60) : given;
    const small = KANA_SMALL.get(letter);
    if (small !== undefined) {
      text = /(?:sh|ch|j)i$/.test(text)
        ? text.slice(0, -1) + small.replace(/^y/, '')
        : text.replace(/[aeiou]$/, '') + small;
    } else if (letter === 'ッ') doubled = true;
    else if (letter !== 'ー') {
      const syllable = KANA.get(letter) ?? (scriptOf(letter) === 'han' ? spell(letter, 'han') : '');
      text += (doubled ? syllable.charAt(0) : '') + syllable;
      doubled = false;
    }
  }
  return text;
}

/** Revised romanisation, syllable by syllable; family names in their customary spelling. */
function hangul(word: string): string {
  const family = HANGUL_FAMILY.get(word.normalize('NFC'));
  if (family !== undefined) return family;
  let text = '';
  for (const syllable of word.normalize('NFC')) {
    const index = (syllable.codePointAt(0) ?? 0) - 0xac00;
    if (index < 0 || index >= 11_172) continue;
    text += HANGUL_INITIALS[Math.floor(index / 588)] ?? '';
    text += HANGUL_VOWELS[Math.floor((index % 588) / 28)] ?? '';
    text += HANGUL_FINALS[index % 28] ?? '';
  }
  return text;
}

/** The vowel that a consonant carries is written unless a sign replaces it or the word ends. */
function indic(word: string): string {
  let text = '';
  let carries = false;
  for (const letter of word.normalize('NFC')) {
    const code = letter.codePointAt(0) ?? 0;
    const block = INDIC_BLOCKS.find((start) => code >= start && code < start + 0x80);
    if (block === undefined) continue;
    const offset = code - block;
    const sign = INDIC_SIGNS[offset - 0x3e];
    const consonant = INDIC_CONSONANTS[offset - 0x15];
    const independent = INDIC_VOWELS[offset - 0x05];
    if (sign !== undefined && offset <= 0x4c) {
      text += sign;
      carries = false;
    } else if (offset === 0x4d) carries = false;
    else if (consonant !== undefined) {
      text += (carries ? 'a' : '') + consonant;
      carries = true;
    } else if (independent !== undefined) {
      text += (carries ? 'a' : '') + independent;
      carries = false;
    } else if (offset === 0x02 || offset === 0x01) {
      text += `${carries ? 'a' : ''}n`;
      carries = false;
    }
  }
  return text;
}
