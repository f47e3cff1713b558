/** What takes the place of a character that a document can't hold: seen, not lost in silence. */
const REPLACEMENT = '\ufffd';
/**
 * What XML 1.0 has no place for (§2.2: control characters, halves of surrogate pairs, U+FFFE and
 * U+FFFF), and what can be held but not read: DEL and C1 controls, and the marks that turn the
 * direction of text, with which a name could be shown as another.
 */
const UNFIT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Cs}|[\u{1fffe}\u{1ffff}]/gu;

/** A text as one line: no line breaks, no space at its ends, nothing that XML can't hold. */
export function oneLine(text: string): string {
  return text.replace(UNFIT, REPLACEMENT).replace(/\s+/gu, ' ').trim();
}

/** Length as XSD counts it: code points, not UTF-16 units. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
