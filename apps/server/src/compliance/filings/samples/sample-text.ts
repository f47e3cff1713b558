import { lengthOf } from '../xml/text.ts';
import type { Dice } from './dice.ts';

/** What breaks writers of XML, and what people really are called. */
const WORDS = [
  'Janice',
  'Mann',
  "O'Brien",
  'Müller-Lüdenscheidt',
  'Дмитрий',
  'محمد',
  'שלום',
  '李小龍',
  'さくら',
  '한국',
  'Łódź',
  'Nguyễn',
  'a&b',
  '<script>',
  '</fc2:Activity>',
  ']]>',
  '<![CDATA[',
  '"',
  "'",
  '&amp;',
  '&#0;',
  '--',
  '?>',
  '😀',
  '𝕏𝕐',
  '👨‍👩‍👧',
  '\u0000',
  '\u0007',
  '\u001b[31m',
  '\ud800',
  '\udfff',
  '\ufffe',
  '\uffff',
  '\u202egnp.exe',
  '\u2028',
  '\u00a0',
  '\u200b',
  '\t',
  '\r\n',
  '\n',
  '  ',
  '%00',
  '${x}',
  "'; DROP TABLE",
  'e\u0301',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
  '0'.repeat(64),
  '١٢٣',
  '½',
  '\u{10ffff}',
  '=1+1',
  '@SUM',
] as const;

/** A text of hostile words, at most `max` characters long once it is one line. */
export function sampleText(dice: Dice, max: number): string {
  const wanted = 1 + dice.index(max);
  // A word to begin with that is left when everything unfit is gone.
  let text = '';
  let length = 0;
  const first = dice.pick(['A', 'Ω', '王', '𝔄'] as const);
  for (let word: string = first; ; word = dice.pick(WORDS)) {
    // Each unfit character becomes one other; so this counts no less than what is written.
    const added = lengthOf(word) + 1;
    if (length + added > wanted && text !== '') break;
    text += text === '' ? word : `${dice.chance(0.7) ? ' ' : ''}${word}`;
    length += added;
  }
  return text;
}

export function sampleDigits(dice: Dice, count: number): string {
  return Array.from({ length: count }, () => String(dice.index(10))).join('');
}

export function sampleDay(dice: Dice): string {
  const ms = Date.UTC(2020, 0, 1) + dice.index(2_500) * 86_400_000;
  return new Date(ms).toISOString().slice(0, 10);
}

export function sampleAmount(dice: Dice): string {
  const whole = sampleDigits(dice, 1 + dice.index(9)).replace(/^0+(?=.)/, '');
  const amount = dice.chance(0.5) ? whole : `${whole}.${sampleDigits(dice, 1 + dice.index(4))}`;
  return /[1-9]/.test(amount) ? amount : '1';
}
